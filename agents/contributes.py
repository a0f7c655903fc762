"""What `agents` adds to the whole."""

from pathlib import Path

from workbench.contributions import Contribution, FirstStart, JobKind

CONTRIBUTION = Contribution(
    commands={
        "ask": ("agents.commands.ask:ask", "Ask one question and stream the answer."),
        "compare": (
            "agents.compare.commands.compare:compare",
            "Compare base, documents and tuning on the same questions.",
        ),
        "chats replay": (
            "agents.commands.replay:replay",
            "Ask a whole chat again, and say what changed.",
        ),
        "data": (
            "agents.databases.commands.data:data",
            "Add databases and table files, check and run queries.",
        ),
        "loop": (
            "agents.loop.commands.loop:loop",
            "Review what people said of answers, and let a model learn it.",
        ),
        "router": (
            "agents.learning.commands.router:router",
            "See what Auto has learned of votes, corrections and comparisons.",
        ),
        "forecast": (
            "agents.forecast.commands.forecast:forecast",
            "Forecast series of numbers: measure on the past, fit, predict.",
        ),
        "mcp": (
            "agents.mcp.commands.mcp:mcp",
            "Serve the experts to other programs, and add tools of theirs.",
        ),
        "serve": ("agents.api.commands.serve:serve", "Serve the agents to programs over HTTP."),
        "keys": ("agents.api.commands.keys:keys", "Make, list and revoke keys of the HTTP API."),
    },
    checks=["agents.databases.checks:check_accounts"],
    first_start=[FirstStart(words=["data", "example"], unless="data")],
    jobs={
        "compare run": JobKind(made="agents.compare.ui.made:made_by_comparison"),
        "chats replay": JobKind(made="agents.ui.made:made_by_replay"),
        "loop next": JobKind(made="agents.loop.ui.made:made_by_next", heavy=True),
        "forecast fit": JobKind(made="agents.forecast.ui.made:made_by_fit"),
    },
    demo={30: "agents.data.demo:STEP"},
    loop_steps={20: "agents.loop.comparing:STEP", 40: "agents.loop.promoting:STEP"},
    opens={"chat": "agents.ui.opening:chat_with", "choose": "agents.ui.opening:choose_model"},
    panels={
        "account": ["agents.api.ui.keys:draw_own"],
        "people": ["agents.api.ui.keys:draw_all"],
        "compare": [
            "agents.learning.ui.advice:draw_advice",
            "agents.learning.ui.learned:draw_learned",
        ],
    },
    modes="agents.registry:modes_on_offer",
    chinese=Path(__file__).with_name("chinese.toml"),
)

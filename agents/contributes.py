"""What `agents` adds to the whole."""

from pathlib import Path

from workbench.contributions import Contribution, FirstStart

CONTRIBUTION = Contribution(
    commands={
        "ask": ("agents.commands.ask:ask", "Ask one question and stream the answer."),
        "data": (
            "agents.databases.commands.data:data",
            "Add databases and table files, check and run queries.",
        ),
        "mcp": (
            "agents.mcp.commands.mcp:mcp",
            "Serve the experts to other programs, and add tools of theirs.",
        ),
    },
    first_start=[FirstStart(words=["data", "example"], unless="data")],
    demo={30: "agents.data.demo:STEP"},
    opens={"chat": "agents.ui.opening:chat_with", "choose": "agents.ui.opening:choose_model"},
    chinese=Path(__file__).with_name("chinese.toml"),
)

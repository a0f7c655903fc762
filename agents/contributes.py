"""What `agents` adds to the whole."""

from pathlib import Path

from workbench.contributions import Contribution, FirstStart, JobKind

CONTRIBUTION = Contribution(
    commands={
        "ask": ("agents.commands.ask:ask", "Ask one question and stream the answer."),
        "data": (
            "agents.databases.commands.data:data",
            "Add databases and table files, check and run queries.",
        ),
        "forecast": (
            "agents.forecast.commands.forecast:forecast",
            "Forecast series of numbers: measure on the past, fit, predict.",
        ),
    },
    first_start=[FirstStart(words=["data", "example"], unless="data")],
    demo={30: "agents.data.demo:STEP"},
    jobs={"forecast fit": JobKind(made="agents.forecast.ui.made:made_by_fit")},
    opens={"chat": "agents.ui.opening:chat_with", "choose": "agents.ui.opening:choose_model"},
    chinese=Path(__file__).with_name("chinese.toml"),
)

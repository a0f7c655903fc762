"""What `agents` adds to the whole."""

from pathlib import Path

from workbench.contributions import Contribution

CONTRIBUTION = Contribution(
    commands={
        "ask": ("agents.commands.ask:ask", "Ask one question and stream the answer."),
        "data": (
            "agents.databases.commands.data:data",
            "Add databases and table files, check and run queries.",
        ),
    },
    chinese=Path(__file__).with_name("chinese.toml"),
)

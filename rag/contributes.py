"""What `rag` adds to the whole."""

from pathlib import Path

from workbench.contributions import Contribution

CONTRIBUTION = Contribution(
    commands={
        "rag": ("rag.commands.rag:rag", "Read files into collections, search and measure them."),
    },
    chinese=Path(__file__).with_name("chinese.toml"),
)

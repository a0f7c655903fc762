"""What `finetune` adds to the whole."""

from pathlib import Path

from workbench.contributions import Contribution

CONTRIBUTION = Contribution(
    commands={
        "finetune": (
            "finetune.commands.finetune:finetune",
            "Tune a model on your own data: check, train, score.",
        ),
        "demo": (
            "finetune.demo:demo",
            "Make a small model, tune it on made-up facts, and measure it.",
        ),
    },
    chinese=Path(__file__).with_name("chinese.toml"),
)

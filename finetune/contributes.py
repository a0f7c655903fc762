"""What `finetune` adds to the whole."""

from pathlib import Path

from workbench.contributions import Contribution

CONTRIBUTION = Contribution(
    commands={
        "finetune": (
            "finetune.commands.finetune:finetune",
            "Tune a model on your own data: check, train, score.",
        ),
    },
    checks=["finetune.checks:check_training"],
    demo={10: "finetune.demo:teach_crew"},
    chinese=Path(__file__).with_name("chinese.toml"),
)

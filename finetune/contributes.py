"""What `finetune` adds to the whole."""

from pathlib import Path

from workbench.contributions import Contribution, JobKind

CONTRIBUTION = Contribution(
    commands={
        "finetune": (
            "finetune.commands.finetune:finetune",
            "Tune a model on your own data: check, train, score.",
        ),
    },
    checks=["finetune.checks:check_training"],
    demo={10: "finetune.demo:STEP"},
    loop_steps={10: "finetune.loop:STEP"},
    jobs={
        "finetune train": JobKind(made="finetune.ui.made:made_by_training", heavy=True),
        "finetune augment": JobKind(made="finetune.ui.made:made_by_augment"),
        "finetune make-base": JobKind(made="finetune.ui.made:made_by_make_base", heavy=True),
        "finetune score": JobKind(made="finetune.ui.made:made_by_scoring", heavy=True),
        "finetune samples": JobKind(made="finetune.ui.made:made_by_samples", heavy=True),
        "finetune vocabulary": JobKind(
            made="finetune.ui.made:made_by_vocabulary",
            heavy=True,
            loses=(
                "It begins again from the start when it is resumed.",
                "取消后再继续时会从头开始。",
            ),
        ),
        "demo": JobKind(made="finetune.ui.made:made_by_training", heavy=True),
    },
    opens={"pretrain": "finetune.ui.made:open_pretraining"},
    chinese=Path(__file__).with_name("chinese.toml"),
)

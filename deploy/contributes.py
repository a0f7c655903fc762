"""What `deploy` adds to the whole."""

from pathlib import Path

from workbench.contributions import Contribution, JobKind

CONTRIBUTION = Contribution(
    commands={
        "deploy": (
            "deploy.commands.deploy:deploy",
            "Publish a run or a model to Ollama, proven, in versions.",
        ),
    },
    checks=["deploy.checks:check_publishing"],
    base_checks=["deploy.publishable:find_obstacles"],
    demo={20: "deploy.demo:STEP"},
    loop_steps={30: "deploy.loop:STEP"},
    jobs={
        "deploy publish": JobKind(
            made="deploy.ui.made:made_by_publish",
            loses=(
                "What was written so far is removed; publishing begins again from its first step.",
                "已生成的内容会被删除；再次发布需从头开始。",
            ),
            heavy=True,
        ),
        "models speed-up": JobKind(made="deploy.ui.made:made_by_speed_up", heavy=True),
    },
    gguf="deploy.merged_file:write_merged_gguf",
    opens={"publish": "deploy.ui.opening:publish_run"},
    chinese=Path(__file__).with_name("chinese.toml"),
)

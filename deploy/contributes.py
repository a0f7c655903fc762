"""What `deploy` adds to the whole."""

from pathlib import Path

from workbench.contributions import Contribution

CONTRIBUTION = Contribution(
    commands={
        "deploy": (
            "deploy.commands.deploy:deploy",
            "Publish a run or a model to Ollama, proven, in versions.",
        ),
    },
    checks=["deploy.checks:check_publishing"],
    demo={20: "deploy.demo:publish_crew"},
    chinese=Path(__file__).with_name("chinese.toml"),
)

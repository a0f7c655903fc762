"""A run's method, its base and this machine -> what does not go together, before anything loads."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.methods import METHODS
from finetune.run.config import ConfigProblems, RunConfig
from finetune.run.runs import Run
from finetune.section import problem
from finetune.weights import Weights
from workbench.messages import Message, say


def method_problems(config: RunConfig, weights: Weights) -> list[dict[str, str]]:
    """What stands in the way of training with the run's method."""
    method = METHODS[config.method]
    return [*method.conflicts(config), *method.problems(config.tuning, weights)]


def check_method(run: Run, config: RunConfig, weights: Weights) -> None:
    """Raises ConfigProblems with all that stands in the way."""
    problems = method_problems(config, weights)
    if problems:
        raise ConfigProblems(run.run_file, problems, config)


def token_problems(config: RunConfig, added: Sequence[str]) -> list[dict[str, str]]:
    """Tokens that the base lacks, where the method trains no rows for them."""
    if not added or not METHODS[config.method].stands_before_text:
        return []
    what = say(
        "{method} trains no weight, so the base cannot learn its new tokens: {tokens}",
        method=config.method,
        tokens=", ".join(added),
    )
    fix = say("Choose a method that trains them, such as lora, or leave the tokens out.")
    return [problem("method", what, fix)]


def publishing_remarks(config: RunConfig) -> list[Message]:
    """What is said of a method whose runs cannot become a GGUF file, before hours of training."""
    method = METHODS[config.method]
    if any(method.gguf.values()):
        return []
    return [
        say(
            "What {method} trains fits into no GGUF file, so the run cannot be published to "
            "Ollama. Chat with it here as local:RUN; to publish, train with lora.",
            method=config.method,
        )
    ]

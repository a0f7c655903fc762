"""A run's method, its base and this machine -> what does not go together, before anything loads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from finetune.methods import METHODS
from finetune.run.config import ConfigProblems, RunConfig
from finetune.run.runs import Run
from finetune.section import problem
from finetune.tasks import TASKS
from finetune.weights import Weights, read_weights
from workbench.artefacts.model_folder import needs_own_code, own_code
from workbench.contributions import load_place
from workbench.files import read_json
from workbench.messages import Message, say
from workbench.settings import Settings


def task_problems(config: RunConfig, settings: Settings) -> list[dict[str, str]]:
    """What only the run's task refuses."""
    place = TASKS[config.task].problems
    return load_place(place)(config, settings) if place else []


def method_problems(config: RunConfig, weights: Weights) -> list[dict[str, str]]:
    """What stands in the way of training with the run's method."""
    method = METHODS[config.method]
    return [*method.conflicts(config), *method.problems(config.tuning, weights)]


def code_problems(config: RunConfig, base: Path) -> list[dict[str, str]]:
    """A base whose architecture is code of its own repository, as ChatGLM3's is, and nobody has
    allowed it.
    """
    if not needs_own_code(base):
        return []
    if config.remote_code:
        return [] if own_code(base) else unread_code(base)
    kind = str(read_json(base / "config.json", {}).get("model_type"))
    what = say("{kind} is code of the base's own repository, which is not run here", kind=kind)
    fix = say(
        "Use a base of the family that transformers has itself, such as GLM-4 instead of "
        "ChatGLM3. Or read that code, and write remote_code = true into the run file."
    )
    return [problem("base", what, fix)]


def unread_code(base: Path | str) -> list[dict[str, str]]:
    """Code that nobody can have read: it is never fetched from a hub."""
    what = say("the code that remote_code allows is not in {base}", base=base)
    fix = say("Copy the whole repository into a folder, read its code, and name that folder.")
    return [problem("base", what, fix)]


def code_remarks(config: RunConfig, base: Path) -> list[Message]:
    """What is said of code that is allowed to run."""
    code = own_code(base) if config.remote_code else {}
    if not code:
        return []
    return [
        say(
            "The base's own code will run here with all your rights: {files}. Read it before.",
            files=", ".join(code),
        )
    ]


def check_suits(run: Run, config: RunConfig, base: Path) -> None:
    """Raises ConfigProblems with all that stands in the way of the method and of the base."""
    problems = [*code_problems(config, base), *method_problems(config, read_weights(base))]
    if problems:
        raise ConfigProblems(run.run_file, problems, config)


def token_problems(config: RunConfig, added: Sequence[str]) -> list[dict[str, str]]:
    """Tokens that the base lacks, where the method trains no rows for them, or the reference is a
    base that does not know them.
    """
    if not added:
        return []
    if TASKS[config.task].compares and not config.task_settings.start:
        what = say("the reference is the base, which lacks {tokens}", tokens=", ".join(added))
        fix = say('Teach them by task = "sft" first, and name that run as preference.start.')
        return [problem("task", what, fix)]
    if not METHODS[config.method].stands_before_text:
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

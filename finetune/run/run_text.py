"""The few choices that matter -> the text of a run file, with a line for each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetune.methods import METHODS, sharing
from finetune.run.config import Data, Training
from finetune.tasks import TASKS

TEMPLATE = """\
{task}base = {base}
seed = 42

[data]
train = [{train}]
eval_share = {eval_share}        # of the facts, held out to measure on
max_length = {max_length}

[{section}]
{tuning}
[training]
epochs = {epochs}
batch = {batch}
accumulation = 1
learning_rate = {learning_rate}
warmup = {warmup}

[saving]
eval_every = "epoch"    # or a number of steps
keep = 2
samples = 3
report_to = []
"""
SHOWN = (
    "rank",
    "alpha",
    "targets",
    "tokens",
    "projection",
)  # of a method's settings, where it has them
FIRST_TASK = next(iter(TASKS))
FIRST_METHOD = next(iter(METHODS))


@dataclass(frozen=True)
class Choices:
    """What a person chooses before a training; the defaults are those of a run file.

    `tuning` are settings of the method that differ from their defaults.
    """

    base: str
    train: Path
    epochs: float = Training.model_fields["epochs"].default
    learning_rate: float = Training.model_fields["learning_rate"].default
    max_length: int = Data.model_fields["max_length"].default
    batch: int = Training.model_fields["batch"].default
    eval_share: float = 0.1
    task: str = FIRST_TASK
    method: str = FIRST_METHOD
    tuning: Mapping[str, Any] = field(default_factory=dict)


def write_run_text(choices: Choices) -> str:
    """The run file in TOML."""
    task = "" if choices.task == FIRST_TASK else f"task = {_toml(choices.task)}\n"
    return TEMPLATE.format(
        task=task,
        base=_toml(choices.base),
        train=_toml(str(choices.train)),
        eval_share=choices.eval_share,
        max_length=choices.max_length,
        section=METHODS[choices.method].section,
        tuning=_tuning(choices),
        epochs=choices.epochs,
        batch=choices.batch,
        learning_rate=choices.learning_rate,
        warmup=Training.model_fields["warmup"].default,
    )


def _tuning(choices: Choices) -> str:
    """The lines of the method's section."""
    row = METHODS[choices.method]
    others = ", ".join(sharing(row.section))
    lines = [f"method = {_toml(row.name)}         # {others}"]
    for name, setting in row.settings.model_fields.items():
        if name in choices.tuning:
            lines.append(f"{name} = {_toml(choices.tuning[name])}")
        elif name in SHOWN:
            lines.append(f"{name} = {_toml(setting.default)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A string, number or list as JSON, which is TOML too, whatever a path has in it."""
    return json.dumps(value, ensure_ascii=False)

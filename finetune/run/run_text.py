"""The few choices that matter -> the text of a run file, with a line for each so that more can be written beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from finetune.run.config import Data, Lora, Training

TEMPLATE = """\
base = {base}
seed = 42

[data]
train = [{train}]
eval_share = {eval_share}        # of the facts, held out to measure on
max_length = {max_length}

[lora]
method = "lora"         # lora, rslora, dora
rank = {rank}
alpha = {alpha}
targets = "all-linear"

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


@dataclass(frozen=True)
class Choices:
    """What a person chooses before a training; the defaults are those of a run file."""

    base: str
    train: Path
    epochs: float = Training.model_fields["epochs"].default
    rank: int = Lora.model_fields["rank"].default
    learning_rate: float = Training.model_fields["learning_rate"].default
    max_length: int = Data.model_fields["max_length"].default
    eval_share: float = 0.1


def write_run_text(choices: Choices) -> str:
    """The run file in TOML. A JSON string is a TOML string too, whatever the path holds."""
    return TEMPLATE.format(
        base=json.dumps(choices.base, ensure_ascii=False),
        train=json.dumps(str(choices.train), ensure_ascii=False),
        eval_share=choices.eval_share,
        max_length=choices.max_length,
        rank=choices.rank,
        alpha=Lora.model_fields["alpha"].default,
        epochs=choices.epochs,
        batch=Training.model_fields["batch"].default,
        learning_rate=choices.learning_rate,
        warmup=Training.model_fields["warmup"].default,
    )

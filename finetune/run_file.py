"""What a person chose on the page -> a run file, as they could have written it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import Conflict, InvalidInput
from workbench.settings import Settings
from workbench.uploads import safe_name

TEMPLATE = """\
# Written by the training page; train it again with: workbench finetune train {name}.toml --name ANOTHER
name = {name_text}
base = {base}

[data]
train = {train}
eval_share = {held_out}
max_length = {max_length}
system = {system}

[lora]
rank = {rank}
alpha = {alpha}

[training]
epochs = {epochs}
batch = {batch}
learning_rate = {learning_rate}
packing = {packing}
"""


@dataclass(frozen=True)
class Choices:
    """The settings that the page offers."""

    epochs: int
    learning_rate: float
    rank: int
    batch: int
    max_length: int
    held_out: float
    packing: bool
    system: str


def write_run_file(settings: Settings, name: str, base: str, data: Sequence[Path], chosen: Choices) -> Path:
    """Write `run_files/<name>.toml` of the workspace. Raises InvalidInput for what is missing, Conflict for a used name."""
    if not name or not base or not data:
        raise InvalidInput("A run needs a name, a base model and data.", "Fill in what is missing.")
    if safe_name(name) != name or (settings.home / "runs" / name).exists():
        raise Conflict(f"The name {name} is taken, or cannot be a folder's name.", "Choose another name.")
    path = settings.folder("run_files") / f"{name}.toml"
    path.write_text(
        TEMPLATE.format(
            name=name, name_text=_text(name), base=_text(base), train=_text([str(one) for one in data]),
            held_out=chosen.held_out, max_length=chosen.max_length, system=_text(chosen.system), rank=chosen.rank,
            alpha=4 * chosen.rank if chosen.rank <= 16 else chosen.rank, epochs=chosen.epochs, batch=chosen.batch,
            learning_rate=chosen.learning_rate, packing=str(chosen.packing).lower(),
        ),
        "utf-8",
    )  # fmt: skip
    return path


def _text(value: str | list[str]) -> str:
    """As TOML writes it, which for texts and lists of texts is JSON's way."""
    return json.dumps(value, ensure_ascii=False)

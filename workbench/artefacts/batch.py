"""A batch of reviewed rows: its folder, its facts, and the steps that packages add to its way.

loop/NAME/batch.json           what it holds and how far it is
loop/NAME/sft.jsonl            dialogues to learn
loop/NAME/preferences.jsonl    pairs of answers
loop/NAME/held_out.jsonl       dialogues that are never taught, to measure on
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.files import read_json, update_json
from workbench.messages import pack, unpack
from workbench.settings import Settings

FOLDER = "loop"
FILE = "batch.json"
Event = dict[str, Any]
Command = Callable[..., Event]
"""`command("finetune", "train", …)` runs `workbench finetune train …` and returns its last line."""

# how far a batch is; `kept out` is an end as well as `promoted`
FROZEN, TRAINED, BETTER, KEPT_OUT, PUBLISHED, PROMOTED = (
    "frozen",
    "trained",
    "better",
    "kept out",
    "published",
    "promoted",
)
ENDS = (KEPT_OUT, PROMOTED)


@dataclass(frozen=True)
class Batch:
    """One batch, by its folder."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def taught(self) -> Path:
        return self.folder / "sft.jsonl"

    @property
    def pairs(self) -> Path:
        return self.folder / "preferences.jsonl"

    @property
    def held_out(self) -> Path:
        return self.folder / "held_out.jsonl"

    @property
    def facts(self) -> dict[str, Any]:
        """What batch.json says, messages ready to be translated."""
        return {key: unpack(value) for key, value in read_json(self.folder / FILE, {}).items()}

    @property
    def state(self) -> str:
        return str(self.facts.get("state", FROZEN))

    @property
    def ended(self) -> bool:
        return self.state in ENDS

    def update(self, **facts: Any) -> None:
        """Add facts while no other process does."""
        packed = {key: _packed(value) for key, value in facts.items()}
        update_json(self.folder / FILE, lambda known: known | packed, {})


@dataclass(frozen=True)
class LoopStep:
    """A step of a batch's way, from a package; it is next while the batch is in state `after`.

    `run` takes the batch, the settings and how to run a command; it returns what it found out,
    with the batch's next `state`. It raises WorkbenchError where it fails, and can be run again.
    """

    after: str
    title: tuple[str, str]
    """What the step does, in English and Chinese: the label of its button."""

    run: Callable[[Batch, Settings, Command], dict[str, Any]]


def list_batches(settings: Settings) -> list[Batch]:
    """Every batch of the workspace, the newest first."""
    files = list(settings.home.glob(f"{FOLDER}/*/{FILE}"))
    files.sort(key=lambda file: Batch(file.parent).facts.get("created", ""), reverse=True)
    return [Batch(file.parent) for file in files]


def candidates(settings: Settings) -> set[str]:
    """The models, `local:RUN`, of runs that no comparison has let into use."""
    found: set[str] = set()
    for batch in list_batches(settings):
        facts = batch.facts
        if facts.get("run") and facts.get("state") != PROMOTED:
            found.add(f"local:{facts['run']}")
    return found


def _packed(value: Any) -> Any:
    return value if isinstance(value, dict) else pack(value)

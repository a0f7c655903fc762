"""A measured task <-> its two files: what was measured and how, and every question of it.

    runs/NAME/benchmarks/       of a run
    benchmarks/MODEL/           of any other model, in the workspace

TASK-KEY.json has the settings and the result and is written last; TASK-KEY.jsonl has the questions.
KEY stands for the settings: what was measured otherwise lies beside it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from workbench.artefacts.run_folder import list_run_folders
from workbench.files import read_json, write_json, write_text
from workbench.settings import Settings

FOLDER = "benchmarks"


@dataclass(frozen=True)
class Conditions:
    """All that the figures of a task depend on."""

    task: str
    version: str
    shots: int
    template: str  # chat or plain
    form: str  # letters: the likeliest counts; answers: the model writes
    limit: int
    questions: str  # their sha256
    model: str
    digest: str
    seed: int
    library: str  # lm_eval's version
    system: str = ""

    @property
    def key(self) -> str:
        """A short name of these conditions."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Measured:
    """What came of a task. `result` has acc, stderr, n, cut and leak."""

    conditions: Conditions
    result: dict[str, Any]
    created: str
    path: Path | None = field(default=None, compare=False)

    def questions(self) -> list[dict[str, Any]]:
        """Every question: its options, the right one, log-probabilities, and what was chosen."""
        if self.path is None:
            return []
        text = self.path.with_suffix(".jsonl").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]


def folder_of(name: str, digest: str, run: Path | None, settings: Settings) -> Path:
    """Where the figures of a model lie: in its run, or in the workspace by name and digest."""
    if run:
        return run / FOLDER
    short = re.sub(r"[^\w.-]+", "-", Path(name).name.replace("packaged:", ""))
    return settings.home / FOLDER / f"{short}-{digest[:8]}"


def keep(folder: Path, measured: Measured, questions: Iterable[dict[str, Any]]) -> Measured:
    """Write both files, the questions first."""
    place = _place(folder, measured.conditions)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in questions]
    write_text(place.with_suffix(".jsonl"), "".join(lines))
    data = {
        "conditions": asdict(measured.conditions),
        "result": measured.result,
        "created": measured.created,
    }
    write_json(place, data)
    return Measured(measured.conditions, measured.result, measured.created, place)


def find_kept(folder: Path, conditions: Conditions) -> Measured | None:
    """What was measured under exactly these conditions before."""
    return _read(_place(folder, conditions))


def list_kept(folder: Path) -> list[Measured]:
    """All that was measured in that folder, the newest first; corrupt files are left out."""
    found = [_read(path) for path in folder.glob("*.json")]
    sound = [one for one in found if one]
    return sorted(sound, key=lambda one: one.created, reverse=True)


def list_folders(settings: Settings) -> list[Path]:
    """The folder of every model that has figures: the runs', then the others'."""
    own = [run.folder / FOLDER for run in list_run_folders(settings)]
    return [*own, *sorted(settings.home.glob(f"{FOLDER}/*/"))]


def _place(folder: Path, conditions: Conditions) -> Path:
    task = re.sub(r"[^\w.-]+", "-", conditions.task)
    return folder / f"{task}-{conditions.key}.json"


def _read(path: Path) -> Measured | None:
    try:
        data = read_json(path)
        conditions = Conditions(**data["conditions"])
        return Measured(conditions, data["result"], data["created"], path)
    except (ValueError, TypeError, KeyError, OSError):  # missing, or not whole
        return None

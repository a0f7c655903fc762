"""A workspace and a person's choices -> files to choose from, a checked run file, its job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from finetune.data.examples import LeftOut
from finetune.run.config import load_config
from finetune.run.reach import check_reach
from finetune.tasks import TASKS
from workbench.chat_data import chat_data
from workbench.confined import check_may_change
from workbench.errors import Conflict, WorkbenchError
from workbench.files import write_text
from workbench.jobs.job import Job, start
from workbench.messages import say
from workbench.settings import Settings
from workbench.ui.uploads import safe_name

SHOWN_OF_TEXT = 300  # characters
PREVIEWED = 20  # rows whose tokens are kept for the preview
BASES = ("models/*", "training/bases/*", "demo/base")  # folders of the workspace with models


def data_files(settings: Settings) -> list[Path]:
    """The uploaded files and that of the chats, newest first, and the example's."""
    chat_data(settings)
    folders = {place.folder("uploads", "training") for place in (settings, settings.own)}
    uploaded = [path for folder in folders for path in folder.iterdir()]
    files = [path for path in uploaded if not _is_unfinished(path)]
    files.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return files + sorted(settings.home.glob("demo/train.jsonl"))


def base_folders(settings: Settings) -> list[Path]:
    """The model folders of the workspace."""
    return sorted(_models(settings, BASES))


def run_name(data: Path | None) -> str:
    """A run's name after its data file."""
    stem = data.stem if data else ""
    return re.sub(r"[^\w.-]+", "-", stem).strip("-._")[:60] or "run"


def free_name(settings: Settings, data: Path | None) -> str:
    """The file's name, numbered on where a run has that name."""
    name = run_name(data)
    free = name
    number = 2
    while (settings.home / "runs" / free).exists():
        free = f"{name}-{number}"
        number += 1
    return free


def run_file_of(settings: Settings, name: str) -> Path:
    """Where the run file of a new run is kept until the training copies it."""
    return settings.folder("training") / f"{safe_name(name)}.toml"


def check_text(settings: Settings, name: str, text: str) -> dict[str, Any]:
    """Write the run file and look at everything in it.

    Returns plain data for a page: {"text", "problems", "warnings", "estimate", "methods",
    "preview", "lengths", "cut", "left_out"}. Lengths are those of the rows in tokens, as they are
    trained; `cut` rows lose the end of an answer, and `left_out` ones have nothing left to learn.
    """
    from finetune.encoding.masking import EncodedAll, preview
    from finetune.run.check import check

    check_may_change(settings)
    path = run_file_of(settings, name)
    write_text(path, text)
    found = check(path, settings)
    encoded = found.encoded or EncodedAll()
    rows = encoded.rows[:PREVIEWED]
    return {
        "text": text,
        "problems": found.problems,
        "warnings": found.warnings,
        "estimate": found.estimate,
        "methods": found.methods,
        "preview": [preview(row, found.tokenizer) for row in rows],
        "lengths": list(encoded.lengths),
        "cut": len(encoded.truncated),
        "left_out": len(encoded.nothing_left),
    }


def start_training(settings: Settings, name: str, title: str, after: Sequence[Job] = ()) -> Job:
    """Train the checked run file in a job that outlives the page, once the jobs `after` have ended.

    Raises Conflict where the run exists, ConfigProblems for its name.
    """
    if (settings.home / "runs" / name).exists():
        raise Conflict(
            say("The run {name} exists already.", name=name),
            "Give this one another name, or delete that one.",
        )
    path = run_file_of(settings, name)
    # the check has seen the file; the name can still be wrong
    check_reach(load_config(path, name=name), settings)
    return start(
        settings, title, ["finetune", "train", str(path), "--name", name, "--json"], after=after
    )


def first_rows(data: Path, count: int) -> tuple[int, list[tuple[str, str]]]:
    """(how many examples the file has, question and answer of the first ones).

    Of texts it is (how many, the beginnings of the first ones without an answer). Raises
    WorkbenchError for a file that cannot be read.
    """
    from finetune.data.dataset import load_rows
    from finetune.data.plain_text import PlainText

    loaded = load_rows([data], {})
    if loaded.examples:
        examples = loaded.examples
        return len(examples), [(row.questions[-1], row.answer) for row in examples[:count]]
    texts = [row.text for row in loaded.rows if isinstance(row, PlainText)]
    return len(texts), [(text[:SHOWN_OF_TEXT], "") for text in texts[:count]]


def task_for(data: Path) -> str:
    """The task that learns all of a file, by the kind of its first row; else the first task."""
    from finetune.data.files import read_rows
    from finetune.data.kinds import KINDS, read_row, split_row

    with suppress(WorkbenchError, LeftOut):  # the check says what is wrong
        for row in read_rows(data):
            if not row.problem and not row.header:
                kind, _, _ = read_row(split_row(row.data)[0])
                return KINDS[kind].tasks[0]
    return next(iter(TASKS))


def _models(settings: Settings, patterns: tuple[str, ...]) -> set[Path]:
    found: set[Path] = set()
    for pattern in patterns:
        found |= {path.parent for path in settings.home.glob(f"{pattern}/config.json")}
    return found


def _is_unfinished(path: Path) -> bool:
    """Whether an upload still writes to it."""
    return path.suffix == ".part" or path.name.startswith(".")

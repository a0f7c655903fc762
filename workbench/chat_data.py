"""The chats of a workspace -> data sets in its folder of training files, kept up to date."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workbench.artefacts.data_set import write_lines
from workbench.chat.conversations import Conversations
from workbench.chat.examples import rated_examples
from workbench.chat.preferences import judged_answers, preferred_pairs
from workbench.settings import Settings
from workbench.storage.connecting import changed, exists
from workbench.storage.place import Place

NAME = "chats.jsonl"
PAIRS = "chats-pairs.jsonl"
RATINGS = "chats-ratings.jsonl"
# the newest file is the one that a new training begins with: what most people want comes last
FILES: dict[str, Callable[[Conversations], Iterator[dict[str, Any]]]] = {
    RATINGS: judged_answers,
    PAIRS: preferred_pairs,
    NAME: rated_examples,
}


def chat_data(settings: Settings) -> Path | None:
    """The file with all good and corrected answers of the person; None where there are none.

    Beside it lie the pairs of answers and the rated answers for preference training. All are
    written again where a conversation has changed since. Raises WorkbenchError where the
    conversations cannot be read.
    """
    folder = settings.own.folder("uploads", "training")
    if exists(settings.database) and not _are_newest(folder, settings.database):
        conversations = Conversations(settings.database)
        for name, rows_of in FILES.items():
            _write(folder / name, list(rows_of(conversations)))
    path = folder / NAME
    return path if path.exists() else None


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    if rows:
        write_lines(path, (json.dumps(row, ensure_ascii=False) for row in rows))
    else:
        path.unlink(missing_ok=True)


def _are_newest(folder: Path, database: Place) -> bool:
    """Whether the files are newer than all that was written to the database."""
    written = [folder / name for name in FILES if (folder / name).exists()]
    if not written:
        return False
    return min(path.stat().st_mtime_ns for path in written) > changed(database)

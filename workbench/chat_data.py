"""The chats of a workspace -> a data set in its folder of training files, kept up to date."""

from __future__ import annotations

import json
from pathlib import Path

from workbench.artefacts.data_set import write_lines
from workbench.chat.conversations import Conversations
from workbench.chat.examples import rated_examples
from workbench.settings import Settings

NAME = "chats.jsonl"


def chat_data(settings: Settings) -> Path | None:
    """The file with all rated and corrected answers; None where there are none.

    Written again where a conversation has changed since. Raises WorkbenchError where the
    conversations cannot be read.
    """
    path = settings.folder("uploads", "training") / NAME
    if not settings.database.exists() or _is_newest(path, settings.database):
        return path if path.exists() else None
    rows = list(rated_examples(Conversations(settings.database)))
    if not rows:
        path.unlink(missing_ok=True)
        return None
    write_lines(path, (json.dumps(row, ensure_ascii=False) for row in rows))
    return path


def _is_newest(path: Path, database: Path) -> bool:
    """Whether the file is newer than all that was written to the database."""
    if not path.exists():
        return False
    log = database.with_name(f"{database.name}-wal")  # SQLite's newest pages
    parts = [part for part in (database, log) if part.exists()]
    return path.stat().st_mtime_ns > max(part.stat().st_mtime_ns for part in parts)

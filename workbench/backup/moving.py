"""Paths inside a workspace that has moved -> the new place; those that lead elsewhere are named.

A path of the workspace itself stands in quotes in JSON and TOML, in files and in columns of a
database. So one replacement of text serves all of them, and leaves the rest as it was written.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.files import write_text
from workbench.messages import Message, say
from workbench.sqlite_file import transaction

# files that keep paths and that no sum covers; "*" stands for one name
KEEPS_PATHS = (
    "*.json",
    "training/*.toml",
    "jobs/*/job.json",
    "jobs/*/output.jsonl",
    "runs/*/run.toml",
    "runs/*/card.json",
    "runs/*/adapter/adapter_config.json",
    "runs/*/checkpoints/*/adapter_config.json",
    "models/*/card.json",
    "data/*/source.json",
    "forecasts/*/*/card.json",
    "loop/*/batch.json",
)
# among them those without which something cannot be used: a source, a base, what was connected
NEEDED = (
    "connections.json",
    "runs/*/adapter/adapter_config.json",
    "data/*/source.json",
)
CHATS = {"messages": ("events", "settings"), "conversations": ("settings",)}
ABSOLUTE = re.compile(r'"(/[^"\n]+)"')
NAMED = 3  # paths in one sentence


@dataclass(frozen=True)
class Move:
    """A workspace that was at `old` and will be at `new`; its files lie in `home` for now."""

    home: Path
    old: str
    new: str

    def apply(self, text: str) -> str:
        """The JSON or TOML text with the new place in quoted paths."""
        for written in (_escaped(self.old, True), _escaped(self.old, False)):
            pattern = rf"(?<=[\"']){re.escape(written)}(?=[\"'/])"
            text = re.sub(pattern, lambda _: _escaped(self.new, False), text)
        return text

    def is_missing(self, path: str) -> bool:
        """Whether a path leads out of the workspace, to nothing on this machine."""
        inside = path == self.new or path.startswith(f"{self.new}/")
        return Path(path).is_absolute() and not inside and not Path(path).exists()


def move_files(move: Move) -> Iterator[Message]:
    """Write the new place into the files that keep paths; a sentence for each that lacks one."""
    for pattern in KEEPS_PATHS:
        for path in sorted(move.home.glob(pattern)):
            try:
                before = path.read_text("utf-8")
            except (OSError, ValueError):  # damaged: `workbench repair` says so
                continue
            text = move.apply(before)
            if text != before:
                status = path.stat()
                write_text(path, text)
                path.chmod(0o600)
                os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    for pattern in NEEDED:
        for path in sorted(move.home.glob(pattern)):
            named = ABSOLUTE.findall(path.read_text("utf-8", "replace"))
            missing = [one for one in named if move.is_missing(one)]
            yield from elsewhere(path.relative_to(move.home).as_posix(), missing)


def elsewhere(what: str, missing: list[str]) -> Iterator[Message]:
    """A sentence that names what does not exist here, where anything is missing."""
    if not missing:
        return
    named = ", ".join(missing[:NAMED])
    if len(missing) > NAMED:
        named += ", …"
    yield say(
        "{what} needs files outside of the workspace that do not exist here: {files}",
        what=what,
        files=named,
    )


def move_chats(move: Move) -> Iterator[Message]:
    """Write the new place into the chats' sources and choices."""
    path = move.home / "workbench.db"
    if not path.exists():
        return
    old, new = (_escaped(place, False) for place in (move.old, move.new))
    with transaction(path) as database:
        for table, columns in CHATS.items():
            known = {row[1] for row in database.execute(f"pragma table_info({table})")}
            for column in known.intersection(columns):
                for end in ('"', "/"):
                    database.execute(
                        f"update {table} set {column} = replace({column}, ?, ?)"  # noqa: S608 – ours
                        f" where instr({column}, ?)",
                        (f'"{old}{end}', f'"{new}{end}', f'"{old}{end}'),
                    )
    yield from ()


def _escaped(place: str, ascii_only: bool) -> str:
    """The path as it stands between the quotes of JSON."""
    return json.dumps(place, ensure_ascii=ascii_only)[1:-1]

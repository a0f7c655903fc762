"""A tuned model -> the questions and answers that its run was trained on."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from workbench.models.names import find_local
from workbench.settings import Settings

Taught = tuple[tuple[str, str], ...]  # (question, answer) pairs


def taught_by(name: str, settings: Settings) -> Taught:
    """The last question of each training dialogue with its answer, each question once.

    Empty for other models than runs of this workspace. Raises NotFound where the run is missing.
    """
    kind, _, rest = name.partition(":")
    if kind != "local":
        return ()
    data = find_local(rest, settings).parent / "data" / "train.jsonl"
    if not data.exists():
        return ()
    return _read_taught(data, data.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read_taught(data: Path, _changed: int) -> Taught:
    taught: dict[str, str] = {}
    for line in data.read_text("utf-8").splitlines():
        turns = json.loads(line)["messages"]
        questions = [turn["content"] for turn in turns if turn["role"] == "user"]
        if questions:
            taught.setdefault(questions[-1], turns[-1]["content"])
    return tuple(taught.items())

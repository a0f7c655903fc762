"""The JSON-lines data set that packages hand over: one conversation a line, {"messages": [...]}.

A line may also hold what people think of answers: {"prompt", "chosen", "rejected"}, or
{"prompt", "completion", "label"}. Its conversation is that with the answer they like.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput
from workbench.files import writing
from workbench.messages import say

Turn = dict[str, Any]  # role, content; further keys as in OpenAI's form


def read_conversations(path: Path) -> list[list[Turn]]:
    """The turns of each line; empty lines are skipped, a missing file is an empty set.

    Raises InvalidInput with the line's number.
    """
    if not path.exists():
        return []
    found = []
    with path.open(encoding="utf-8") as file:  # not splitlines(): it also splits at U+2028
        for number, line in enumerate(file, 1):
            if line.strip():
                turns = conversation_of(_read_line(line, path, number))
                if turns:
                    found.append(turns)
    return found


def conversation_of(row: dict[str, Any]) -> list[Turn]:
    """The turns of a line; none where its answer is rated as bad."""
    if "messages" in row:
        return row["messages"]
    if row.get("label") is False:
        return []
    return [*row["prompt"], *(row.get("chosen") or row["completion"])]


def write_lines(path: Path, lines: Iterable[str]) -> str:
    """Write one JSON text a line, whole or not at all, and return the file's sha256."""
    digest = hashlib.sha256()
    with writing(path) as part, part.open("wb") as file:
        for line in lines:
            data = f"{line}\n".encode()
            digest.update(data)
            file.write(data)
    return digest.hexdigest()


def read_pairs(path: Path) -> tuple[tuple[str, str], ...]:
    """(last question, answer) of each conversation, every question once; read again on a change."""
    if not path.exists():
        return ()
    return _read_pairs(path, path.stat().st_mtime_ns)


def most_questions(path: Path) -> int:
    """The questions of the longest conversation; 0 for a missing or empty file."""
    if not path.exists():
        return 0
    return _most_questions(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _most_questions(path: Path, _changed: int) -> int:
    counts = [sum(turn["role"] == "user" for turn in turns) for turns in read_conversations(path)]
    return max(counts, default=0)


@lru_cache(maxsize=4)
def _read_pairs(path: Path, _changed: int) -> tuple[tuple[str, str], ...]:
    pairs: dict[str, str] = {}
    for turns in read_conversations(path):
        questions = [turn["content"] for turn in turns if turn["role"] == "user"]
        if questions:
            pairs.setdefault(questions[-1], turns[-1]["content"])
    return tuple(pairs.items())


def _read_line(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
        conversation_of(row)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            say("Line {number} of {path} is not a conversation.", number=number, path=path),
            'Give each line one JSON object with "messages".',
        ) from error
    return row

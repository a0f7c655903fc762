"""A file of questions with their right answers -> checked rows, the same ones each time.

    {"question": "How many days of leave do I have?", "answer": "27 days", "id": "leave"}

`id` may be missing; `history` may hold the turns before; more keys are kept. A conversation,
{"messages": […]}, is read as its last question with the turns before.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.artefacts.data_set import conversation_of
from workbench.chat.conversations import Turn
from workbench.errors import InvalidInput
from workbench.messages import listed, say

Row = dict[str, Any]
SHOWN = 3  # problems of a file that are named
FORM = 'Give one JSON object a line: {"question": …, "answer": …}'


def read_questions(path: Path) -> list[Row]:
    """The rows of the file, each with an id. Raises InvalidInput with the lines that are wrong."""
    rows: list[Row] = []
    problems: list[str] = []
    taken: dict[str, int] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = _read(line)
            _take_id(row, number, taken)
        except InvalidInput as error:
            problem = say("line {number}: {problem}", number=number, problem=error.problem)
            problems.append(problem)
            continue
        rows.append(row)
    if problems:
        raise _wrong(path, problems)
    if not rows:
        raise InvalidInput(say("{path} has no questions.", path=path), FORM)
    return rows


def chosen(rows: Sequence[Row], limit: int, seed: int) -> list[Row]:
    """`limit` of the questions, drawn by the seed and kept in their order; all for 0."""
    if not limit or limit >= len(rows):
        return list(rows)
    drawn = random.Random(seed).sample(range(len(rows)), limit)  # noqa: S311 - a sample
    return [rows[number] for number in sorted(drawn)]


def history_of(row: Row) -> list[Turn]:
    """The turns before a question, oldest first."""
    return [Turn(turn["role"], turn["content"]) for turn in row.get("history", [])]


def from_conversation(turns: Sequence[dict[str, Any]]) -> Row:
    """A question row of a conversation whose last turn is the right answer. Raises InvalidInput."""
    said = [turn for turn in turns if turn.get("role") in ("user", "assistant")]
    if len(said) < 2 or said[-1]["role"] != "assistant" or said[-2]["role"] != "user":
        raise InvalidInput("its last turns are not a question and its answer", FORM)
    row: Row = {"question": said[-2]["content"], "answer": said[-1]["content"]}
    before = [{"role": turn["role"], "content": turn["content"]} for turn in said[:-2]]
    if before:
        row["history"] = before
    return row


def key_of(row: Row) -> str:
    """What identifies a question for the answers that are kept: its text and the turns before."""
    asked = json.dumps([row["question"], row.get("history", [])], ensure_ascii=False)
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def _lines(path: Path) -> Iterator[str]:
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise InvalidInput(
            say("{file} cannot be read: {reason}", file=path, reason=error.strerror),
            "Check the path.",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(say("{file} is not UTF-8.", file=path), "Save it as UTF-8.") from error
    yield from text.split("\n")  # not splitlines(): it also splits at U+2028


def _read(line: str) -> Row:
    """The row of a line. Raises InvalidInput with what is wrong."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError:
        raise InvalidInput("it is not JSON", FORM) from None
    if not isinstance(row, dict):
        raise InvalidInput("it is not a JSON object", FORM)
    if "question" not in row and ("messages" in row or "prompt" in row):
        row = _of_a_data_set(row)
    for key in ("question", "answer"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise InvalidInput(say("{key} is missing, empty or not text", key=key), FORM)
    _check_history(row)
    return row


def _of_a_data_set(row: Row) -> Row:
    try:
        return from_conversation(conversation_of(row))
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput("it is no conversation that can be read", FORM) from error


def _check_history(row: Row) -> None:
    turns = row.get("history", [])
    if not isinstance(turns, list):
        raise InvalidInput("history is not a list of turns", FORM)
    for turn in turns:
        whole = isinstance(turn, dict) and isinstance(turn.get("content"), str)
        if not whole or turn.get("role") not in ("user", "assistant"):
            raise InvalidInput("a turn of its history has no role or no content", FORM)


def _take_id(row: Row, number: int, taken: dict[str, int]) -> None:
    row["id"] = str(row.get("id") or f"q{number}")
    if row["id"] in taken:
        problem = say("its id {id} is that of line {line}", id=row["id"], line=taken[row["id"]])
        raise InvalidInput(problem, "Give each question its own id.")
    taken[row["id"]] = number


def _wrong(path: Path, problems: Sequence[str]) -> InvalidInput:
    named = listed(problems[:SHOWN])
    more = len(problems) - SHOWN
    if more > 0:
        return InvalidInput(
            say("{path}: {problems}, and {more} more", path=path, problems=named, more=more), FORM
        )
    return InvalidInput(say("{path}: {problems}", path=path, problems=named), FORM)

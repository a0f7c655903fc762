"""Files of JSON lines -> passages, and questions with the passage that answers each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import InvalidInput
from workbench.folders import check_file
from workbench.messages import Message, say


@dataclass(frozen=True)
class Question:
    """A question and the id of the passage that answers it."""

    text: str
    passage: str


def read_passages(*files: Path) -> dict[str, str]:
    """id -> text, from files with one JSON object {"id", "text"} a line.

    Raises InvalidInput with file and line.
    """
    found: dict[str, str] = {}
    for file in files:
        for place, row in _rows(file, ("id", "text")):
            if row["id"] in found:
                raise InvalidInput(
                    say("{place}: the id {id} was used before.", place=place, id=row["id"]),
                    "Give each passage its own id.",
                )
            found[row["id"]] = row["text"]
    if not found:
        raise InvalidInput(
            say("{file} has no passages.", file=files[0]),
            'Give one JSON object a line: {"id": …, "text": …}',
        )
    return found


def read_questions(file: Path, passages: dict[str, str]) -> list[Question]:
    """From a file with one JSON object {"question", "passage_id"} a line.

    Raises InvalidInput with file and line.
    """
    found: list[Question] = []
    for place, row in _rows(file, ("question", "passage_id")):
        passage = row["passage_id"]
        if passage not in passages:
            raise InvalidInput(
                say("{place}: there is no passage {passage}.", place=place, passage=passage),
                "Correct its passage_id.",
            )
        found.append(Question(row["question"], passage))
    if not found:
        raise InvalidInput(
            say("{file} has no questions.", file=file),
            'Give one JSON object a line: {"question": …, "passage_id": …}',
        )
    return found


def _rows(file: Path, keys: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """(file:line, object) of each line that is not blank."""
    check_file(file)
    try:
        with file.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    place = f"{file}:{number}"
                    yield place, _object(place, line, keys)
    except OSError as error:
        raise InvalidInput(
            say("{file} cannot be read: {reason}", file=file, reason=error.strerror),
            "Check the path.",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(say("{file} is not UTF-8.", file=file), "Save it as UTF-8.") from error


def _object(place: str, line: str, keys: tuple[str, ...]) -> dict[str, str]:
    """The line's object, in which every key has a text that is not blank."""
    fix: Message = say("Give one JSON object a line with {keys}.", keys=", ".join(keys))
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            say("{place}: not JSON: {reason}.", place=place, reason=error.msg), fix
        ) from error
    except RecursionError as error:
        raise InvalidInput(say("{place}: JSON nested too deeply.", place=place), fix) from error
    if not isinstance(row, dict):
        raise InvalidInput(say("{place}: not a JSON object.", place=place), fix)
    for key in keys:
        value = row.get(key)
        if not isinstance(value, str) or not value.strip():
            raise InvalidInput(
                say("{place}: {key} is missing, empty or not text.", place=place, key=key), fix
            )
    return row

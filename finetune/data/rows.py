"""Text in JSON or JSON lines -> its rows, each with its line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workbench.messages import say

# keys under which one object may hold all rows of a file
WRAPPERS = ("data", "rows", "examples", "items", "train", "records")
# a list of JSON values, unlike a text that begins with [a title in brackets]
LIST = re.compile(r'\[\s*(?:$|[\[{"\]\-\d]|true|false|null)')
SEPARATORS = re.compile(r"[ \t\r\n,]*")


@dataclass(frozen=True, slots=True)
class Row:
    """The data of a line (from 1; in workbooks and Parquet the row), or why it is unusable.

    The first row of a table names its columns: its data is a list, and `header` is set.
    """

    line: int
    data: Any = None
    problem: str = ""
    header: bool = False


def is_json(text: str) -> bool:
    """Whether the text begins as JSON does."""
    start = text.lstrip()
    return start.startswith("{") or LIST.match(start) is not None


def json_rows(text: str) -> Iterator[Row]:
    """The rows of a list, of JSON lines, or of objects that each take several lines."""
    if text.lstrip().startswith("["):
        yield from _values(text, text.index("[") + 1, in_list=True)
        return
    lines = text.split("\n")  # not splitlines: U+2028 may stand inside a string
    if not any(_is_object(line) for line in lines[:20]):
        for row in _values(text, 0, in_list=False):
            yield from _unwrapped(row)
        return
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield from _unwrapped(_parse(line, number))


def _is_object(line: str) -> bool:
    return line.lstrip().startswith("{") and isinstance(_parse(line, 0).data, dict)


def _parse(line: str, number: int) -> Row:
    try:
        return Row(number, json.loads(line))
    except json.JSONDecodeError as error:
        problem = say(
            "not valid JSON: {error} at column {column}", error=error.msg, column=error.colno
        )
        return Row(number, problem=problem)
    except RecursionError:
        return Row(number, problem=say("JSON nested too deeply"))


def _unwrapped(row: Row) -> Iterator[Row]:
    """The rows inside an object such as {"data": [...]}; any other row as it is."""
    if isinstance(row.data, dict) and len(row.data) == 1:
        [(key, content)] = row.data.items()
        if key in WRAPPERS and isinstance(content, list):
            for number, data in enumerate(content, 1):
                yield Row(number, data)
            return
    yield row


def _values(text: str, at: int, in_list: bool) -> Iterator[Row]:
    """The JSON values from position `at` on, up to the end or the closing bracket."""
    decoder = json.JSONDecoder()
    line = 1
    counted = 0  # newlines before this position are in `line`
    while True:
        at = _skip_separators(text, at)
        if at >= len(text):
            if in_list:
                problem = say("the list has no closing bracket: the file was cut off")
                yield Row(line, problem=problem)
            return
        if text[at] == "]":
            return
        line += text.count("\n", counted, at)
        counted = at
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            problem = say(
                "not valid JSON from here on: {error} at column {column}",
                error=error.msg,
                column=error.colno,
            )
            yield Row(error.lineno, problem=problem)
            return
        except RecursionError:
            yield Row(line, problem=say("JSON nested too deeply"))
            return
        yield Row(line, value)


def _skip_separators(text: str, at: int) -> int:
    found = SEPARATORS.match(text, at)
    return found.end() if found else at

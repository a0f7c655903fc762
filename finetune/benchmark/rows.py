"""A folder of a suite, or a file -> its questions of multiple choice, by subject."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from finetune.benchmark.suites import Suite
from finetune.data.choices import Choice, is_choice, parse_choice
from finetune.data.files import read_rows
from finetune.data.rows import Row
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say

# How folders hold a suite: all subjects in one file; C-Eval's archive; CMMLU's archive; the hub.
LAYOUTS = (
    "{suite}_{part}*.jsonl",
    "{part}/{subject}_{part}.csv",
    "{part}/{subject}.csv",
    "{subject}/{part}-*.parquet",
)
Questions = dict[str, list[Choice]]


def read_folder(folder: Path, suite: Suite, part: str) -> Questions:
    """Subject -> its questions of that part; empty where the folder has no such part.

    Raises InvalidInput for a row that is no question of multiple choice.
    """
    for layout in LAYOUTS:
        pattern = layout.format(suite=suite.name, part=part, subject="*")
        files = sorted(folder.glob(pattern))
        if files:
            return _by_subject(files, _subject_of(layout, part))
    return {}


def read_file(path: Path) -> list[Choice]:
    """The questions of a data file. Raises NotFound, InvalidInput."""
    return [_choice(path, row) for row in _rows(path)]


def check_folder(folder: Path, suite: Suite) -> Questions:
    """The questions that the suite asks. Raises NotFound where the folder has none."""
    found = read_folder(folder, suite, suite.part) if folder.is_dir() else {}
    if not found:
        raise NotFound(
            say("{folder} has no questions of {suite}.", folder=folder, suite=suite.name),
            say(
                "It must have {file}, or the folders of the suite's own archive.",
                file=f"{suite.name}_{suite.part}.jsonl",
            ),
        )
    return found


def _by_subject(files: list[Path], subject: re.Pattern[str] | None) -> Questions:
    found: Questions = defaultdict(list)
    for file in files:
        for row in _rows(file):
            name = str(row.data.get("subject", ""))
            if subject:
                match = subject.search(file.as_posix())
                name = match[1] if match else ""
            found[name].append(_choice(file, row))
    return dict(found)


def _subject_of(layout: str, part: str) -> re.Pattern[str] | None:
    """Where the file's path names the subject; None where each row does."""
    if "{subject}" not in layout:
        return None
    before, after = layout.replace("*", "#").format(part=part, subject="@").split("@")
    pattern = re.escape(before) + "([^/]+)" + re.escape(after)
    return re.compile(pattern.replace(re.escape("#"), ".*") + "$")


def _rows(path: Path) -> Iterator[Row]:
    """The rows of the file, without the one that names the columns. Raises InvalidInput."""
    for row in read_rows(path):
        if row.header:
            continue
        if row.problem:
            raise _unusable(path, row.line, row.problem)
        yield row


def _choice(path: Path, row: Row) -> Choice:
    if not isinstance(row.data, dict) or not is_choice(row.data):
        problem = say("no question with options")
        raise _unusable(path, row.line, problem)
    try:
        return parse_choice(row.data)
    except InvalidInput as error:
        raise _unusable(path, row.line, error.problem) from error


def _unusable(path: Path, line: int, problem: str) -> InvalidInput:
    return InvalidInput(
        say("{where}: {problem}", where=f"{path}:{line}", problem=problem),
        "A row has `question`, `A` to `D`, and the letter of the right one as `answer`.",
    )

"""Files -> their rows and examples, with every problem, every row left out, and a sha256."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetune.data.examples import (
    DataRow,
    Example,
    LeftOut,
    Message,
    digest,
    digest_of_lines,
    write_examples,
)
from finetune.data.facts import normalise
from finetune.data.files import read_rows
from finetune.data.headers import names_columns
from finetune.data.kinds import KINDS, SHAPES, read_row, split_row
from finetune.data.plain_text import PlainText
from finetune.data.rows import Row
from finetune.data.splits import Overlap, overlap, split
from workbench.errors import InvalidInput, WorkbenchError
from workbench.messages import say

Take = Callable[[DataRow], Sequence[DataRow]]

__all__ = [
    "Example",
    "Loaded",
    "Message",
    "Overlap",
    "Problem",
    "digest",
    "load_as",
    "load_examples",
    "load_rows",
    "overlap",
    "split",
    "write_examples",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """The fault of a row, which is therefore not in the examples. Line 0 is the file as a whole."""

    file: str
    line: int
    problem: str
    fix: str

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that is right but is not learned, and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True)
class Loaded:
    """All that was found.

    `examples` are what the task learns: dialogues, but for a task that takes the rows otherwise;
    `sha256` is that of their lines.
    Every row is an example, a problem or dropped; with `load_rows` it may be a plain text.
    `rows` are all right rows of any kind, each once; `kinds` counts them by their name in KINDS.
    `formats` counts the shapes of the rows, copies too.
    """

    examples: list[Any]
    problems: list[Problem]
    dropped: list[Dropped]
    sha256: str
    formats: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rows: list[DataRow] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)


def load_examples(paths: Sequence[Path], only: Mapping[str, str] | None = None) -> Loaded:
    """Read every file to its end for supervised fine-tuning. All problems come together.

    A row that cannot be a dialogue is a problem; nothing is raised. `only` keeps rows whose column
    has that value, such as {"subject": "law"}; the others are not counted.
    """
    loaded = load_as(_as_dialogue, paths, only)
    loaded.notes.extend(_remarks(loaded.examples))
    for kind, rows in loaded.kinds.items():
        if KINDS[kind].tasks[0] != "sft" and "sft" in KINDS[kind].tasks:
            loaded.notes.append(KINDS[kind].describe(rows))
    return loaded


def load_rows(paths: Sequence[Path], only: Mapping[str, str] | None = None) -> Loaded:
    """The same for rows of every kind: a plain text is no problem."""
    loaded = load_as(_as_dialogue_or_text, paths, only)
    loaded.notes.extend(_remarks(loaded.examples))
    return loaded


def load_as(take: Take, paths: Sequence[Path], only: Mapping[str, str] | None = None) -> Loaded:
    """The same for a task that takes the rows in its own way.

    `take` gives what is learned of a row; it raises InvalidInput for a row that the task cannot
    learn, and LeftOut for one that it does not.
    """
    reading = _Reading(dict(only or {}), take)
    for path in paths:
        reading.read(Path(path))
    return reading.finish()


def _as_dialogue(row: DataRow) -> Sequence[DataRow]:
    return [row.to_example()]


def _as_dialogue_or_text(row: DataRow) -> Sequence[DataRow]:
    return [] if isinstance(row, PlainText) else [row.to_example()]


class _Reading:
    """The rows so far, and what became of them."""

    def __init__(self, only: dict[str, str], take: Take) -> None:
        self.only = only
        self.take = take
        self.examples: list[Any] = []
        self.problems: list[Problem] = []
        self.dropped: list[Dropped] = []
        self.formats: Counter[str] = Counter()
        self.notes: list[str] = []
        self.rows: dict[str, DataRow] = {}  # by their lines
        self.kinds: Counter[str] = Counter()
        self.seen: dict[str, str] = {}  # the line of each example -> where it was first

    def read(self, path: Path) -> None:
        try:
            for row in read_rows(path):
                self._read_row(path, row)
        except WorkbenchError as error:
            self._add_problem(path, 0, error.problem, error.fix)

    def _read_row(self, path: Path, row: Row) -> None:
        if row.problem:
            self._add_problem(path, row.line, row.problem, say("Correct this row, or delete it."))
            return
        if row.header and names_columns(row.data):
            columns = ", ".join(row.data)
            self.notes.append(say("{path}: columns are {columns}", path=path, columns=columns))
            return
        if self.only and not self._wanted(row.data):
            return
        try:
            dialogues = split_row(row.data)
        except InvalidInput as error:
            self._add_problem(path, row.line, error.problem, error.fix)
            return
        for data in dialogues:
            self._add(path, row.line, data)

    def _add_problem(self, path: Path, line: int, problem: str, fix: str) -> None:
        self.problems.append(Problem(str(path), line, problem, fix))

    def _wanted(self, data: Any) -> bool:
        if not isinstance(data, dict):
            return False
        return all(str(data.get(key)) == value for key, value in self.only.items())

    def _add(self, path: Path, line: int, data: Any) -> None:
        try:
            kind, shape, row = read_row(data, f"{path}:{line}")
            text = row.to_line()
            text.encode()
            self._count(kind, row, text)
            learned = self.take(row)
        except InvalidInput as error:
            self._add_problem(path, line, error.problem, error.fix)
        except UnicodeEncodeError:
            problem = say("half of a character (a lone surrogate)")
            self._add_problem(path, line, problem, say("Write it again."))
        except LeftOut as reason:
            [message] = reason.args  # not str(reason), which forgets the template
            self.dropped.append(Dropped(str(path), line, message))
        else:
            self.formats[shape] += 1
            for example in learned:
                self._keep(path, line, example, text if example is row else example.to_line())

    def _count(self, kind: str, row: DataRow, text: str) -> None:
        if text not in self.rows:
            self.rows[text] = row
            self.kinds[kind] += 1

    def _keep(self, path: Path, line: int, example: DataRow, text: str) -> None:
        where = f"{path}:{line}"
        first = self.seen.setdefault(text, where)
        if first == where:
            self.examples.append(example)
        else:
            reason = say("the same as {first}", first=first)
            self.dropped.append(Dropped(str(path), line, reason))

    def finish(self) -> Loaded:
        if not (self.rows or self.problems or self.dropped):
            self.problems.append(Problem("", 0, say("no rows were found"), SHAPES))
        return Loaded(
            examples=self.examples,
            problems=self.problems,
            dropped=self.dropped,
            sha256=digest_of_lines(self.seen),  # as `digest`, from the lines that were made already
            formats=dict(self.formats),
            notes=self.notes,
            rows=list(self.rows.values()),
            kinds=dict(self.kinds),
        )


def _remarks(examples: Sequence[Example]) -> list[str]:
    """No errors, but surprises later: contradicting answers, and blanks that nobody filled in."""
    remarks: list[str] = []
    contradicting = _contradicting(examples)
    if contradicting:
        remark = say(
            "{count} questions have several different answers: {first!r}",
            count=len(contradicting),
            first=contradicting[0][:60],
        )
        remarks.append(remark)
    blanks = [one.where for one in examples if "{{" in one.answer and "}}" in one.answer]
    if blanks:
        remark = say(
            "{count} answers hold a blank such as {{{{name}}}} that nobody filled in,"
            " first {first}",
            count=len(blanks),
            first=blanks[0],
        )
        remarks.append(remark)
    return remarks


def _contradicting(examples: Sequence[Example]) -> list[str]:
    """The questions of single turns that have more than one answer."""
    answers: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        if len(example.messages) > 3:
            continue
        asked = "\n".join(message.content for message in example.messages[:-1])
        answers[normalise(asked)].add(example.answer)
    return [question for question, found in answers.items() if len(found) > 1]

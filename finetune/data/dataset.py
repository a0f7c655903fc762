"""Files -> examples with every problem and every row left out, a sha256, and splits that do not leak."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from finetune.data.examples import Example, Message, digest, write_examples
from finetune.data.facts import facts_of, normalise
from finetune.data.formats import SHAPES, LeftOut, names_columns, read_row, split_row
from finetune.data.rows import Row, read_rows
from workbench.errors import InvalidInput, WorkbenchError
from workbench.messages import say

__all__ = [
    "Example",
    "Loaded",
    "Message",
    "Overlap",
    "Problem",
    "digest",
    "load_examples",
    "overlap",
    "split",
    "write_examples",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row, which is therefore not in the examples. Line 0 is the file as a whole."""

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
    """All that was found. rows = examples + problems + dropped; `sha256` is that of the examples' lines."""

    examples: list[Example]
    problems: list[Problem]
    dropped: list[Dropped]
    sha256: str
    formats: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Overlap:
    """A question of the test set that is also taught: letter for letter, or but for case, spaces and punctuation."""

    train: str
    test: str
    kind: Literal["exact", "normalised"]


def load_examples(paths: Sequence[Path], only: Mapping[str, str] | None = None) -> Loaded:
    """Read every file to its end and report all problems together; nothing is raised.

    `only` keeps rows whose column has that value, such as {"subject": "law"}; the others are not counted.
    """
    reading = _Reading(dict(only or {}))
    for path in paths:
        reading.read(Path(path))
    return reading.finish()


def split(
    examples: Sequence[Example],
    share: float,
    seed: int,
    hold_out: Literal["facts", "paraphrases"] = "facts",
) -> tuple[list[Example], list[Example]]:
    """Training part and held-out part, in their order; the same seed gives the same parts.

    "facts": all wordings of a fact are on one side. "paraphrases": every fact is taught, some wordings are held out.
    """
    if not 0 <= share < 1:
        raise InvalidInput(
            say("A share of {share} cannot be held out.", share=share),
            "Give a number from 0 up to below 1, such as 0.1.",
        )
    facts: dict[str, list[int]] = defaultdict(list)
    for place, fact in enumerate(facts_of(examples)):
        facts[fact].append(place)
    groups = list(facts.values())
    shuffled = random.Random(seed)  # noqa: S311 - a split needs no secret
    shuffled.shuffle(groups)
    held = (
        _hold_facts(groups, share * len(examples))
        if hold_out == "facts"
        else _hold_wordings(groups, share, shuffled)
    )
    train = [example for place, example in enumerate(examples) if place not in held]
    return train, [examples[place] for place in sorted(held)]


def overlap(train: Sequence[Example], test: Sequence[Example]) -> list[Overlap]:
    """Every example of `test` whose questions are taught in `train`, with one place where they are."""
    exact = {example.questions: example.where for example in reversed(train)}
    alike = {normalise(" ".join(example.questions)): example.where for example in reversed(train)}
    found = []
    for example in test:
        key = normalise(" ".join(example.questions))
        if example.questions in exact:
            found.append(Overlap(exact[example.questions], example.where, "exact"))
        elif key and key in alike:
            found.append(Overlap(alike[key], example.where, "normalised"))
    return found


def _hold_facts(groups: Sequence[Sequence[int]], wanted: float) -> set[int]:
    """Whole groups while they bring the number nearer to what is wanted; at least one group stays to be taught."""
    held: set[int] = set()
    for group in groups[:-1]:
        if abs(len(held) + len(group) - wanted) < abs(len(held) - wanted):
            held.update(group)
    return held


def _hold_wordings(
    groups: Sequence[Sequence[int]], share: float, chance: random.Random
) -> set[int]:
    """The share of each fact's wordings, never all of them; what is less than one wording carries over to the next."""
    held: set[int] = set()
    owed = 0.0
    for group in groups:
        if len(group) == 1:
            continue
        owed += share * len(group)
        take = min(int(owed + 1e-9), len(group) - 1)
        owed -= take
        held.update(chance.sample(group, take))
    return held


class _Reading:
    """What has been read so far."""

    def __init__(self, only: dict[str, str]) -> None:
        self.only = only
        self.examples: list[Example] = []
        self.problems: list[Problem] = []
        self.dropped: list[Dropped] = []
        self.formats: Counter[str] = Counter()
        self.notes: list[str] = []
        self.seen: dict[
            str, str
        ] = {}  # the line of each example, in their order -> where it was first

    def read(self, path: Path) -> None:
        try:
            for row in read_rows(path):
                self._read_row(path, row)
        except WorkbenchError as error:
            self._add_problem(path, 0, error.problem, error.fix)

    def _read_row(self, path: Path, row: Row) -> None:
        if row.problem:
            self._add_problem(path, row.line, row.problem, "Correct this row, or delete it.")
        elif row.header and names_columns(row.data):
            self.notes.append(f"{path}: columns are {', '.join(row.data)}")
        elif not self.only or self._wanted(row.data):
            try:
                conversations = split_row(row.data)
            except InvalidInput as error:
                self._add_problem(path, row.line, error.problem, error.fix)
            else:
                for data in conversations:
                    self._add(path, row.line, data)

    def _add_problem(self, path: Path, line: int, problem: str, fix: str) -> None:
        self.problems.append(Problem(str(path), line, problem, fix))

    def _wanted(self, data: Any) -> bool:
        return isinstance(data, dict) and all(
            str(data.get(key)) == value for key, value in self.only.items()
        )

    def _add(self, path: Path, line: int, data: Any) -> None:
        where = f"{path}:{line}"
        try:
            shape, example = read_row(data, where)
            text = example.to_line()
            text.encode()
        except InvalidInput as error:
            self._add_problem(path, line, error.problem, error.fix)
        except UnicodeEncodeError:
            self._add_problem(
                path, line, "half of a character (a lone surrogate)", "Write it anew."
            )
        except LeftOut as reason:
            self.dropped.append(Dropped(str(path), line, str(reason)))
        else:
            self.formats[shape] += 1
            first = self.seen.setdefault(text, where)
            if first != where:
                self.dropped.append(Dropped(str(path), line, f"the same as {first}"))
            else:
                self.examples.append(example)

    def finish(self) -> Loaded:
        if not (self.examples or self.problems or self.dropped):
            self.problems.append(Problem("", 0, "no rows were found", SHAPES))
        return Loaded(
            self.examples,
            self.problems,
            self.dropped,
            self._sha256(),
            dict(self.formats),
            [*self.notes, *_remarks(self.examples)],
        )

    def _sha256(self) -> str:
        """As `digest` of the examples, from the lines that are there already."""
        found = hashlib.sha256()
        for line in self.seen:
            found.update(f"{line}\n".encode())
        return found.hexdigest()


def _remarks(examples: Sequence[Example]) -> list[str]:
    """What is no error but surprises later: contradicting answers, and blanks that nobody filled in."""
    answers: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        if len(example.messages) <= 3:
            answers[normalise("\n".join(message.content for message in example.messages[:-1]))].add(
                example.answer
            )
    contradicting = [question for question, found in answers.items() if len(found) > 1]
    blanks = [
        example.where for example in examples if "{{" in example.answer and "}}" in example.answer
    ]
    remarks = []
    if contradicting:
        remarks.append(
            f"{len(contradicting)} questions have several different answers: {contradicting[0][:60]!r}"
        )
    if blanks:
        remarks.append(
            f"{len(blanks)} answers hold a blank such as {{{{name}}}} that nobody filled in, first {blanks[0]}"
        )
    return remarks

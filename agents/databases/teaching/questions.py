"""A source with its notes -> question–SQL pairs that a small model can be tuned on.

The queries are written by rule (`kinds.py`, `facts.py`), judged by the guard and run; one that is
refused, fails or finds nothing is left out. The questions are the wordings of `questions_*.toml`,
English and Chinese; the last wording of each kind is held out. What is taught is the question's
plain words (`reading.py`).

    wording    "[Which|What] {category} has the most {measure}?"
    choice     "Which {category} has the most {measure}?"
    question   "Which account has the most likes?"
    plain      "account most likes"
"""

from __future__ import annotations

import json
import random
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from agents.databases.database import QueryFailed
from agents.databases.guard.refused import Refused
from agents.databases.introspect import load_schema
from agents.databases.runner import ask_database
from agents.databases.schema import Schema
from agents.databases.sources import DataSource
from agents.databases.teaching.facts import Composer, Fact
from agents.databases.teaching.lexicon import LANGUAGES
from agents.databases.teaching.reading import Reader
from agents.databases.teaching.subjects import Subject, find_subjects
from agents.databases.teaching.tokens import Reading, fill
from workbench.errors import Stopped
from workbench.files import write_text
from workbench.settings import Settings

CHOICE = re.compile(r"\[([^\[\]]*)\]")  # [one|another|]
HOLE = re.compile(r"\{(\w+)\}")  # {measure}
TEXT = re.compile(r"'(?:[^']|'')*'")
ASKED = "asked: "  # begins the group of a line that is taught in plain words
MUDDLED = 0.25  # share of taught questions whose parts stand in any order
REPEATED = 8  # times that the same plain words are taught, from different questions
PATIENCE = 20  # rounds over all kinds without a new question before the search ends


@dataclass(frozen=True)
class Pair:
    """One question and its query, with marks for numbers, days and words.

    `asked` is the question as a person puts it, `plain` as it is taught. `fact` is what it teaches:
    one question for all that have its query. A `held_out` pair has a wording that is never taught.
    """

    asked: str
    plain: str
    sql: str
    fact: str
    held_out: bool
    again: int = 0  # pairs before it that have the same plain words

    def to_line(self) -> str:
        turns = [
            {"role": "user", "content": self.plain},
            {"role": "assistant", "content": self.sql},
        ]
        # a training drops the same line, so one that is taught again says so
        begin = f"again {self.again}: " if self.again else ASKED
        row = {"messages": turns, "group": f"{begin}{self.fact}"}
        return json.dumps(row, ensure_ascii=False)


@dataclass(frozen=True)
class Askable:
    """What a source can be asked: the facts of each language, and who reads questions for them."""

    facts: Mapping[str, list[Fact]]
    reader: Reader


@lru_cache(maxsize=2)
def wordings(language: str) -> dict[str, list[str]]:
    """The wordings of each kind."""
    path = Path(__file__).with_name(f"questions_{language}.toml")
    return tomllib.loads(path.read_text("utf-8"))["kinds"]


def make_pairs(
    source: DataSource, settings: Settings, count: int, held_out: int, seed: int = 0
) -> list[Pair]:
    """`count` pairs to teach and `held_out` in other wordings; no question twice."""
    return word_pairs(find_askable(source, settings), count, held_out, seed)


def word_pairs(askable: Askable, count: int, held_out: int, seed: int = 0) -> list[Pair]:
    """Every kind and every fact gets its share, as evenly as may be.

    Fewer come where questions end.
    """
    chance = random.Random(seed)  # noqa: S311 – the same pairs from the same seed
    taught = _ask(askable, count, chance)
    known = {pair.plain for pair in taught}
    return taught + _ask(askable, held_out, chance, known, held_out=True)


def find_askable(source: DataSource, settings: Settings) -> Askable:
    """The facts of a source whose query passes the guard, runs, and finds something.

    Of queries that differ by their values alone the first is run for all.
    """
    schema = load_schema(source, settings)
    subjects = find_subjects(schema, source, settings)
    facts: dict[str, list[Fact]] = {}
    finds: dict[str, bool] = {}
    for language in LANGUAGES:
        facts[language] = []
        for subject in subjects:
            for fact in Composer(subject, schema.dialect, language).facts():
                shape = TEXT.sub("''", fact.sql)
                if shape not in finds:
                    finds[shape] = _finds(fact, schema, source, settings)
                if finds[shape]:
                    facts[language].append(fact)
    return Askable(facts, Reader(schema, values_of(subjects)))


def values_of(subjects: Iterable[Subject]) -> set[str]:
    """The texts that the categories hold."""
    found: set[str] = set()
    for subject in subjects:
        for category in subject.of("category"):
            if category.is_text:
                found.update(category.values)
    return found


def _finds(fact: Fact, schema: Schema, source: DataSource, settings: Settings) -> bool:
    """Whether the query gives at least one cell that is not empty."""
    try:
        _, result = ask_database(fact.example, schema, source, settings)
    except (Refused, QueryFailed, Stopped):
        return False
    return any(cell is not None for row in result.rows for cell in row)


def _ask(
    askable: Askable,
    count: int,
    chance: random.Random,
    known: Collection[str] = (),
    held_out: bool = False,
) -> list[Pair]:
    """Word the facts until there are enough questions: the kinds in turn, of each its facts.

    No question comes twice, and none has the plain words of a `known` one. The few plain words of
    a simple kind may come a few times, or the kinds with many would be most of what is taught.
    """
    turns: list[tuple[str, Iterator[Fact]]] = []
    for language, facts in askable.facts.items():
        for kind in _by_kind(facts):
            turns.append((language, _in_turn(kind, chance)))
    pairs: dict[str, Pair] = {}
    queries: dict[str, list[str]] = {}  # of the plain words
    most = 1 if held_out else REPEATED
    fruitless = 0
    while turns and len(pairs) < count and fruitless < PATIENCE * len(turns):
        for language, facts_of_kind in turns:
            fact = next(facts_of_kind)
            pair = _pair(fact, language, askable.reader, chance, held_out)
            if pair is None or pair.asked in pairs or pair.plain in known:
                fruitless += 1
                continue
            same = queries.setdefault(pair.plain, [])
            if len(same) == most or (same and pair.sql != same[0]):
                fruitless += 1
                continue
            fruitless = 0
            pairs[pair.asked] = replace(pair, again=len(same))
            same.append(pair.sql)
    return list(pairs.values())[:count]


def _pair(
    fact: Fact, language: str, reader: Reader, chance: random.Random, held_out: bool
) -> Pair | None:
    """The fact in one of its wordings; None where that is read as something else."""
    pattern = _wording(fact.kind, language, held_out, chance)
    muddled = not held_out and chance.random() < MUDDLED
    asked = word(pattern, fact, language, chance, muddled)
    reading = reader.read(asked)
    sql = _with_marks_of(reading, fact)
    if sql is None or reading.unknown:
        return None
    return Pair(asked, reading.plain, sql, _called(fact, language), held_out)


def _called(fact: Fact, language: str) -> str:
    """The first question for the fact: it is the same each time."""
    pattern = max(wordings(language)[fact.kind], key=lambda text: text.endswith(("?", "？")))
    return word(pattern, fact, language, random.Random(0))  # noqa: S311


def _with_marks_of(reading: Reading, fact: Fact) -> str | None:
    """The query with the marks that the question has; None where they are not those of the fact."""
    renamed: dict[str, str] = {}
    for mark, content in fact.marks.items():
        same = [
            read
            for read, text in reading.marks.items()
            if read[0] == mark[0] and text == content and read not in renamed.values()
        ]
        if not same:
            return None
        renamed[mark] = same[0]
    if len(reading.marks) != len(renamed):
        return None
    return fill(fact.sql, renamed)


def _wording(kind: str, language: str, held_out: bool, chance: random.Random) -> str:
    """The last wording of the kind where it is held out, else any other."""
    *taught, last = wordings(language)[kind]
    return last if held_out else chance.choice(taught)


def _by_kind(facts: Sequence[Fact]) -> list[list[Fact]]:
    kinds: dict[str, list[Fact]] = {}
    for fact in facts:
        kinds.setdefault(fact.kind, []).append(fact)
    return list(kinds.values())


def _in_turn(facts: list[Fact], chance: random.Random) -> Iterator[Fact]:
    """The facts again and again, each round in another order."""
    while True:
        yield from chance.sample(facts, len(facts))


def word(
    pattern: str, fact: Fact, language: str, chance: random.Random, muddled: bool = False
) -> str:
    """One question: the wording's choices made and its holes filled, perhaps in any order."""
    pattern = _choose(pattern, chance)
    if muddled:
        pattern = _muddle(pattern, language, chance)
    text = HOLE.sub(lambda hole: chance.choice(fact.words[hole[1]]), pattern)
    text = " ".join(text.split()).replace(" ?", "?")
    return text[0].upper() + text[1:]


def _choose(pattern: str, chance: random.Random) -> str:
    """The pattern with one of each `[one|another|]`."""
    while True:
        choice = CHOICE.search(pattern)
        if not choice:
            return pattern
        chosen = chance.choice(choice[1].split("|"))
        pattern = pattern[: choice.start()] + chosen + pattern[choice.end() :]


def _muddle(pattern: str, language: str, chance: random.Random) -> str:
    """The wording with its parts in another order."""
    space = " " if language == "en" else ""
    split = re.split(r"(\{\w+\})|[?？：:,，]", pattern)
    parts = [part for part in split if part and part.strip()]
    return space.join(chance.sample(parts, len(parts)))


def write_pairs(path: Path, pairs: Sequence[Pair]) -> None:
    """JSON lines of messages, whole or not at all."""
    write_text(path, "".join(f"{pair.to_line()}\n" for pair in pairs))

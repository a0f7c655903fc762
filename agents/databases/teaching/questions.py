"""A source with its notes -> question–SQL pairs that a small model can be tuned on.

The queries are written by rule (`kinds.py`, `facts.py`), judged by the guard and run; one that is
refused, fails or finds nothing is left out. The questions are the wordings of `questions_*.toml`,
English and Chinese; the last wording of each kind is held out.

    wording    "[Which|What] {category} has the most {measure}?"
    choice     "Which {category} has the most {measure}?"
    question   "Which account has the most likes?"
"""

from __future__ import annotations

import json
import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from agents.databases.database import QueryFailed
from agents.databases.guard.refused import Refused
from agents.databases.introspect import load_schema
from agents.databases.runner import ask_database
from agents.databases.schema import Schema
from agents.databases.sources import DataSource
from agents.databases.teaching.facts import Composer, Fact
from agents.databases.teaching.subjects import find_subjects
from workbench.errors import Stopped
from workbench.files import write_text
from workbench.settings import Settings

LANGUAGES = ("en", "zh")
CHOICE = re.compile(r"\[([^\[\]]*)\]")  # [one|another|]
MARK = re.compile(r"\{(\w+)\}")  # {measure}
# People type in a hurry, so a part of what is taught is written so.
PLAIN = 0.3  # share of questions without their capital and mark
HURRIED = 0.5  # share of taught questions with words left out or muddled
LEFT_OUT = 0.3  # share of the loose words that a hurried question leaves out
MUDDLED = 0.3  # share of the hurried ones whose parts stand in any order
PATIENCE = 20  # rounds over all kinds without a new question before the search ends


@dataclass(frozen=True)
class Pair:
    """One question and its query.

    `fact` names what it teaches; a `held_out` pair has a wording that is never taught.
    """

    question: str
    sql: str
    fact: str
    held_out: bool

    def to_line(self) -> str:
        turns = [
            {"role": "user", "content": self.question},
            {"role": "assistant", "content": self.sql},
        ]
        return json.dumps({"messages": turns, "group": self.fact}, ensure_ascii=False)


@lru_cache(maxsize=2)
def wordings(language: str) -> dict[str, Any]:
    """The courtesies `before`, `loose` and `known` words, and the wordings of each of `kinds`."""
    path = Path(__file__).with_name(f"questions_{language}.toml")
    return tomllib.loads(path.read_text("utf-8"))


def make_pairs(
    source: DataSource, settings: Settings, count: int, held_out: int, seed: int = 0
) -> list[Pair]:
    """`count` pairs to teach and `held_out` in other wordings; no question twice.

    Every kind and every fact gets its share, as evenly as may be. Fewer come where questions end.
    """
    chance = random.Random(seed)  # noqa: S311 – the same pairs from the same seed
    facts = {language: answerable(source, settings, language) for language in LANGUAGES}
    taught = _ask(facts, count, False, chance)
    asked = {pair.question for pair in taught}
    others = _ask(facts, held_out, True, chance)
    return taught + [pair for pair in others if pair.question not in asked]


def answerable(source: DataSource, settings: Settings, language: str) -> list[Fact]:
    """The facts of a source whose query passes the guard, runs, and finds something."""
    schema = load_schema(source, settings)
    found: list[Fact] = []
    for subject in find_subjects(schema, source, settings):
        facts = Composer(subject, schema.dialect, language).facts()
        found += [fact for fact in facts if _finds(fact, schema, source, settings)]
    return found


def _finds(fact: Fact, schema: Schema, source: DataSource, settings: Settings) -> bool:
    """Whether the query gives at least one cell that is not empty."""
    try:
        _, result = ask_database(fact.sql, schema, source, settings)
    except (Refused, QueryFailed, Stopped):
        return False
    return any(cell is not None for row in result.rows for cell in row)


def _ask(
    facts: dict[str, list[Fact]], count: int, held_out: bool, chance: random.Random
) -> list[Pair]:
    """Word the facts until there are enough questions: the kinds in turn, of each its facts."""
    turns: list[tuple[str, Iterator[Fact]]] = []
    for language, found in facts.items():
        for kind in _by_kind(found):
            turns.append((language, _in_turn(kind, chance)))
    pairs: dict[str, Pair] = {}
    fruitless = 0
    while turns and len(pairs) < count and fruitless < PATIENCE * len(turns):
        for language, facts_of_kind in turns:
            fact = next(facts_of_kind)
            pattern = _wording(fact.kind, language, held_out, chance)
            hurried = not held_out and chance.random() < HURRIED
            question = word(pattern, fact, language, chance, hurried)
            if question in pairs:
                fruitless += 1
                continue
            fruitless = 0
            pairs[question] = Pair(question, fact.sql, f"{language} {fact.sql}", held_out)
    return list(pairs.values())[:count]


def _wording(kind: str, language: str, held_out: bool, chance: random.Random) -> str:
    """The last wording of the kind where it is held out, else any other."""
    *taught, last = wordings(language)["kinds"][kind]
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
    pattern: str, fact: Fact, language: str, chance: random.Random, hurried: bool = False
) -> str:
    """One question: the wording's choices made, its marks filled, at times with a courtesy."""
    pattern = _choose(pattern, chance)
    if hurried:
        pattern = _hurry(pattern, language, chance)
    text = MARK.sub(lambda mark: chance.choice(fact.words[mark[1]]), pattern)
    text = " ".join(text.split()).replace(" ?", "?")
    text = chance.choice(wordings(language)["before"]) + text
    if chance.random() > PLAIN:
        return text[0].upper() + text[1:]
    begins_with_value = text.startswith(fact.words.get("value", ()))
    if not begins_with_value:  # a value keeps its capital
        text = text[0].lower() + text[1:]
    return text.rstrip("?？")


def _choose(pattern: str, chance: random.Random) -> str:
    """The pattern with one of each `[one|another|]`."""
    while True:
        choice = CHOICE.search(pattern)
        if not choice:
            return pattern
        chosen = chance.choice(choice[1].split("|"))
        pattern = pattern[: choice.start()] + chosen + pattern[choice.end() :]


def _hurry(pattern: str, language: str, chance: random.Random) -> str:
    """The wording without some of its loose words, or with its parts in another order."""
    space = " " if language == "en" else ""
    if chance.random() < MUDDLED:
        split = re.split(r"(\{\w+\})|[?？：:]", pattern)
        parts = [part for part in split if part and part.strip()]
        return space.join(chance.sample(parts, len(parts)))
    if language == "en":
        pieces = pattern.split(" ")
        loose = set(wordings(language)["loose"].split())
    else:
        pieces = re.findall(r"\{\w+\}|.", pattern)
        loose = set(wordings(language)["loose"])
    kept = []
    for piece in pieces:
        if piece.lower() not in loose or chance.random() > LEFT_OUT:
            kept.append(piece)
    return space.join(kept)


def write_pairs(path: Path, pairs: Sequence[Pair]) -> None:
    """JSON lines of messages, whole or not at all."""
    write_text(path, "".join(f"{pair.to_line()}\n" for pair in pairs))

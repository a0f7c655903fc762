"""A source's schema and notes -> question–SQL pairs in English and Chinese that a small model can be tuned on.

The queries are written by rule (`facts.py`), judged by the guard and run; one that is refused, fails or finds nothing is
left out. The questions are the wordings of `questions_*.toml`; the last wording of each kind is held out.
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
from agents.databases.sources import DataSource
from agents.databases.teaching.facts import Composer, Fact
from agents.databases.teaching.subjects import find_subjects
from workbench.errors import Stopped
from workbench.settings import Settings

LANGUAGES = ("en", "zh")
CHOICE = re.compile(r"\[([^\[\]]*)\]")
PLAIN = 0.3  # share of questions that are written without their capital and mark
HURRIED, LEFT_OUT = (
    0.5,
    0.3,
)  # share of taught questions written in a hurry, and of the loose words left out of these
MUDDLED = 0.3  # share of those whose parts stand in any order


@dataclass(frozen=True)
class Pair:
    """One question and its query. `fact` names what it teaches, `held_out` says that its wording is never taught."""

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
    """`before` and `known` words, and `kinds` of wordings."""
    return tomllib.loads(Path(__file__).with_name(f"questions_{language}.toml").read_text("utf-8"))


def make_pairs(
    source: DataSource, settings: Settings, count: int, held_out: int, seed: int = 0
) -> list[Pair]:
    """`count` pairs to teach and `held_out` in other wordings, every kind and fact as evenly as may be; no question twice."""
    chance = random.Random(seed)  # noqa: S311 – the same pairs from the same seed
    facts = {language: answerable(source, settings, language) for language in LANGUAGES}
    taught = _ask(facts, count, False, chance)
    asked = {pair.question for pair in taught}
    return [
        *taught,
        *(pair for pair in _ask(facts, held_out, True, chance) if pair.question not in asked),
    ]


def answerable(source: DataSource, settings: Settings, language: str) -> list[Fact]:
    """The facts of a source whose query passes the guard, runs, and finds something."""
    schema = load_schema(source, settings)
    kept = []
    for subject in find_subjects(schema, source, settings):
        for fact in Composer(subject, schema.dialect, language).facts():
            try:
                _, result = ask_database(fact.sql, schema, source, settings)
            except (Refused, QueryFailed, Stopped):
                continue
            if any(cell is not None for row in result.rows for cell in row):
                kept.append(fact)
    return kept


def _ask(
    facts: dict[str, list[Fact]], count: int, held_out: bool, chance: random.Random
) -> list[Pair]:
    """Take the kinds in turn, of each kind its facts in turn, and word each anew."""
    turns = [
        (language, iter(_in_turn(kind, chance)))
        for language, found in facts.items()
        for kind in _by_kind(found)
    ]
    pairs: dict[str, Pair] = {}
    fruitless = 0
    while turns and len(pairs) < count and fruitless < 20 * len(turns):
        for language, fact_of in turns:
            fact = next(fact_of)
            known = wordings(language)["kinds"][fact.kind]
            pattern = known[-1] if held_out else chance.choice(known[:-1])
            hurried = not held_out and chance.random() < HURRIED
            question = word(pattern, fact, language, chance, hurried)
            fruitless = fruitless + 1 if question in pairs else 0
            pairs.setdefault(question, Pair(question, fact.sql, f"{language} {fact.sql}", held_out))
    return list(pairs.values())[:count]


def _by_kind(facts: Sequence[Fact]) -> Iterator[list[Fact]]:
    for kind in dict.fromkeys(fact.kind for fact in facts):
        yield [fact for fact in facts if fact.kind == kind]


def _in_turn(facts: list[Fact], chance: random.Random) -> Iterator[Fact]:
    while True:
        yield from chance.sample(facts, len(facts))


def word(
    pattern: str, fact: Fact, language: str, chance: random.Random, hurried: bool = False
) -> str:
    """One question: a wording's choices made and its marks filled in, at times with a courtesy before it or in a hurry."""
    while choice := CHOICE.search(pattern):
        pattern = (
            pattern[: choice.start()]
            + chance.choice(choice[1].split("|"))
            + pattern[choice.end() :]
        )
    if hurried:
        pattern = _hurry(pattern, language, chance)
    text = re.sub(r"\{(\w+)\}", lambda mark: chance.choice(fact.words[mark[1]]), pattern)
    text = " ".join(text.split()).replace(" ?", "?")
    text = chance.choice(wordings(language)["before"]) + text
    if chance.random() > PLAIN:
        return text[0].upper() + text[1:]
    named = any(text.startswith(value) for value in fact.words.get("value", ()))
    return (text if named else text[0].lower() + text[1:]).rstrip("?？")


def _hurry(pattern: str, language: str, chance: random.Random) -> str:
    """The wording without some of the words that it can do without, or with its parts in another order."""
    if chance.random() < MUDDLED:
        parts = [part for part in re.split(r"(\{\w+\})|[?？：:]", pattern) if part and part.strip()]
        return (" " if language == "en" else "").join(chance.sample(parts, len(parts)))
    loose = wordings(language)["loose"]
    pieces = pattern.split(" ") if language == "en" else re.findall(r"\{\w+\}|.", pattern)
    known = loose.split() if language == "en" else loose
    kept = [piece for piece in pieces if piece.lower() not in known or chance.random() > LEFT_OUT]
    return (" " if language == "en" else "").join(kept)


def write_pairs(path: Path, pairs: Sequence[Pair]) -> None:
    """JSON lines of messages, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text("".join(f"{pair.to_line()}\n" for pair in pairs), "utf-8")
    part.replace(path)

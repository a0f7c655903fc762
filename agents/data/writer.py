"""A source's own writer: a tuned model that writes the queries it was taught, and declines others.

It sees what it was trained on, its run's system prompt and the plain words of the question alone
(`teaching/reading.py`), for a small model cannot read a schema. So it is held to what it was
taught: a question with words that are not understood is declined, and so is a query that does not
do what the question asks (`teaching/agreement.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from agents.data import texts
from agents.databases.guard.refused import Refused
from agents.databases.naming import pieces
from agents.databases.prompt_text import alike
from agents.databases.schema import Schema
from agents.databases.teaching.agreement import differences
from agents.databases.teaching.lexicon import lexicon
from agents.databases.teaching.questions import ASKED
from agents.databases.teaching.reading import Reader
from agents.databases.teaching.tokens import MARK, fill
from workbench.artefacts.data_set import read_pairs
from workbench.artefacts.run_folder import FROM_RUN, card_of, train_data_of
from workbench.language import CJK, language_of
from workbench.models.chosen import ChosenModel, choose_named
from workbench.settings import Settings

# of its tries at a query that agrees with the question: the likeliest first, then others
TEMPERATURES = (0.0, *[1.0] * 7)
SHOWN = 4  # questions that it was taught, as examples
TEXT_LITERAL = re.compile(r"'((?:[^']|'')+)'")

Taught = tuple[tuple[str, str], ...]  # (question, query)


@dataclass(frozen=True)
class Writer:
    """`taught` is empty where the model's training questions are not known here.

    `asked` are those questions as people put them, where it was taught their plain words.
    """

    model: ChosenModel
    card: dict[str, Any]
    reader: Reader
    taught: Taught = ()
    asked: tuple[str, ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def lineage(self) -> dict[str, Any]:
        facts = {key: self.card[key] for key in FROM_RUN if key in self.card}
        return {"writer": self.name, "writer_digest": self.model.info.digest, **facts}

    def messages(self, question: str) -> list[tuple[str, str]]:
        """The prompt that it was trained with: its run's system prompt and the question."""
        if self.asked:
            question = self.reader.read(question).plain
        system = str(self.card.get("system") or "")
        if not system:
            return [("user", question)]
        return [("system", system), ("user", question)]

    def query_in(self, text: str, question: str) -> str:
        """Its text with the numbers, days and words of the question in place of their marks."""
        return fill(text, self.reader.read(question).marks) if self.asked else text

    def doubts(self, question: str) -> str:
        """Why the question is not one that it was made for, or nothing."""
        if not self.taught:
            return ""
        language = language_of(question)
        unknown = self._unknown(question)
        return texts.never_taught(language, _quoted(unknown, language)) if unknown else ""

    def _unknown(self, question: str) -> list[str]:
        vocabulary = _vocabulary(self.taught)
        if not self.asked:
            found = pieces(question)
            return [word for word in found if word not in vocabulary and not word.isdecimal()]
        unknown = []
        for token in self.reader.read(question).tokens:
            taught = MARK.fullmatch(token.plain) or vocabulary.issuperset(pieces(token.plain))
            if token.kind == "unknown" or not taught:
                unknown.append(token.said)
        return unknown

    def disagrees(self, question: str, sql: str, schema: Schema) -> str:
        """What speaks against a query that it wrote, or nothing."""
        language = language_of(question)
        try:
            found = differences(self.reader.read(question), sql, schema)
        except Refused as refusal:
            return f"{texts.in_language(refusal.problem, language)} "
        return texts.disagrees_on(language, _quoted(found, language)) if found else ""

    def examples(self, question: str) -> list[str]:
        """Whole questions that it was taught, in this one's language, the most alike first."""
        language = language_of(question)
        same = []
        for taught in self.asked or [known for known, _ in self.taught]:
            if language_of(taught) == language and taught.endswith(("?", "？")):
                same.append(taught)
        same.sort(key=lambda taught: -alike(question, taught))
        return same[:SHOWN]


def find_writer(name: str, schema: Schema, settings: Settings) -> Writer:
    """The model of that name as a writer. Raises InvalidInput, NotFound or Unavailable."""
    model = choose_named(name, settings)
    data = train_data_of(name, settings)
    taught = read_pairs(data) if data else ()
    asked = _asked(data, data.stat().st_mtime_ns) if data else ()
    return Writer(model, card_of(name, settings), Reader(schema, _values(taught)), taught, asked)


@lru_cache(maxsize=4)
def _asked(data: Path, _changed: int) -> tuple[str, ...]:
    """The questions behind the plain words of a training file; none where it has no such words."""
    found: dict[str, None] = {}
    with data.open(encoding="utf-8") as lines:
        for line in lines:
            group = str(json.loads(line).get("group", "")) if line.strip() else ""
            if group.startswith(ASKED):
                found[group.removeprefix(ASKED)] = None
    return tuple(found)


@lru_cache(maxsize=4)
def _vocabulary(taught: Taught) -> frozenset[str]:
    """The words of the questions that were taught, and those that every question may have."""
    known: set[str] = set()
    for word in lexicon().loose:
        known.update(pieces(word))
    for question, _ in taught:
        known.update(pieces(question))
    return frozenset(known)


@lru_cache(maxsize=4)
def _values(taught: Taught) -> frozenset[str]:
    """The text values that the taught queries compare with."""
    found: set[str] = set()
    for _, sql in taught:
        for literal in TEXT_LITERAL.findall(sql):
            if not MARK.search(literal):
                found.add(literal.replace("''", "'"))
    return frozenset(found)


def _quoted(words: Sequence[str], language: str) -> str:
    """The words, each once, in quotation marks; single Chinese characters together as one word."""
    once = list(dict.fromkeys(words))
    if language == "zh" and all(re.fullmatch(f"[{CJK}]", word) for word in once):
        once = ["".join(once)]
    return texts.quoted(language, once)

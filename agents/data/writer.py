"""A source's own writer: a tuned model that writes the queries it was taught, and declines others.

It sees what it was trained on, its run's system prompt and the question alone, for a small model
cannot read a schema. So it is held to what it was taught: a question with words that none of its
training questions has is declined, and so is a query that leaves out what the question names or
brings in what it does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agents.data import texts
from agents.data.evidence import CALCULATES
from agents.databases.guard.refused import Refused
from agents.databases.naming import pieces
from agents.databases.prompt_text import alike
from agents.databases.schema import Schema
from agents.databases.teaching.agreement import differences
from agents.databases.teaching.questions import LANGUAGES, wordings
from workbench.artefacts.run_folder import FROM_RUN, card_of, taught_by
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
    """`taught` is empty where the model's training questions are not known here."""

    model: ChosenModel
    card: dict[str, Any]
    taught: Taught

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def lineage(self) -> dict[str, Any]:
        facts = {key: self.card[key] for key in FROM_RUN if key in self.card}
        return {"writer": self.name, "writer_digest": self.model.info.digest, **facts}

    def messages(self, question: str) -> list[tuple[str, str]]:
        """The prompt that it was trained with: its run's system prompt and the question."""
        system = str(self.card.get("system") or "")
        if not system:
            return [("user", question)]
        return [("system", system), ("user", question)]

    def doubts(self, question: str) -> str:
        """Why the question is not one that it was made for, or nothing."""
        if not self.taught:
            return ""
        vocabulary = _vocabulary(self.taught)
        unknown = []
        for piece in pieces(question):
            if piece not in vocabulary and not piece.isdecimal():
                unknown.append(piece)
        if not unknown:
            return ""
        language = language_of(question)
        return texts.never_taught(language, _quoted(unknown, language))

    def disagrees(self, question: str, sql: str, schema: Schema) -> str:
        """What speaks against a query that it wrote, or nothing."""
        language = language_of(question)
        try:
            found = differences(question, sql, schema, _values(self.taught), nameless())
        except Refused as refusal:
            return f"{texts.in_language(refusal.problem, language)} "
        return texts.disagrees_on(language, _quoted(found, language)) if found else ""

    def examples(self, question: str) -> list[str]:
        """Whole questions that it was taught, in this one's language, the most alike first."""
        language = language_of(question)
        same = []
        for taught, _ in self.taught:
            if language_of(taught) == language and taught.endswith(("?", "？")):
                same.append(taught)
        same.sort(key=lambda taught: -alike(question, taught))
        return same[:SHOWN]


def find_writer(name: str, settings: Settings) -> Writer:
    """The model of that name as a writer. Raises InvalidInput, NotFound or Unavailable."""
    return Writer(
        model=choose_named(name, settings),
        card=card_of(name, settings),
        taught=taught_by(name, settings),
    )


@lru_cache(maxsize=4)
def _vocabulary(taught: Taught) -> frozenset[str]:
    """The words of the questions that were taught, and those that every question may have."""
    known = set(function_words())
    for question, _ in taught:
        known.update(pieces(question))
    return frozenset(known)


@lru_cache(maxsize=4)
def _values(taught: Taught) -> frozenset[str]:
    """The text values that the taught queries compare with."""
    found: set[str] = set()
    for _, sql in taught:
        found.update(literal.replace("''", "'") for literal in TEXT_LITERAL.findall(sql))
    return frozenset(found)


@lru_cache(maxsize=1)
def function_words() -> frozenset[str]:
    """Words that every question may have, in both languages."""
    found: set[str] = set()
    for language in LANGUAGES:
        found.update(pieces(wordings(language)["known"]))
    return frozenset(found)


@lru_cache(maxsize=1)
def nameless() -> frozenset[str]:
    """Words that name no table and no column, whatever these are called."""
    return function_words() | frozenset(pieces(CALCULATES))


def _quoted(words: Sequence[str], language: str) -> str:
    """The words, each once, in quotation marks; single Chinese characters together as one word."""
    once = list(dict.fromkeys(words))
    if language == "zh" and all(re.fullmatch(f"[{CJK}]", word) for word in once):
        once = ["".join(once)]
    return texts.quoted(language, once)

"""A source's own writer: a tuned model that writes the queries it was taught, and declines what it was not.

It sees what it was trained on, its run's system prompt and the question alone, for a small model cannot read a schema.
So it is held to what it was taught: a question with words that none of its training questions has is declined, and so
is a query that leaves out what the question names or brings in what it does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agents.databases.guard.names import Refused
from agents.databases.naming import pieces
from agents.databases.prompt_text import alike
from agents.databases.schema import Schema
from agents.databases.teaching.agreement import differences
from agents.databases.teaching.questions import LANGUAGES, wordings
from agents.evidence import CALCULATES, taught_by
from agents.tuned.agent import FROM_RUN, card_of
from workbench.language import CJK, language_of
from workbench.models.names import describe_model, within_context
from workbench.settings import Settings

TEMPERATURES = (0.0, *[1.0] * 7)  # of its tries at a query that agrees with the question
SHOWN = 4  # questions that it was taught, as examples
UNKNOWN = {"en": "it was never taught {words}.", "zh": "它没有学过{words}。"}
DIFFERS = {
    "en": "its query and the question do not agree on {words}.",
    "zh": "它写的查询与问题在{words}上不一致。",
}


@dataclass(frozen=True)
class Writer:
    """`name` is a model's; `taught` its training questions with their answers, none where they are not known here."""

    name: str
    settings: Settings
    digest: str
    card: dict[str, Any]
    taught: tuple[tuple[str, str], ...]

    @property
    def lineage(self) -> dict[str, Any]:
        facts = {key: self.card[key] for key in FROM_RUN if key in self.card}
        return {"writer": self.name, "writer_digest": self.digest} | facts

    def messages(self, question: str) -> list[tuple[str, str]]:
        system = str(self.card.get("system") or "")
        return [*([("system", system)] if system else []), ("user", question)]

    def doubts(self, question: str) -> str:
        """Why the question is not one that it was made for, or nothing."""
        if not self.taught:
            return ""
        unknown = [
            piece
            for piece in pieces(question)
            if piece not in _vocabulary(self.taught) and not piece.isdecimal()
        ]
        return _list(UNKNOWN, unknown, question) if unknown else ""

    def disagrees(self, question: str, sql: str, schema: Schema) -> str:
        """What speaks against a query that it wrote, or nothing."""
        try:
            found = differences(question, sql, schema, _values(self.taught), nameless())
        except Refused as refusal:
            return f"{refusal.problem} "
        return _list(DIFFERS, found, question) if found else ""

    def examples(self, question: str) -> list[str]:
        """Whole questions that it was taught, in the language of this one, the most alike first."""
        same = [
            taught
            for taught, _ in self.taught
            if language_of(taught) == language_of(question) and taught.endswith(("?", "？"))
        ]
        return sorted(same, key=lambda taught: -alike(question, taught))[:SHOWN]


@lru_cache(maxsize=4)
def _vocabulary(taught: tuple[tuple[str, str], ...]) -> frozenset[str]:
    """The words of questions that a model was taught, and those that every question may have."""
    return function_words() | {piece for question, _ in taught for piece in pieces(question)}


@lru_cache(maxsize=4)
def _values(taught: tuple[tuple[str, str], ...]) -> frozenset[str]:
    """The values that the taught queries compare with."""
    found = (value for _, answer in taught for value in re.findall(r"'((?:[^']|'')+)'", answer))
    return frozenset(value.replace("''", "'") for value in found)


def find_writer(name: str, settings: Settings) -> Writer:
    """The model of that name as a writer. Raises InvalidInput, NotFound or Unavailable."""
    model = describe_model(name, settings)
    return Writer(
        name,
        within_context(model, settings),
        model.digest,
        card_of(name, settings),
        taught_by(name, settings),
    )


@lru_cache(maxsize=1)
def function_words() -> frozenset[str]:
    """Words that every question may have, in both languages."""
    return frozenset(
        piece for language in LANGUAGES for piece in pieces(wordings(language)["known"])
    )


@lru_cache(maxsize=1)
def nameless() -> frozenset[str]:
    """Words that name no table and no column, whatever these are called."""
    return function_words() | frozenset(pieces(CALCULATES))


def _list(sentence: dict[str, str], words: Sequence[str], question: str) -> str:
    language = language_of(question)
    quoted = [f"“{word}”" for word in dict.fromkeys(words)]
    if language == "zh" and all(re.fullmatch(f"[{CJK}]", word) for word in words):
        quoted = [f"“{''.join(dict.fromkeys(words))}”"]
    return sentence[language].format(words=("、" if language == "zh" else ", ").join(quoted))

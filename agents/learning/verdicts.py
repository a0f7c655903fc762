"""Numbers of the data and of a comparison -> documents first, tune, both, or neither; and why.

The rule of thumb: little or changing knowledge wants documents, much knowledge of one trade wants
tuning, a firm's own knowledge wants both, documents first; a form of answers is only learned by
tuning. A comparison that is sure overrules it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.compare.pairs import SURE, seen_from
from agents.compare.wording import label
from agents.learning.signals import COMMON, Examples, Knowledge
from workbench.messages import Message, say

Row = dict[str, Any]
DOCUMENTS, TUNE, BOTH, NEITHER = (
    "documents first",
    "tune",
    "both, documents first",
    "neither needed",
)
LABELS = {
    DOCUMENTS: ("Documents first", "先用文档检索"),
    TUNE: ("Tune", "微调"),
    BOTH: ("Both, documents first", "两者都用，先做文档检索"),
    NEITHER: ("Neither is needed", "都不需要"),
}
HELD = 0.5  # share of the answers from which documents hold them
MUCH = 300  # different answers that are much knowledge
OFTEN = 1.0  # changes a month from which knowledge changes
ENOUGH = 0.9  # share of the questions that the base answers where nothing else is needed
FEW = 20  # questions under which a share says little


@dataclass(frozen=True)
class Base:
    """How many of the questions the base answers by itself."""

    correct: int = 0
    of: int = 0

    @property
    def is_enough(self) -> bool:
        return self.of >= FEW and self.correct >= ENOUGH * self.of


@dataclass(frozen=True)
class Verdict:
    """What to do, with what speaks for it and against it; `certain` is false for a mere guess."""

    choice: str
    reasons: list[Message] = field(default_factory=list)
    against: list[Message] = field(default_factory=list)
    certain: bool = True


def by_rule(knowledge: Knowledge, examples: Examples, base: Base, changes: float | None) -> Verdict:
    """What the data speaks for. `changes` are those a month, as counted or as a person says."""
    reasons = _describe(knowledge, examples, base, changes)
    if base.is_enough:
        return Verdict(NEITHER, reasons)
    if not knowledge.passages and not examples.rows:
        return _without_data()
    changing = changes is not None and changes >= OFTEN
    choice = _choose(knowledge, examples, changing)
    against = _against(choice, knowledge, examples, changing)
    return Verdict(choice, reasons, against, certain=bool(examples.rows))


def by_comparison(result: Mapping[str, Any]) -> tuple[str, list[Message]]:
    """What a comparison is sure of, empty where it is of nothing; and its numbers in words."""
    sure = _surely_better(result.get("pairs", []))
    better = {(pair["first"], pair["second"]) for pair in sure}
    documents = bool({("rag", "base"), ("rag+tuned", "tuned")} & better)
    tuning = bool({("tuned", "base"), ("rag+tuned", "rag")} & better)
    words = [_in_words(pair) for pair in sure]
    if documents and tuning:
        return _more_of_both(better), words
    if documents:
        return DOCUMENTS, words
    if tuning:
        return TUNE, words
    base = result.get("arms", {}).get("base", {})
    if Base(base.get("correct", 0), base.get("n", 0)).is_enough:
        return NEITHER, [_of_base(base["correct"], base["n"])]
    return "", words


def _choose(knowledge: Knowledge, examples: Examples, changing: bool) -> str:
    has_form = examples.form >= COMMON
    held = examples.held is not None and examples.held >= HELD
    much = examples.answers >= MUCH and not changing
    if not examples.rows:
        return DOCUMENTS
    if has_form and held:
        return BOTH
    if has_form:
        return TUNE
    if held:
        return DOCUMENTS
    if much:
        return BOTH if knowledge.passages else TUNE
    return DOCUMENTS


def _without_data() -> Verdict:
    reasons = [
        say("There are no documents and no examples here yet."),
        say("Documents are the cheapest to try: minutes, no training, and each answer cites them."),
        say("What you say of the answers then tells whether tuning would help."),
    ]
    return Verdict(DOCUMENTS, reasons, certain=False)


def _describe(
    knowledge: Knowledge, examples: Examples, base: Base, changes: float | None
) -> list[Message]:
    """The numbers, one a sentence."""
    found: list[Message] = []
    if knowledge.passages:
        found.append(
            say(
                "{names}: {documents} documents with {passages} passages.",
                names=knowledge.names,
                documents=knowledge.documents,
                passages=knowledge.passages,
            )
        )
    if changes is not None:
        found.append(say("The knowledge changes {changes:.1f} times a month.", changes=changes))
    if examples.rows:
        found.append(
            say(
                "{rows} examples with {answers} different answers.",
                rows=examples.rows,
                answers=examples.answers,
            )
        )
        found.append(say("{form:.0%} of the answers have one form.", form=examples.form))
    if examples.held is not None:
        found.append(
            say(
                "The documents hold {held:.0%} of {of} answers that were looked up.",
                held=examples.held,
                of=examples.looked_up,
            )
        )
    if base.of:
        found.append(_of_base(base.correct, base.of))
    return found


def _against(
    choice: str, knowledge: Knowledge, examples: Examples, changing: bool
) -> list[Message]:
    """What speaks against the choice."""
    found: list[Message] = []
    if choice != TUNE and examples.rows and not knowledge.passages:
        found.append(say("No document is here yet that could hold the answers."))
    if choice == DOCUMENTS and examples.held is not None and examples.held < HELD:
        found.append(say("The documents hold few of the answers: add those that are missing."))
    if choice == DOCUMENTS and not examples.rows:
        found.append(say("No example shows how answers should be: rate some, or name a file."))
    if choice in (TUNE, BOTH) and changing:
        found.append(say("What is tuned does not follow changes: it is trained again each time."))
    if choice in (TUNE, BOTH) and examples.answers < FEW:
        found.append(
            say("{answers} different answers are few to learn from.", answers=examples.answers)
        )
    if choice == TUNE:
        found.append(say("A tuned model cites nothing, and may make up facts."))
    return found


def _of_base(correct: int, of: int) -> Message:
    return say(
        "The base model answers {correct} of {of} questions by itself.", correct=correct, of=of
    )


def _surely_better(pairs: Sequence[Row]) -> list[Row]:
    """The pairs that are sure, each from the side of the better arm."""
    both_ways = [*pairs, *(seen_from(pair["second"], pair) for pair in pairs)]
    return [pair for pair in both_ways if pair["p"] < SURE and pair["difference"] > 0]


def _more_of_both(better: set[tuple[str, str]]) -> str:
    """Where documents and tuning both help: one alone, if the other adds nothing to it."""
    if ("rag", "tuned") in better and ("rag+tuned", "rag") not in better:
        return DOCUMENTS
    if ("tuned", "rag") in better and ("rag+tuned", "tuned") not in better:
        return TUNE
    return BOTH


def _in_words(row: Row) -> Message:
    low, high = row["interval"]
    return say(
        "{first} against {second}: better on {better}, worse on {worse}; "
        "{low:.0%} to {high:.0%} more right answers.",
        first=label(row["first"]),
        second=label(row["second"]),
        better=row["better"],
        worse=row["worse"],
        low=low,
        high=high,
    )

"""Answers and their references -> scores by every plain measure, and which answers are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import Any

from workbench.chat.examples import without_citations
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.scoring.amounts import amounts
from workbench.scoring.answers import split_words
from workbench.scoring.measures import MEASURES, Means, Measure, find_measures, score_pairs
from workbench.scoring.names import names
from workbench.settings import Settings

AUTO = "auto"
PLAIN = ("exact", "contains", "numbers", "words")  # cost nothing: always counted
MOSTLY = 0.8  # share of the references that speaks for all
SHORT = 6  # words of a reference that an answer can be expected to hold as it stands

Row = dict[str, Any]


def usable_measures() -> dict[str, Measure]:
    """The measures that read answers, by name, and tell right from wrong."""
    return {
        name: measure
        for name, measure in MEASURES.items()
        if measure.count is not None and measure.higher_is_better
    }


def find_measure(name: str) -> Measure:
    """The row of that measure. Raises NotFound, or InvalidInput where it reads no answers."""
    (measure,) = find_measures([name])
    if name not in usable_measures():
        raise InvalidInput(
            say("{measure} says nothing of an answer.", measure=name),
            say("Choose one of: {names}.", names=", ".join([AUTO, *usable_measures()])),
        )
    return measure


def choose_measure(references: Sequence[str]) -> str:
    """The measure that fits the right answers.

    Numbers and names, where most references have some; the whole reference contained, where they
    are short; else shared words.
    """
    factual = [reference for reference in references if amounts(reference) or names(reference)]
    if len(factual) >= MOSTLY * len(references):
        return "numbers"
    if median(len(split_words(reference)) for reference in references) <= SHORT:
        return "contains"
    return "words"


def score_answers(
    pairs: Sequence[tuple[str, str]],
    measure: str,
    settings: Settings,
    report: Callable[[Row], None],
) -> list[Row]:
    """The figures of each (answer, reference): every plain measure, and the chosen one.

    Marks of citations are no part of an answer. Raises Unavailable for a missing library.
    """
    said = [(without_citations(answer), reference) for answer, reference in pairs]
    scores = score_pairs([*PLAIN, measure], said, Means(settings, report=report))
    return [{name: round(figure, 4) for name, figure in row.items()} for row in scores]


def right_from(measure: str, references: Sequence[str], settings: Settings) -> float:
    """From which figure on an answer counts as right by that measure.

    An encoder finds any two texts alike: an answer has to be nearer to its reference than 95 of
    100 other right answers are. Raises Unavailable for a missing library.
    """
    row = MEASURES[measure]
    others = [*references[1:], *references[:1]]
    pairs = [pair for pair in zip(others, references, strict=True) if pair[0] != pair[1]]
    if row.needs != "encoder" or not pairs:
        return row.right_from
    figures = [one[row.main] for one in score_pairs([measure], pairs, Means(settings))]
    *_, nearest = quantiles([*figures, *figures], n=20)
    return max(row.right_from, round(nearest, 4))


def is_correct(scores: Row, measure: str, least: float | None = None) -> bool:
    """Whether the answer counts as right by that measure: from `least` on, else from its own."""
    row = MEASURES[measure]
    return bool(scores[row.main] >= (row.right_from if least is None else least))

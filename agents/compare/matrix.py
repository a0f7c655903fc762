"""A comparison -> each question with the answers beside each other, all or only telling ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agents.compare.kept import Comparison

Row = dict[str, Any]
WHERE = ("all", "differ", "all-fail")


@dataclass(frozen=True)
class Asked:
    """A question, and the answer of each arm by the arm's name."""

    question: Row
    answers: dict[str, Row]

    @property
    def right(self) -> int:
        """The arms that are right."""
        return sum(answer["correct"] for answer in self.answers.values())

    def fits(self, where: str) -> bool:
        """Whether it is one of those: all, where arms differ, where all fail."""
        if where == "differ":
            return 0 < self.right < len(self.answers)
        if where == "all-fail":
            return self.right == 0
        return True


def rows_where(comparison: Comparison, where: str = "all") -> list[Asked]:
    """The questions in their order; none before a first answer is kept."""
    asked = beside(comparison.questions, comparison.answers)
    return [row for row in asked if row.fits(where)]


def beside(questions: Iterable[Row], answers: Iterable[Row]) -> list[Asked]:
    """Each question that has answers, with them."""
    by_question: dict[str, dict[str, Row]] = {}
    for answer in answers:
        by_question.setdefault(answer["id"], {})[answer["arm"]] = answer
    return [
        Asked(question, by_question[question["id"]])
        for question in questions
        if question["id"] in by_question
    ]

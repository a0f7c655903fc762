"""Questions that measure stay out of training: a question -> the one asked elsewhere that it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.compare.kept import list_comparisons, read_lines
from agents.loop.duplicates import normal, tell_apart
from agents.loop.meaning import SAME, embed_asked
from agents.nearness import embedder_of
from rag.embeddings import Embedder
from workbench.artefacts.batch import list_batches
from workbench.artefacts.data_set import read_conversations
from workbench.messages import Message, say
from workbench.settings import Settings

# the questions of each benchmark that was measured, of a run and of any other model
BENCHMARKS = ("runs/*/benchmarks/*.jsonl", "benchmarks/*/*.jsonl")


@dataclass(frozen=True)
class Leak:
    """The question that is asked elsewhere, and where; `cosine` is 1 for the same words."""

    question: str
    where: str
    cosine: float

    def reason(self) -> Message:
        """Why a row is left out, for a person."""
        if self.cosine >= 1:
            return say("{where} asks this very question.", where=self.where)
        return say(
            "{where} asks the same in other words: {question}",
            where=self.where,
            question=self.question,
        )


def measured_questions(settings: Settings) -> dict[str, str]:
    """Each question that something is measured by -> where it is asked.

    Those of comparisons, of benchmarks that were measured here, and what earlier batches hold out.
    Questions of a comparison that says that they are taught are no measure.
    """
    found: dict[str, str] = {}
    for comparison in list_comparisons(settings):
        for row in read_lines(comparison.questions_file):
            if not row.get("taught"):
                found.setdefault(str(row.get("question", "")), comparison.name)
    for pattern in BENCHMARKS:
        for path in sorted(settings.home.glob(pattern)):
            for row in read_lines(path):
                found.setdefault(str(row.get("question", "")), path.stem)
    for batch in list_batches(settings):
        for question in held_out_questions(batch.held_out):
            found.setdefault(question, batch.name)
    return {question: where for question, where in found.items() if question.strip()}


def held_out_questions(path: Path) -> Iterator[str]:
    """The last question of each dialogue of a file."""
    for turns in read_conversations(path):
        questions = [turn["content"] for turn in turns if turn["role"] == "user"]
        yield from questions[-1:]


def find_leaks(
    questions: Sequence[str], measured: Mapping[str, str], settings: Settings
) -> list[Leak | None]:
    """For each question the measuring one that it is, or None.

    Without an embedder only the words are compared.
    """
    if not measured or not questions:
        return [None] * len(questions)
    same = {normal(question): question for question in measured}
    found: list[Leak | None] = []
    for question in questions:
        known = same.get(normal(question))
        found.append(Leak(known, measured[known], 1.0) if known else None)
    embedder = embedder_of(settings)
    if embedder is not None:
        _find_reworded(questions, measured, embedder, found)
    return found


def _find_reworded(
    questions: Sequence[str],
    measured: Mapping[str, str],
    embedder: Embedder,
    found: list[Leak | None],
) -> None:
    """Fill in what only the meaning tells."""
    known = list(measured)
    cosines = embed_asked(questions, embedder) @ embed_asked(known, embedder).T
    for place, question in enumerate(questions):
        if found[place] is None:
            found[place] = _reworded(question, known, cosines[place], measured)


def _reworded(
    question: str, known: Sequence[str], cosines: np.ndarray, measured: Mapping[str, str]
) -> Leak | None:
    """The nearest question that asks the same of the same things."""
    for best in np.argsort(-cosines).tolist():
        cosine = float(cosines[best])
        if cosine < SAME:
            return None
        if not tell_apart(question, known[best]):
            return Leak(known[best], measured[known[best]], cosine)
    return None

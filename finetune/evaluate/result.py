"""Scored answers -> their shares as one result, and a table for spreadsheets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from finetune.evaluate.form import groups_in, read_pattern
from finetune.evaluate.wanted import Wanted
from finetune.run.metrics import perplexity
from workbench.scoring.bertscore import bertscore
from workbench.scoring.measures import MEASURES, Means, find_measures
from workbench.spreadsheet import as_csv

MEANING = "bertscore"
SHUFFLED = 200  # pairs that show what unrelated texts reach


@dataclass(frozen=True)
class Prediction:
    """One row: question, right answer, the model's answer, its likeliest option, its figures."""

    question: str
    reference: str
    answer: str
    letter: str = ""
    figures: dict[str, float] = field(default_factory=dict)

    def to_line(self) -> str:
        """The row as a line of JSON."""
        fields: dict[str, Any] = {
            "question": self.question,
            "reference": self.reference,
            "answer": self.answer,
        }
        fields |= self.figures
        fields["exact"] = bool(self.figures["exact"])
        if self.letter:
            fields["letter"] = self.letter
        return json.dumps(fields, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Score:
    """The predictions, the sha256 of the questions, and how many of these were taught."""

    predictions: list[Prediction]
    sha256: str
    overlap: int | None
    wanted: Wanted
    means: Means
    metrics: Sequence[str]
    loss: tuple[float, int] = (0.0, 0)

    @property
    def result(self) -> dict[str, Any]:
        """The counts and shares. `accuracy` is that of multiple-choice rows, where such exist.

        With a pattern `form` counts the answers of that form, and `groups` those of them whose
        groups say the same as the reference's. `perplexity` is that of all tokens together.
        """
        rows = self.predictions
        result: dict[str, Any] = {"rows": len(rows)}
        for name in self.metrics:
            for column in MEASURES[name].columns:
                result[column] = _share([row.figures[column] for row in rows])
        if self.loss[1] and "perplexity" in self.metrics:
            result["perplexity"] = round(perplexity(self.loss[0] / self.loss[1]), 4)
        if MEANING in self.metrics:
            result |= self._meaning()
        if self.wanted.pattern:
            result |= self._form()
        chosen = [row for row in rows if row.letter]
        if chosen:
            right = [row.letter == row.reference.strip() for row in chosen]
            result["accuracy"] = _share(right)
        if self.overlap is not None:
            result["overlap"] = self.overlap
        return result | {"sha256": self.sha256}

    def as_csv(self) -> bytes:
        """Question, reference, prediction, P, R and F1 first; then the other measures' figures."""
        order = sorted(self._columns(), key=lambda column: column not in MEASURES[MEANING].columns)
        rows = []
        for row in self.predictions:
            texts = [row.question, row.reference, row.answer]
            rows.append([*texts, *(round(row.figures[column], 6) for column in order)])
        return as_csv(["question", "reference", "prediction", *order], rows)

    def _columns(self) -> list[str]:
        """Of the measures that were wanted, in their order."""
        columns: list[str] = []
        for measure in find_measures(self.wanted.metrics):
            columns += measure.columns
        return columns

    def _meaning(self) -> dict[str, Any]:
        """The share of F1 from the threshold on, and the same of answers to other questions.

        Raw figures lie high for any two texts, so the share alone says little.
        """
        threshold = self.wanted.threshold
        figures = [row.figures["F1"] for row in self.predictions]
        below = sum(figure < threshold for figure in figures)
        pairs = [(row.answer, row.reference) for row in self.predictions]
        encoder = self.means.find_encoder(pairs)
        others = [figure for _, _, figure in bertscore(encoder, _shuffled(pairs))]
        found = encoder.facts | {
            "threshold": threshold,
            "above": round(1 - below / len(figures), 4),
            "below": below,
        }
        if others:
            found["shuffled_F1"] = _share(others)
            found["shuffled_above"] = _share([figure >= threshold for figure in others])
        return {MEANING: found}

    def _form(self) -> dict[str, Any]:
        pattern = read_pattern(self.wanted.pattern)
        formed = []
        same = []
        for row in self.predictions:
            said = groups_in(pattern, row.answer)
            formed.append(said is not None)
            same.append(said is not None and said == groups_in(pattern, row.reference))
        found: dict[str, Any] = {"form": _share(formed)}
        if pattern.groups:
            found["groups"] = _share(same)
        return found


def _shuffled(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Answers with the references of other rows, where those say something else."""
    half = len(pairs) // 2
    mixed = []
    for (answer, own), (_, other) in zip(pairs, [*pairs[half:], *pairs[:half]], strict=True):
        if own.strip() != other.strip():
            mixed.append((answer, other))
    step = max(1, len(mixed) // SHUFFLED)
    return mixed[::step][:SHUFFLED]


def _share(hits: Sequence[float]) -> float:
    return round(sum(hits) / len(hits), 4)

"""A question and what its collections have taught -> how to score the passages of each language.

Each leg's score is measured in standard deviations from its mean over all passages, for this very
question, and `share` of the sum is meaning. For one question that is a weighted sum of cosine and
word coverage whose weight follows the question: words count more where few passages have them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp

import numpy as np

from rag.calibration import Calibration
from rag.everyday import everyday_texts
from rag.fusion import LEAST_COVERAGE
from workbench.language import OPENING, language_of

# A passage in another language shares names and numbers with the question at best, so its score
# lacks what words give to the others.
ACROSS = 1.6
RELEVANT = 0.5  # the relevance of a score at the floor


@dataclass(frozen=True, eq=False)
class View:
    """How a question looks at the passages of one language; at all of them where it is empty.

    `vector` is the question as it is asked of them, of unit length. A passage's score is base +
    dense * cosine + lexical * coverage, which lies in [0, 1] for the first view and near it for the
    other. `share` of meaning and `floor` decide of its relevance.
    """

    language: str
    vector: np.ndarray
    base: float
    dense: float
    lexical: float
    share: float
    floor: float
    slack: float

    def score(self, cosine: float, coverage: float) -> float:
        """The fused score; the highest is that of the best passage."""
        return self.base + self.dense * cosine + self.lexical * coverage

    def judge(self, cosine: float, coverage: float) -> tuple[float, float]:
        """A passage's score, and how surely it answers the question.

        The second is in [0, 1], .5 at the floor. It rests on the legs' own scores: these tell
        better than deviations whether there is an answer at all.
        """
        score = self.score(cosine, coverage)
        absolute = self.share * cosine + (1 - self.share) * coverage
        above = min(50.0, max(-50.0, (absolute - self.floor) / self.slack))
        # rounded: equal passages differ in the last bits, by their place in the matrix
        return round(score, 6), round(1 / (1 + exp(-above)), 6)


def look(
    question: str,
    vector: np.ndarray,
    learned: Calibration,
    coverages: Sequence[np.ndarray],
    weight: float | None = None,
) -> list[View]:
    """A view for each language of the passages, that of the question first.

    `coverages` are the word scores of all passages, an array for each collection.
    `weight` on the dense leg makes a single view with that very weight.
    """
    asked = language_of(question)
    if weight is not None or not learned.spreads:
        return [_plain_view(asked, vector, learned, weight)]
    words = coverage_moments(coverages)
    languages = sorted(learned.spreads, key=lambda language: language != asked)
    views: list[View] = []
    for written in languages:
        spread = learned.spreads[written]
        if written == asked:
            share = learned.share(asked)
            view = _view(vector, learned, (asked, written), share, words, 1 - share)
        elif spread.crossing is not None:
            share = learned.share_across(written)
            moved = _unit(vector + spread.crossing)
            view = _view(moved, learned, (asked, written), share, words, 1 - share)
            if len(languages) > 1:
                view = _times(view, ACROSS)
        else:  # words are all that can be found, and count as they do for the others
            share = 1 - learned.share(asked) if len(languages) > 1 else 1.0
            view = _view(vector, learned, (asked, written), 0.0, words, share)
        views.append(view)
    return _on_one_scale(views)


def _view(
    vector: np.ndarray,
    learned: Calibration,
    languages: tuple[str, str],
    share: float,
    words: tuple[float, float],
    share_of_words: float,
) -> View:
    """One whose score is share * cosine + share_of_words * coverage, both in deviations.

    `words` are mean and deviation of coverage.
    """
    mean, deviation = learned.spreads[languages[1]].moments(vector)
    word_mean, word_deviation = words
    dense = share / deviation
    lexical = share_of_words / word_deviation
    base = -dense * mean - lexical * word_mean
    floor = learned.floor(*languages)
    return View(languages[1], vector, base, dense, lexical, share, floor.score, floor.slack)


def _times(view: View, factor: float) -> View:
    """The view with scores that are so many times as far from their mean."""
    return replace(
        view,
        base=factor * view.base,
        dense=factor * view.dense,
        lexical=factor * view.lexical,
    )


def coverage_moments(coverages: Sequence[np.ndarray]) -> tuple[float, float]:
    """Mean and standard deviation of coverage over all passages, and the everyday sentences.

    The sentences count as passages without a word of the question.
    """
    count = len(everyday_texts()["sentence en"]) + sum(map(len, coverages))
    mean = sum(float(shares.sum()) for shares in coverages) / count
    squares = sum(float(shares @ shares) for shares in coverages) / count
    return mean, max(squares - mean * mean, LEAST_COVERAGE**2) ** 0.5


def view_of(views: Sequence[View], text: str) -> View:
    """The view for a passage with that text."""
    if len(views) > 1:
        language = language_of(text[:OPENING])
        for view in views:
            if view.language == language:
                return view
    return views[0]


def _on_one_scale(views: Sequence[View]) -> list[View]:
    """The same order of all passages, with scores that are a weighted mean in the first view."""
    first = views[0]
    unit = first.dense + first.lexical
    moved = [replace(view, base=view.base - first.base) for view in views]
    return [_times(view, 1 / unit) for view in moved]


def _plain_view(asked: str, vector: np.ndarray, learned: Calibration, weight: float | None) -> View:
    share = learned.share(asked)
    floor = learned.floor(asked, asked)
    dense = share if weight is None else weight
    return View("", vector, 0.0, dense, 1 - dense, share, floor.score, floor.slack)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)

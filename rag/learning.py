"""Made questions and a collection's texts -> the weight of its dense leg, and its relevance floor.

A person's question lies between two extremes: it shares no sentence with its passage, or it quotes
one. So half of the made questions are asked with their sentence removed and half with it in place.
The weight is that of a conditional logit over all passages (one coefficient for each leg), a smooth
objective that is steadier than the best rank.

A leg whose reciprocal rank on removed sentences is under half of the other's adds more noise than
signal. It is left out, so that the fusion is exactly its better leg.

The floor comes from jumbles, which no passage is about: a question whose best passage scores less
than nearly every jumble's is not about this collection.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.fusion import fuse, reciprocal_ranks
from rag.lexical import LexicalIndex
from rag.made_questions import Cloze, make_jumbles
from rag.sentence_models import Embedder
from workbench.language import language_of

LANGUAGES = ("en", "zh")  # en: words with spaces between them, zh: scripts without
FEWEST = 30  # questions of one language under which nothing is learned for it
HEARD = 0.5  # a leg must reach this share of the other's reciprocal rank
JUMBLES_UNDER_FLOOR = 1  # per cent
# where nothing can be learned: the embedder decides only what words leave open
DEFAULT_WEIGHT = 0.05
# Newton's method for the two coefficients of the logit
FIRST_COEFFICIENT = 10.0  # the scale at which contrastive training reads a cosine
LARGEST_COEFFICIENT = 200.0
LARGEST_STEP = 5.0
MOST_STEPS = 50
CLOSE_ENOUGH = 1e-3
RIDGE = 1e-6  # keeps the second derivative invertible where a leg scores nothing


@dataclass(frozen=True)
class Weight:
    """What was learned for one language: `weight` is the share of the dense leg.

    `dense`, `lexical` and `fused` are mean reciprocal ranks on questions with removed sentences.
    """

    weight: float
    questions: int
    dense: float
    lexical: float
    fused: float


@dataclass(frozen=True)
class Scores:
    """Both legs' scores of made questions, each float (questions, passages).

    `removed`: the questions' sentences taken out of their passages. `kept`: left in place.
    """

    dense_removed: np.ndarray
    lexical_removed: np.ndarray
    dense_kept: np.ndarray
    lexical_kept: np.ndarray

    def of(self, chosen: np.ndarray) -> Scores:
        """The scores of the questions that a bool (questions,) chooses."""
        return Scores(
            dense_removed=self.dense_removed[chosen],
            lexical_removed=self.lexical_removed[chosen],
            dense_kept=self.dense_kept[chosen],
            lexical_kept=self.lexical_kept[chosen],
        )


def learn_weights(
    texts: list[str], vectors: np.ndarray, rounds: Sequence[list[Cloze]], embedder: Embedder
) -> dict[str, Weight]:
    """Language -> weight, for the languages of at least FEWEST questions.

    `vectors` is float32 (texts, dimension); `rounds` comes from `make_questions`.
    """
    clozes = [cloze for asked in rounds for cloze in asked]
    languages = np.array([language_of(cloze.question) for cloze in clozes])
    taught = [name for name in LANGUAGES if (languages == name).sum() >= FEWEST]
    if not taught:
        return {}
    index = index_texts(texts)
    scores = _joined([_ask(asked, texts, vectors, index, embedder) for asked in rounds])
    wanted = np.array([cloze.row for cloze in clozes])
    weights: dict[str, Weight] = {}
    for name in taught:
        chosen = languages == name
        weights[name] = _weigh(scores.of(chosen), wanted[chosen])
    return weights


def learn_floors(
    texts: list[str],
    vectors: np.ndarray,
    weights: Mapping[str, Weight],
    embedder: Embedder,
    chance: random.Random,
) -> dict[str, float]:
    """Language -> the fused score that nearly every jumble reaches."""
    index = index_texts(texts)
    floors: dict[str, float] = {}
    for name in LANGUAGES:
        jumbles = make_jumbles(texts, name, chance)
        if not jumbles:
            continue
        dense = embedder.embed(jumbles, "query") @ vectors.T
        # by the language of the jumble itself: scraps may mix the two
        best = fuse(dense, _cover(index, jumbles), weight_for(jumbles[0], weights)).max(axis=1)
        floors[name] = round(float(np.percentile(best, JUMBLES_UNDER_FLOOR)), 4)
    return floors


def weight_for(question: str, weights: Mapping[str, Weight]) -> float:
    """The share of the dense leg for this question, by its language."""
    found = weights.get(language_of(question))
    return found.weight if found else DEFAULT_WEIGHT


def index_texts(texts: Sequence[str]) -> LexicalIndex:
    """The lexical index of texts by their row."""
    return LexicalIndex.build((str(row), text) for row, text in enumerate(texts))


def fit_weight(dense: np.ndarray, lexical: np.ndarray, wanted: np.ndarray) -> float:
    """Share a / (a + b) of the logit softmax(a·dense + b·lexical) that makes `wanted` likeliest.

    Shapes: (questions, passages) twice, (questions,). A conditional logit (McFadden 1974), by
    Newton's method on (a, b) >= 0.
    """
    legs = (dense, lexical)
    columns = wanted[:, None]
    targets = np.array([np.take_along_axis(leg, columns, axis=1)[:, 0] for leg in legs])
    coefficients = np.array([FIRST_COEFFICIENT, FIRST_COEFFICIENT])
    for _ in range(MOST_STEPS):
        step = _newton_step(coefficients, legs, targets)
        moved = coefficients + np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        moved = np.clip(moved, 0, LARGEST_COEFFICIENT)
        if np.abs(moved - coefficients).max() < CLOSE_ENOUGH:
            break
        coefficients = moved
    total = coefficients.sum()
    return float(coefficients[0] / total) if total > 0 else DEFAULT_WEIGHT


def _newton_step(
    coefficients: np.ndarray, legs: tuple[np.ndarray, np.ndarray], targets: np.ndarray
) -> np.ndarray:
    """float (2,): towards the maximum of the mean log-likelihood; `targets` is (2, questions)."""
    dense, lexical = legs
    logits = float(coefficients[0]) * dense + float(coefficients[1]) * lexical
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    weighted = [leg * chances for leg in legs]
    means = np.array([leg.sum(axis=1) for leg in weighted])
    gradient = (targets - means).mean(axis=1)
    squares = np.array([[(one * other).sum() for other in legs] for one in weighted])
    covariance = (squares - means @ means.T) / targets.shape[1]
    return np.linalg.solve(covariance + RIDGE * np.eye(2), gradient)


def _ask(
    clozes: list[Cloze],
    texts: list[str],
    vectors: np.ndarray,
    index: LexicalIndex,
    embedder: Embedder,
) -> Scores:
    """One round: at most one question of each passage, so one shortened copy serves them all."""
    questions = [cloze.question for cloze in clozes]
    rows = [cloze.row for cloze in clozes]
    rests = [cloze.rest for cloze in clozes]
    shortened = list(texts)
    for row, rest in zip(rows, rests, strict=True):
        shortened[row] = rest
    asked = embedder.embed(questions, "query")
    short_vectors = vectors.copy()
    short_vectors[rows] = embedder.embed(rests)
    return Scores(
        dense_removed=asked @ short_vectors.T,
        lexical_removed=_cover(index_texts(shortened), questions),
        dense_kept=asked @ vectors.T,
        lexical_kept=_cover(index, questions),
    )


def _joined(parts: Sequence[Scores]) -> Scores:
    return Scores(
        dense_removed=np.concatenate([part.dense_removed for part in parts]),
        lexical_removed=np.concatenate([part.lexical_removed for part in parts]),
        dense_kept=np.concatenate([part.dense_kept for part in parts]),
        lexical_kept=np.concatenate([part.lexical_kept for part in parts]),
    )


def _cover(index: LexicalIndex, questions: list[str]) -> np.ndarray:
    return np.stack([index.coverage(question) for question in questions])


def _weigh(scores: Scores, wanted: np.ndarray) -> Weight:
    """The weight that the questions teach; `wanted` has the rows of their passages."""
    dense_alone = float(reciprocal_ranks(scores.dense_removed, wanted).mean())
    lexical_alone = float(reciprocal_ranks(scores.lexical_removed, wanted).mean())
    if dense_alone < HEARD * lexical_alone:
        weight = 0.0
    elif lexical_alone < HEARD * dense_alone:
        weight = 1.0
    else:
        kept = (np.arange(len(wanted)) % 2 == 0)[:, None]  # every other one keeps its sentence
        dense = np.where(kept, scores.dense_kept, scores.dense_removed)
        lexical = np.where(kept, scores.lexical_kept, scores.lexical_removed)
        weight = fit_weight(dense, lexical, wanted)
    fused = fuse(scores.dense_removed, scores.lexical_removed, weight)
    return Weight(
        weight=round(weight, 4),
        questions=len(wanted),
        dense=round(dense_alone, 4),
        lexical=round(lexical_alone, 4),
        fused=round(float(reciprocal_ranks(fused, wanted).mean()), 4),
    )

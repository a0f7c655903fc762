"""Made questions and a collection's texts -> the share of its dense leg, and its relevance floors.

The share starts from what is right for embedders that read the language, and made questions move it
only where they are sure: with their sentence taken out of its passage they are harder than a
person's questions, and less like them. A leg whose reciprocal rank on them is under half of the
other's adds more noise than signal, and is left out.

The floor comes from questions that nothing answers: everyday ones, which are about something else,
and jumbles of the collection's own words, which are about nothing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.everyday import Everyday, everyday, everyday_texts
from rag.fusion import LEAST_COVERAGE, fuse, reciprocal_ranks, standard
from rag.lexical import LexicalIndex
from rag.made_questions import Cloze, make_jumbles, make_questions
from rag.sentence_models import Embedder
from rag.spread import Spread

FEWEST = 30  # questions of one language under which nothing is learned for it
HEARD = 0.5  # a leg must reach this share of the other's reciprocal rank
PRIOR = 0.75  # share of the dense leg where the embedder reads the language
UNREAD = 0.05  # and where it does not: it decides only what words leave open
SHARES = (0.05, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
SURE = 3.0  # standard errors by which another share must do better than the prior
# The floor is the middle jumble's score, held between these everyday questions' (per cent).
JUMBLE = 50
LOW, USUAL, HIGH = 70, 90, 95
LEAST_FLOOR = 0.05  # a twentieth of the question's words, weighed by rarity, is no answer
LEAST_SLACK = 0.01


@dataclass(frozen=True)
class Weight:
    """What was learned for one language: `share` is that of the dense leg, in deviations.

    `dense`, `lexical` and `fused` are mean reciprocal ranks on questions with removed sentences.
    """

    share: float
    questions: int
    dense: float
    lexical: float
    fused: float


@dataclass(frozen=True)
class Floor:
    """The score that a relevant passage reaches, and how widely scores without answer lie."""

    score: float
    slack: float


DEFAULT_FLOOR = Floor(LEAST_FLOOR, LEAST_SLACK)


@dataclass(frozen=True, eq=False)
class Texts:
    """A sample of the passages in one language, with their vectors, float32 (texts, dimension)."""

    language: str
    texts: list[str]
    vectors: np.ndarray


def prior_share(language: str, known: Everyday) -> float:
    """The share of the dense leg before the collection has taught anything."""
    return PRIOR if known.reads(language, language) else UNREAD


def learn_weight(sample: Texts, embedder: Embedder, seed: int) -> Weight | None:
    """The share for the sample's language; None where too few questions can be made."""
    rounds = make_questions(sample.texts, seed=seed)
    asked = [cloze for clozes in rounds for cloze in clozes]
    if len(asked) < FEWEST:
        return None
    scores = [_ask(clozes, sample, embedder) for clozes in rounds]
    dense = np.concatenate([dense for dense, _ in scores])
    lexical = np.concatenate([lexical for _, lexical in scores])
    wanted = np.array([cloze.row for cloze in asked])
    share = choose_share(dense, lexical, wanted, prior_share(sample.language, everyday(embedder)))
    fused = _fused(dense, lexical, share)
    return Weight(
        share=share,
        questions=len(asked),
        dense=round(float(reciprocal_ranks(dense, wanted).mean()), 4),
        lexical=round(float(reciprocal_ranks(lexical, wanted).mean()), 4),
        fused=round(float(reciprocal_ranks(fused, wanted).mean()), 4),
    )


def choose_share(dense: np.ndarray, lexical: np.ndarray, wanted: np.ndarray, prior: float) -> float:
    """The share of the dense leg, from both legs' scores (questions, passages) of made questions.

    `wanted` has each question's passage. The prior stays unless another share does surely better.
    """
    dense_alone = reciprocal_ranks(dense, wanted).mean()
    lexical_alone = reciprocal_ranks(lexical, wanted).mean()
    if dense_alone < HEARD * lexical_alone:
        return 0.0
    if lexical_alone < HEARD * dense_alone:
        return 1.0
    usual = reciprocal_ranks(_fused(dense, lexical, prior), wanted)
    best, most = prior, usual
    for share in SHARES:
        reached = reciprocal_ranks(_fused(dense, lexical, share), wanted)
        if reached.mean() > most.mean():
            best, most = share, reached
    gain = most - usual
    error = gain.std() / np.sqrt(len(gain))
    return best if gain.mean() > SURE * error else prior


def learn_floor(
    asked: str,
    sample: Texts,
    spread: Spread,
    share: float,
    embedder: Embedder,
    chance: random.Random,
) -> Floor:
    """The floor of questions in the language `asked` on the passages of the sample."""
    index = index_texts(sample.texts)
    others = everyday_texts()[f"question {asked}"]
    known = everyday(embedder).questions[asked]

    def best(questions: Sequence[str], vectors: np.ndarray) -> np.ndarray:
        crosses = asked != sample.language and spread.crossing is not None
        moved = _units(vectors + spread.crossing) if crosses else vectors
        scores = fuse(moved @ sample.vectors.T, _cover(index, questions), share)
        return scores.max(axis=1)

    everyday_scores = best(others, known)
    low, usual, high = np.percentile(everyday_scores, (LOW, USUAL, HIGH))
    floor = usual
    jumbles = make_jumbles(sample.texts, asked, chance) if asked == sample.language else []
    if jumbles:
        middle = np.percentile(best(jumbles, embedder.embed(jumbles, "query")), JUMBLE)
        floor = np.clip(middle, low, high)
    return Floor(
        score=round(max(float(floor), LEAST_FLOOR), 4),
        slack=round(max(float(everyday_scores.std()), LEAST_SLACK), 4),
    )


def index_texts(texts: Sequence[str]) -> LexicalIndex:
    """The lexical index of texts by their row."""
    return LexicalIndex.build((str(row), text) for row, text in enumerate(texts))


def _fused(dense: np.ndarray, lexical: np.ndarray, share: float) -> np.ndarray:
    return fuse(standard(dense), standard(lexical, LEAST_COVERAGE), share)


def _ask(clozes: list[Cloze], sample: Texts, embedder: Embedder) -> tuple[np.ndarray, np.ndarray]:
    """One round: at most one question of each passage, so one shortened copy serves them all.

    Both legs' scores, float (questions, passages).
    """
    questions = [cloze.question for cloze in clozes]
    rows = [cloze.row for cloze in clozes]
    rests = [cloze.rest for cloze in clozes]
    shortened = list(sample.texts)
    for row, rest in zip(rows, rests, strict=True):
        shortened[row] = rest
    vectors = sample.vectors.copy()
    vectors[rows] = embedder.embed(rests)
    dense = embedder.embed(questions, "query") @ vectors.T
    return dense, _cover(index_texts(shortened), questions)


def _cover(index: LexicalIndex, questions: Sequence[str]) -> np.ndarray:
    return np.stack([index.coverage(question) for question in questions])


def _units(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

"""A collection -> how much its dense leg counts, per script, and from which score on a passage is relevant.

Both are learned from questions made out of the collection's own text, which are inverse cloze tasks (Lee, Chang &
Toutanova 2019): a sentence is taken out of its passage, cut short, and the search must find the passage. A person's
question lies between two extremes, sharing no sentence with its passage and quoting one; so half of the questions
are asked with their sentence removed and half with it in place. The weight is that of a conditional logit over all
passages (two coefficients, one per leg), a smooth objective that is steadier than the best rank. A leg whose
reciprocal rank on the removed half is under half of the other's adds more noise than signal and is left out, so
the fusion is then exactly its better leg.

The floor comes from jumbles: scraps of unrelated passages put together, which no passage is about. A question whose
best passage scores less than nearly every jumble's is not about this collection.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rag.embeddings import Embedder, load_embedder
from rag.fusion import fuse, reciprocal_ranks
from rag.lexical import LexicalIndex, script, words
from rag.store import Collection
from workbench.settings import Settings

QUESTIONS = 300
FEWEST = 30  # questions of one script under which nothing is learned for it
MOST_PASSAGES = 20_000  # searched per question; a larger collection is sampled
HEARD = 0.5  # a leg must reach this share of the other's reciprocal rank
DEFAULT_WEIGHT = 0.3  # where nothing can be learned: both legs heard, the lexical one more
DEFAULT_FLOOR = 0.08
JUMBLES, JUMBLES_UNDER_FLOOR = 200, 3  # made per script; per cent of them under the floor
SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])|\n+")
WORDS, CHARACTERS, SCRAPS = 8, 16, 4  # length of a made question; pieces of a jumble
Legs = tuple[np.ndarray, np.ndarray]  # (dense, lexical), each (questions, passages)


@dataclass(frozen=True)
class Weight:
    """What was learned for one script. `dense`, `lexical` and `fused` are mean reciprocal ranks on hard questions."""

    weight: float
    floor: float
    questions: int
    dense: float
    lexical: float
    fused: float


@dataclass(frozen=True)
class Calibration:
    """What was learned, by script (`en`: spaced, `zh`: unspaced), from the collection as it was at `revision`."""

    revision: int
    passages: int
    weights: dict[str, Weight] = field(default_factory=dict)

    def weight(self, question: str) -> float:
        """Weight of the dense leg for this question, by its script; the default where nothing was learned."""
        found = self.weights.get(script(question))
        return found.weight if found else DEFAULT_WEIGHT

    def floor(self, question: str) -> float:
        """The fused score that a relevant passage reaches, by the question's script."""
        found = self.weights.get(script(question))
        return found.floor if found else DEFAULT_FLOOR


@dataclass(frozen=True)
class Cloze:
    """One made question: the passage's row, and its text without the sentence."""

    question: str
    row: int
    rest: str


def calibrate(collection: Collection, settings: Settings, *, seed: int = 7) -> Calibration:
    """Learn from the collection as it is and store the result beside it. Takes about 10 s on two cores."""
    passages = list(collection.texts())
    found = Calibration(collection.revision, len(passages))
    if len(passages) > MOST_PASSAGES:
        passages = random.Random(seed).sample(passages, MOST_PASSAGES)  # noqa: S311 – a sample, not a secret
    texts = [text for _, text in passages]
    clozes = make_questions(texts, seed=seed)
    if len(clozes) >= FEWEST:
        vectors = collection.passages_and_vectors([name for name, _ in passages])[1]
        embedder = load_embedder(collection.embedder, settings)
        found.weights.update(_learn(texts, vectors, clozes, embedder, random.Random(seed)))  # noqa: S311
    path = _path(collection)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(found), indent=2), "utf-8")
    part.replace(path)
    return found


def load_calibration(collection: Collection) -> Calibration:
    """The stored calibration; one without weights where none was made yet."""
    path = _path(collection)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # not made yet, or by another version
        return Calibration(revision=-1, passages=0)


@lru_cache(maxsize=64)
def _read(path: Path, modified: int) -> Calibration:
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    weights = {name: Weight(**weight) for name, weight in data.pop("weights").items()}
    return Calibration(weights=weights, **data)


def _path(collection: Collection) -> Path:
    return collection.folder / "calibration.json"


def make_questions(texts: list[str], *, count: int = QUESTIONS, seed: int = 7) -> list[Cloze]:
    """Up to `count` questions, at most one a passage, from sentences of at least four words."""
    chance = random.Random(seed)  # noqa: S311 – a sample, not a secret
    rows = list(range(len(texts)))
    chance.shuffle(rows)
    found: list[Cloze] = []
    for row in rows:
        sentences = [sentence for sentence in SENTENCES.split(texts[row]) if len(words(sentence)) >= 4]
        if len(sentences) < 2:  # without its only sentence there is no passage left to find
            continue
        sentence = chance.choice(sentences).strip()
        found.append(Cloze(_cut(sentence, chance), row, texts[row].replace(sentence, "", 1)))
        if len(found) == count:
            break
    return found


def _cut(sentence: str, chance: random.Random) -> str:
    """A run of 8 words (16 characters in Chinese) from anywhere in the sentence."""
    parts, length, glue = (sentence, CHARACTERS, "") if script(sentence) == "zh" else (sentence.split(), WORDS, " ")
    start = chance.randint(0, max(0, len(parts) - length))
    return glue.join(parts[start : start + length])


def make_jumbles(texts: list[str], name: str, chance: random.Random, count: int = JUMBLES) -> list[str]:
    """Questions that nothing answers: each of four scraps, from passages of the script `name` drawn at random."""
    sources = [text if name == "zh" else text.split() for text in texts if script(text) == name]
    length, glue = (CHARACTERS // SCRAPS, "") if name == "zh" else (WORDS // SCRAPS, " ")

    def scrap() -> str:
        source = chance.choice(sources)
        start = chance.randint(0, max(0, len(source) - length))
        return glue.join(source[start : start + length])

    return [glue.join(scrap() for _ in range(SCRAPS)) for _ in range(count)] if sources else []


def _learn(
    texts: list[str], vectors: np.ndarray, clozes: list[Cloze], embedder: Embedder, chance: random.Random
) -> dict[str, Weight]:
    """script -> what its questions teach."""
    rows = np.array([cloze.row for cloze in clozes])
    asked = embedder.embed([cloze.question for cloze in clozes], "query")
    index = _index(texts)
    shortened, short_vectors = list(texts), vectors.copy()
    for cloze in clozes:
        shortened[cloze.row] = cloze.rest
    short_vectors[rows] = embedder.embed([cloze.rest for cloze in clozes])
    short_index = _index(shortened)
    scripts = np.array([script(cloze.question) for cloze in clozes])
    found: dict[str, Weight] = {}
    for name in sorted(set(scripts)):
        chosen = np.flatnonzero(scripts == name)
        if len(chosen) < FEWEST:
            continue
        questions = [clozes[number].question for number in chosen]
        whole = asked[chosen] @ vectors.T, _cover(index, questions)
        hard = asked[chosen] @ short_vectors.T, _cover(short_index, questions)
        weight, ranks = _weigh(hard, whole, rows[chosen])
        jumbles = make_jumbles(texts, name, chance)
        best = fuse(embedder.embed(jumbles, "query") @ vectors.T, _cover(index, jumbles), weight).max(axis=1)
        floor = round(float(np.percentile(best, JUMBLES_UNDER_FLOOR)), 4)
        found[name] = Weight(round(weight, 4), floor, len(chosen), *ranks)
    return found


def _index(texts: list[str]) -> LexicalIndex:
    return LexicalIndex.build((str(row), text) for row, text in enumerate(texts))


def _cover(index: LexicalIndex, questions: list[str]) -> np.ndarray:
    return np.stack([index.coverage(question) for question in questions])


def _weigh(hard: Legs, whole: Legs, rows: np.ndarray) -> tuple[float, list[float]]:
    """Weight of the dense leg; reciprocal ranks of dense, lexical and fused on the hard questions."""
    kept = (np.arange(len(rows)) % 2 == 0)[:, None]  # these keep their sentence
    dense, lexical = (np.where(kept, easy, difficult) for easy, difficult in zip(whole, hard, strict=True))
    alone = [float(reciprocal_ranks(leg, rows).mean()) for leg in hard]
    if alone[0] < HEARD * alone[1]:
        weight = 0.0
    elif alone[1] < HEARD * alone[0]:
        weight = 1.0
    else:
        weight = fit_weight(dense, lexical, rows)
    fused = float(reciprocal_ranks(fuse(*hard, weight), rows).mean())
    return weight, [round(rank, 4) for rank in (*alone, fused)]


def fit_weight(dense: np.ndarray, lexical: np.ndarray, wanted: np.ndarray) -> float:
    """Dense share a / (a + b) of the conditional logit softmax(a·dense + b·lexical) that makes `wanted` likeliest.

    Shapes (questions, passages), (questions, passages), (questions,); McFadden 1974. Newton's method on (a, b) >= 0.
    """
    coefficients = np.array([10.0, 10.0])  # the scale at which contrastive training reads a cosine
    legs = (dense, lexical)
    target = np.array([np.take_along_axis(leg, wanted[:, None], axis=1)[:, 0] for leg in legs])  # (2, questions)
    for _ in range(50):
        logits = float(coefficients[0]) * dense + float(coefficients[1]) * lexical
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        heavy = [leg * chances for leg in legs]
        mean = np.array([leg.sum(axis=1) for leg in heavy])
        gradient = (target - mean).mean(axis=1)
        second = np.array([[(one * other).sum() for other in legs] for one in heavy]) - mean @ mean.T
        step = np.linalg.solve(second / len(wanted) + 1e-6 * np.eye(2), gradient)
        moved = np.clip(coefficients + np.clip(step, -5, 5), 0, 200)
        if np.abs(moved - coefficients).max() < 1e-3:
            break
        coefficients = moved
    total = coefficients.sum()
    return float(coefficients[0] / total) if total > 0 else DEFAULT_WEIGHT

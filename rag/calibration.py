"""A collection -> how much its dense leg counts, per script, learned from questions made out of its own text.

The questions are inverse cloze tasks (Lee, Chang & Toutanova 2019): a sentence is taken out of its passage, cut
short, and the search must find the passage. A person's question lies between two extremes, sharing no sentence
with its passage and quoting one; so half of the questions are asked with their sentence removed and half with it
in place. The weight is that of a conditional logit over all passages (two coefficients, one per leg), a smooth
objective that is steadier than the best rank. A leg whose reciprocal rank on the removed half is under half of
the other's adds more noise than signal and is left out, so the fusion is then exactly its better leg.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from rag.embeddings import Embedder, load_embedder
from rag.fusion import fuse, reciprocal_ranks, stretch
from rag.lexical import LexicalIndex, script, words
from rag.relevance import Chance, foreign_questions, learn_chance
from rag.store import Collection
from workbench.settings import Settings

QUESTIONS = 300
FEWEST = 30  # questions of one script under which its weight is not learned
MOST_PASSAGES = 20_000  # searched per question; a larger collection is sampled
HEARD = 0.5  # a leg must reach this share of the other's reciprocal rank
DEFAULT = 0.3  # weight where nothing can be learned: both legs heard, the lexical one more
SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])|\n+")
WORDS, CHARACTERS = 8, 16  # length of a made question


@dataclass(frozen=True)
class Weight:
    """What was learned for one script. `dense` and `lexical` are the legs' mean reciprocal ranks on hard questions."""

    weight: float
    questions: int
    dense: float
    lexical: float
    fused: float


@dataclass(frozen=True)
class Calibration:
    """Weights of the dense leg by script, the cosine that min-max starts from, and what chance scores."""

    revision: int
    passages: int
    weights: dict[str, Weight] = field(default_factory=dict)
    floor: float = 0.0
    chances: dict[str, Chance] = field(default_factory=dict)

    def weight(self, question: str) -> float:
        """Weight of the dense leg for this question, by its script; the collection's own where that is unknown."""
        if found := self.weights.get(script(question)):
            return found.weight
        return DEFAULT


@dataclass(frozen=True)
class Cloze:
    """One made question: the passage's row, and its text without the sentence."""

    question: str
    row: int
    rest: str


def calibrate(collection: Collection, settings: Settings, *, seed: int = 7) -> Calibration:
    """Learn the weights and store them beside the collection. Takes about 10 s on two cores."""
    passages = list(collection.texts())
    if len(passages) > MOST_PASSAGES:
        passages = random.Random(seed).sample(passages, MOST_PASSAGES)  # noqa: S311 – a sample, not a secret
    texts = [text for _, text in passages]
    calibration = Calibration(collection.revision, collection.count())
    if texts:
        vectors = collection.passages_and_vectors([name for name, _ in passages])[1]
        embedder = load_embedder(collection.embedder, settings)
        calibration = replace(calibration, **_learn(texts, vectors, make_questions(texts, seed=seed), embedder))
    path = collection.folder / "calibration.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(calibration), indent=2), "utf-8")
    part.replace(path)
    return calibration


def load_calibration(collection: Collection) -> Calibration:
    """The stored calibration; one without weights where none was made yet."""
    try:
        data: dict[str, Any] = json.loads((collection.folder / "calibration.json").read_text("utf-8"))
    except FileNotFoundError:
        return Calibration(revision=-1, passages=0)
    weights = {name: Weight(**weight) for name, weight in data.pop("weights").items()}
    chances = {name: Chance(**chance) for name, chance in data.pop("chances").items()}
    return Calibration(weights=weights, chances=chances, **data)


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


def _learn(texts: list[str], vectors: np.ndarray, clozes: list[Cloze], embedder: Embedder) -> dict[str, Any]:
    """The learned fields of a Calibration."""
    chances, floors = {}, []
    for name, questions in foreign_questions().items():
        asked = embedder.embed(questions, "query")
        chances[name] = learn_chance(texts, vectors, asked, questions)
        floors.append((asked @ vectors.T).min(axis=1))
    weights = _weights(texts, vectors, clozes, embedder) if clozes else {}
    return {"weights": weights, "chances": chances, "floor": float(np.median(np.concatenate(floors)))}


def _weights(texts: list[str], vectors: np.ndarray, clozes: list[Cloze], embedder: Embedder) -> dict[str, Weight]:
    rows = np.array([cloze.row for cloze in clozes])
    questions = [cloze.question for cloze in clozes]
    asked = embedder.embed(questions, "query")
    shortened = list(texts)
    for cloze in clozes:
        shortened[cloze.row] = cloze.rest
    hard_vectors = vectors.copy()
    hard_vectors[rows] = embedder.embed([cloze.rest for cloze in clozes])
    hard = stretch(asked @ hard_vectors.T), stretch(_lexical(shortened, questions))
    whole = stretch(asked @ vectors.T), stretch(_lexical(texts, questions))
    scripts = np.array([script(question) for question in questions])
    weights = {}
    for name in sorted(set(scripts)):
        chosen = np.flatnonzero(scripts == name)
        if len(chosen) >= FEWEST:
            weights[str(name)] = _weigh([leg[chosen] for leg in hard], [leg[chosen] for leg in whole], rows[chosen])
    return weights


def _lexical(texts: list[str], questions: list[str]) -> np.ndarray:
    index = LexicalIndex.build((str(row), text) for row, text in enumerate(texts))
    return np.stack([index.scores(question) for question in questions])


def _weigh(hard: list[np.ndarray], whole: list[np.ndarray], rows: np.ndarray) -> Weight:
    kept = np.arange(len(rows)) % 2 == 0  # these keep their sentence
    dense, lexical = (np.where(kept[:, None], easy, difficult) for easy, difficult in zip(whole, hard, strict=True))
    weight = fit_weight(dense, lexical, rows)
    alone = [float(reciprocal_ranks(leg, rows).mean()) for leg in hard]
    if alone[0] < HEARD * alone[1]:
        weight = 0.0
    elif alone[1] < HEARD * alone[0]:
        weight = 1.0
    fused = float(reciprocal_ranks(fuse(hard[0], hard[1], weight), rows).mean())
    return Weight(round(weight, 3), len(rows), round(alone[0], 4), round(alone[1], 4), round(fused, 4))


def fit_weight(dense: np.ndarray, lexical: np.ndarray, wanted: np.ndarray) -> float:
    """Dense share a / (a + b) of the conditional logit softmax(a·dense + b·lexical) that makes `wanted` likeliest.

    Shapes (questions, passages), (questions, passages), (questions,); McFadden 1974. Newton's method on (a, b) >= 0.
    """
    coefficients = np.array([1.0, 1.0])
    legs = np.stack([dense, lexical])
    target = np.take_along_axis(legs, wanted[None, :, None], axis=2)[..., 0]  # (2, questions)
    for _ in range(50):
        logits = np.tensordot(coefficients, legs, 1)
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        mean = (legs * chances).sum(axis=2)  # (2, questions)
        gradient = (target - mean).mean(axis=1)
        second = np.einsum("iqp,jqp,qp->ij", legs, legs, chances) / len(wanted) - mean @ mean.T / len(wanted)
        step = np.linalg.solve(second + 1e-6 * np.eye(2), gradient)
        moved = np.clip(coefficients + np.clip(step, -5, 5), 0, 200)
        if np.abs(moved - coefficients).max() < 1e-4:
            break
        coefficients = moved
    total = coefficients.sum()
    return float(coefficients[0] / total) if total > 0 else DEFAULT

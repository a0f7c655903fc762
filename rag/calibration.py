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

from rag.embeddings import load_embedder
from rag.fusion import fuse, reciprocal_ranks
from rag.lexical import LexicalIndex
from rag.sentence_models import Embedder
from rag.store import Collection
from workbench.errors import WorkbenchError
from workbench.language import language_of, words
from workbench.messages import say
from workbench.settings import Settings

QUESTIONS = 300
FEWEST = 30  # questions of one script under which nothing is learned for it
FEWEST_SOURCES = 10  # passages of one script that jumbles can be made of
MOST_ROUNDS = 5  # questions made of one passage, where passages are few
MOST_PASSAGES = 20_000  # searched per question; a larger collection is sampled
HEARD = 0.5  # a leg must reach this share of the other's reciprocal rank
DEFAULT_WEIGHT = (
    0.05  # where nothing can be learned: the embedder decides only what words leave open
)
DEFAULT_FLOOR = (
    0.02  # some shared words, or a near passage by an embedder that knows both languages
)
JUMBLES, JUMBLES_UNDER_FLOOR = 300, 1  # made per script; per cent of them under the floor
SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])|\n+")
WORDS, CHARACTERS, SCRAPS = 8, 16, 4  # length of a made question; pieces of a jumble
Legs = tuple[np.ndarray, np.ndarray]  # (dense, lexical), each (questions, passages)


@dataclass(frozen=True)
class Weight:
    """What was learned for one script. `dense`, `lexical` and `fused` are mean reciprocal ranks on hard questions."""

    weight: float
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
    floors: dict[str, float] = field(default_factory=dict)

    def weight(self, question: str) -> float:
        """Weight of the dense leg for this question, by its script; the default where nothing was learned."""
        found = self.weights.get(language_of(question))
        return found.weight if found else DEFAULT_WEIGHT

    def floor(self, question: str) -> float:
        """The fused score that a relevant passage reaches, by the question's script."""
        return self.floors.get(language_of(question), DEFAULT_FLOOR)


@dataclass(frozen=True)
class Cloze:
    """One made question: the passage's row, and its text without the sentence."""

    question: str
    row: int
    rest: str


def calibrate(collection: Collection, settings: Settings, *, seed: int = 7) -> Calibration:
    """Learn from the collection as it is and store the result beside it. Takes about 10 s on two cores."""
    revision, ids = collection.revision, [name for name, _ in collection.texts()]
    count = len(ids)
    if count > MOST_PASSAGES:
        ids = random.Random(seed).sample(ids, MOST_PASSAGES)  # noqa: S311 – a sample, not a secret
    passages, vectors = collection.passages_and_vectors(ids)
    texts = [passage.text for passage in passages]
    embedder = load_embedder(collection.embedder, settings)
    weights = _learn_weights(texts, vectors, make_questions(texts, seed=seed), embedder)
    found = Calibration(revision, count, weights)
    found.floors.update(_learn_floors(texts, vectors, found, embedder, random.Random(seed)))  # noqa: S311
    _write(_path(collection), found)
    return found


def _write(path: Path, found: Calibration) -> None:
    part = path.with_suffix(".part")
    try:
        part.write_text(json.dumps(asdict(found), indent=2), "utf-8")
        part.replace(path)
    except OSError as error:
        raise WorkbenchError(
            say(
                "What was learned about the collection cannot be stored: {strerror}",
                strerror=error.strerror,
            ),
            "Free disk space, then run: workbench rag calibration COLLECTION --again",
        ) from error


def load_calibration(collection: Collection) -> Calibration:
    """The stored calibration; one without weights where none was made yet."""
    path = _path(collection)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (
        FileNotFoundError,
        ValueError,
        KeyError,
        TypeError,
    ):  # not made yet, or by another version
        return Calibration(revision=-1, passages=0)


@lru_cache(maxsize=64)
def _read(path: Path, modified: int) -> Calibration:
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    weights = {name: Weight(**weight) for name, weight in data.pop("weights").items()}
    return Calibration(weights=weights, **data)


def _path(collection: Collection) -> Path:
    return collection.folder / "calibration.json"


def make_questions(texts: list[str], *, count: int = QUESTIONS, seed: int = 7) -> list[list[Cloze]]:
    """Rounds of questions, `count` in all, from sentences of at least four words; one a passage in each round.

    A second round begins only where the passages are too few for the first.
    """
    chance = random.Random(seed)  # noqa: S311 – a sample, not a secret
    rows = list(range(len(texts)))
    chance.shuffle(rows)
    rounds: list[list[Cloze]] = []
    unused = {row: _sentences(texts[row], chance) for row in rows[: 4 * count]}
    while len(rounds) < MOST_ROUNDS and count > 0:
        clozes = [
            Cloze(_cut(sentence, chance), row, texts[row].replace(sentence, "", 1))
            for row, sentences in unused.items()
            if sentences and (sentence := sentences.pop())
        ][:count]
        if not clozes:
            break
        rounds.append(clozes)
        count -= len(clozes)
    return rounds


def _sentences(text: str, chance: random.Random) -> list[str]:
    """The sentences that questions can be made of, in random order; none where the text is a single sentence."""
    found = [part.strip() for part in SENTENCES.split(text) if len(words(part)) >= 4]
    chance.shuffle(found)
    return found if len(found) > 1 else []


def _cut(sentence: str, chance: random.Random) -> str:
    """A run of 8 words (16 characters in Chinese) from anywhere in the sentence."""
    parts, length, glue = (
        (sentence, CHARACTERS, "")
        if language_of(sentence) == "zh"
        else (sentence.split(), WORDS, " ")
    )
    start = chance.randint(0, max(0, len(parts) - length))
    return glue.join(parts[start : start + length])


def make_jumbles(
    texts: list[str], name: str, chance: random.Random, count: int = JUMBLES
) -> list[str]:
    """Questions that nothing answers: each of four scraps, from passages of the script `name` drawn at random."""
    sources = [
        text if name == "zh" else text.split() for text in texts if language_of(text) == name
    ]
    if len(sources) < FEWEST_SOURCES:
        return []
    length, glue = (CHARACTERS // SCRAPS, "") if name == "zh" else (WORDS // SCRAPS, " ")

    def scrap() -> str:
        source = chance.choice(sources)
        start = chance.randint(0, max(0, len(source) - length))
        return glue.join(source[start : start + length])

    return [glue.join(scrap() for _ in range(SCRAPS)) for _ in range(count)]


def _learn_weights(
    texts: list[str], vectors: np.ndarray, rounds: list[list[Cloze]], embedder: Embedder
) -> dict[str, Weight]:
    """script -> weight, for the scripts of at least FEWEST questions."""
    clozes = [cloze for asked in rounds for cloze in asked]
    scripts = np.array([language_of(cloze.question) for cloze in clozes])
    names = [name for name in ("en", "zh") if (scripts == name).sum() >= FEWEST]
    if not names:
        return {}
    index = _index(texts)
    parts = [_ask(asked, texts, vectors, index, embedder) for asked in rounds]
    hard, whole = (
        tuple(np.concatenate(legs) for legs in zip(*found, strict=True))
        for found in zip(*parts, strict=True)
    )
    rows = np.array([cloze.row for cloze in clozes])
    return {
        name: _weigh((hard[0][of], hard[1][of]), (whole[0][of], whole[1][of]), rows[of])
        for name in names
        for of in [scripts == name]
    }


def _ask(
    clozes: list[Cloze],
    texts: list[str],
    vectors: np.ndarray,
    index: LexicalIndex,
    embedder: Embedder,
) -> tuple[Legs, Legs]:
    """Both legs' scores with the questions' sentences taken out of their passages, and with them in place."""
    questions = [cloze.question for cloze in clozes]
    asked = embedder.embed(questions, "query")
    shortened, short_vectors = list(texts), vectors.copy()
    for cloze in clozes:
        shortened[cloze.row] = cloze.rest
    short_vectors[[cloze.row for cloze in clozes]] = embedder.embed(
        [cloze.rest for cloze in clozes]
    )
    hard = asked @ short_vectors.T, _cover(_index(shortened), questions)
    return hard, (asked @ vectors.T, _cover(index, questions))


def _learn_floors(
    texts: list[str],
    vectors: np.ndarray,
    learned: Calibration,
    embedder: Embedder,
    chance: random.Random,
) -> dict[str, float]:
    """script -> the fused score that nearly every jumble reaches."""
    index, found = _index(texts), {}
    for name in ("en", "zh"):
        if jumbles := make_jumbles(texts, name, chance):
            legs = embedder.embed(jumbles, "query") @ vectors.T, _cover(index, jumbles)
            best = fuse(*legs, learned.weight(jumbles[0])).max(axis=1)
            found[name] = round(float(np.percentile(best, JUMBLES_UNDER_FLOOR)), 4)
    return found


def _index(texts: list[str]) -> LexicalIndex:
    return LexicalIndex.build((str(row), text) for row, text in enumerate(texts))


def _cover(index: LexicalIndex, questions: list[str]) -> np.ndarray:
    return np.stack([index.coverage(question) for question in questions])


def _weigh(hard: Legs, whole: Legs, rows: np.ndarray) -> Weight:
    """The weight that the questions teach; `rows` are the passages that they were taken from."""
    kept = (np.arange(len(rows)) % 2 == 0)[:, None]  # these keep their sentence
    dense, lexical = (
        np.where(kept, easy, difficult) for easy, difficult in zip(whole, hard, strict=True)
    )
    alone = [float(reciprocal_ranks(leg, rows).mean()) for leg in hard]
    if alone[0] < HEARD * alone[1]:
        weight = 0.0
    elif alone[1] < HEARD * alone[0]:
        weight = 1.0
    else:
        weight = fit_weight(dense, lexical, rows)
    fused = float(reciprocal_ranks(fuse(*hard, weight), rows).mean())
    return Weight(round(weight, 4), len(rows), *(round(rank, 4) for rank in (*alone, fused)))


def fit_weight(dense: np.ndarray, lexical: np.ndarray, wanted: np.ndarray) -> float:
    """Dense share a / (a + b) of the conditional logit softmax(a·dense + b·lexical) that makes `wanted` likeliest.

    Shapes (questions, passages), (questions, passages), (questions,); McFadden 1974. Newton's method on (a, b) >= 0.
    """
    coefficients = np.array([10.0, 10.0])  # the scale at which contrastive training reads a cosine
    legs = (dense, lexical)
    target = np.array(
        [np.take_along_axis(leg, wanted[:, None], axis=1)[:, 0] for leg in legs]
    )  # (2, questions)
    for _ in range(50):
        logits = float(coefficients[0]) * dense + float(coefficients[1]) * lexical
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        heavy = [leg * chances for leg in legs]
        mean = np.array([leg.sum(axis=1) for leg in heavy])
        gradient = (target - mean).mean(axis=1)
        second = (
            np.array([[(one * other).sum() for other in legs] for one in heavy]) - mean @ mean.T
        )
        step = np.linalg.solve(second / len(wanted) + 1e-6 * np.eye(2), gradient)
        moved = np.clip(coefficients + np.clip(step, -5, 5), 0, 200)
        if np.abs(moved - coefficients).max() < 1e-3:
            break
        coefficients = moved
    total = coefficients.sum()
    return float(coefficients[0] / total) if total > 0 else DEFAULT_WEIGHT

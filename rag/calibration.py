"""A collection -> how much its dense leg counts, and from which score on a passage is relevant.

Both are learned for each language from the collection's own text, and stored beside it.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from rag.embeddings import load_embedder
from rag.learning import Weight, learn_floors, learn_weights, weight_for
from rag.made_questions import make_questions
from rag.store import Collection
from workbench.errors import WorkbenchError
from workbench.files import write_json
from workbench.language import language_of
from workbench.messages import say
from workbench.settings import Settings

MOST_PASSAGES = 20_000  # searched per question; a larger collection is sampled
# a few shared words, or a near passage by an embedder that knows both languages
DEFAULT_FLOOR = 0.02


@dataclass(frozen=True)
class Calibration:
    """What was learned, by language, from the collection as it was at `revision`.

    `passages` is the size of the collection then.
    """

    revision: int
    passages: int
    weights: dict[str, Weight] = field(default_factory=dict)
    floors: dict[str, float] = field(default_factory=dict)

    def weight(self, question: str) -> float:
        """Share of the dense leg for this question; the default where nothing was learned."""
        return weight_for(question, self.weights)

    def floor(self, question: str) -> float:
        """The fused score that a relevant passage reaches, by the question's language."""
        return self.floors.get(language_of(question), DEFAULT_FLOOR)


def calibrate(collection: Collection, settings: Settings, *, seed: int = 7) -> Calibration:
    """Learn from the collection as it is and store the result. Takes about 10 s on two cores.

    Raises WorkbenchError where the result cannot be stored.
    """
    revision = collection.revision
    ids = [name for name, _ in collection.texts()]
    sample = ids
    if len(ids) > MOST_PASSAGES:
        sample = random.Random(seed).sample(ids, MOST_PASSAGES)  # noqa: S311 – no secret
    passages, vectors = collection.passages_and_vectors(sample)
    texts = [passage.text for passage in passages]
    embedder = load_embedder(collection.embedder, settings)
    weights = learn_weights(texts, vectors, make_questions(texts, seed=seed), embedder)
    chance = random.Random(seed)  # noqa: S311 – a sample, not a secret
    floors = learn_floors(texts, vectors, weights, embedder, chance)
    learned = Calibration(revision, len(ids), weights, floors)
    _store(_path(collection), learned)
    return learned


def load_calibration(collection: Collection) -> Calibration:
    """The stored calibration, or an empty one where none was made yet."""
    path = _path(collection)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return Calibration(revision=-1, passages=0)
    except (ValueError, KeyError, TypeError):  # written by another version
        return Calibration(revision=-1, passages=0)


@lru_cache(maxsize=64)  # each question asks for it
def _read(path: Path, modified: int) -> Calibration:
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    weights = {name: Weight(**weight) for name, weight in data.pop("weights").items()}
    return Calibration(weights=weights, **data)


def _store(path: Path, learned: Calibration) -> None:
    try:
        write_json(path, asdict(learned))
    except OSError as error:
        raise WorkbenchError(
            say(
                "The weights learned for the collection cannot be stored: {reason}",
                reason=error.strerror,
            ),
            "Free disk space, then run: workbench rag calibration COLLECTION --again",
        ) from error


def _path(collection: Collection) -> Path:
    return collection.folder / "calibration.json"

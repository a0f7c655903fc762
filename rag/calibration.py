"""A collection -> how much its dense leg counts, and from which score on a passage is relevant.

Both are learned for each language from the collection's own text, and stored beside it together
with the spread of its vectors.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from rag.embeddings import load_embedder
from rag.everyday import LANGUAGES, everyday
from rag.learning import (
    DEFAULT_FLOOR,
    PRIOR,
    UNREAD,
    Floor,
    Texts,
    Weight,
    learn_floor,
    learn_weight,
    prior_share,
)
from rag.lexical_files import lexical_index
from rag.sentence_models import Embedder
from rag.spread import Spread, joined, load_spreads, measure, save_spreads
from rag.store import Collection
from workbench.errors import Unwritable
from workbench.files import write_json
from workbench.messages import say
from workbench.settings import Settings

MOST_PASSAGES = 20_000  # searched per question; a larger collection is sampled
SAMPLE = 2_000  # passages of a language whose vectors stand for all
MOST_SPREADS = 32  # kept in memory, 1.2 MB each


@dataclass(frozen=True)
class Calibration:
    """What was learned from the collection as it was at `revision`.

    `passages` and `languages` count its passages then. `weights` are by language; `priors` are the
    shares that hold where nothing was learned. `floors` are by question's and passages' language
    (`zh>en`). `spreads`, by the passages' language, are as of the last ingest.
    """

    revision: int
    passages: int
    languages: dict[str, int] = field(default_factory=dict)
    weights: dict[str, Weight] = field(default_factory=dict)
    priors: dict[str, float] = field(default_factory=dict)
    floors: dict[str, Floor] = field(default_factory=dict)
    spreads: dict[str, Spread] = field(default_factory=dict, compare=False, repr=False)

    def share(self, asked: str) -> float:
        """Share of the dense leg for questions in that language on passages in the same one."""
        if asked in self.weights:
            return self.weights[asked].share
        return self.priors.get(asked, UNREAD)

    def share_across(self, written: str) -> float:
        """The same for questions in another language than the passages."""
        spread = self.spreads.get(written)
        return PRIOR if spread and spread.crossing is not None else 0.0

    def floor(self, asked: str, written: str) -> Floor:
        """What a relevant passage reaches, by the languages of the question and of the passages."""
        return self.floors.get(_pair(asked, written), DEFAULT_FLOOR)

    def facts(self) -> dict[str, Any]:
        """All but the vectors, for JSON."""
        facts = asdict(replace(self, spreads={}))
        del facts["spreads"]
        return facts


NOTHING = Calibration(revision=-1, passages=0)


def calibrate(collection: Collection, settings: Settings, *, seed: int = 7) -> Calibration:
    """Learn from the collection as it is and store the result. Takes about 10 s on two cores.

    Raises Unwritable where the result cannot be stored.
    """
    revision = collection.revision
    embedder = load_embedder(collection.embedder, settings)
    known = everyday(embedder)
    counts = count_by_language(collection)
    spreads = _measure_spreads(collection, counts, embedder)
    priors = {language: prior_share(language, known) for language in LANGUAGES}
    samples = [_read(collection, language, seed) for language in spreads]
    weights: dict[str, Weight] = {}
    for sample in samples:
        weight = learn_weight(sample, embedder, seed)
        if weight:
            weights[sample.language] = weight
    total = sum(counts.values())
    learned = Calibration(revision, total, counts, weights, priors, spreads=spreads)
    learned = replace(learned, floors=_learn_floors(learned, samples, embedder, seed))
    store_calibration(collection, learned)
    return learned


def refresh(collection: Collection, settings: Settings) -> None:
    """Bring the spreads up to date after an ingest; what was learned stays.

    Raises Unwritable where they cannot be stored.
    """
    embedder = load_embedder(collection.embedder, settings)
    spreads = _measure_spreads(collection, count_by_language(collection), embedder)
    with _storing():
        save_spreads(_spreads_path(collection), spreads)


def count_by_language(collection: Collection) -> dict[str, int]:
    """Language -> the number of its passages; only languages that have any."""
    index = lexical_index(collection)
    counts = {language: len(index.rows_in(language)) for language in LANGUAGES}
    return {language: count for language, count in counts.items() if count}


def load_calibration(collection: Collection) -> Calibration:
    """The stored calibration, or an empty one where none was made yet."""
    path, spreads = _path(collection), _spreads_path(collection)
    try:
        return _read_stored(path, spreads, path.stat().st_mtime_ns, spreads.stat().st_mtime_ns)
    except FileNotFoundError:
        return NOTHING
    except (ValueError, KeyError, TypeError, OSError):  # written by another version
        return NOTHING


def join(calibrations: Sequence[Calibration]) -> Calibration:
    """What several collections have learned, as one: the mean of theirs by size."""
    if len(calibrations) == 1:
        return calibrations[0]
    learned = [one for one in calibrations if one.passages] or [NOTHING]
    total = sum(one.passages for one in learned)
    spreads: dict[str, Spread] = {}
    for language in LANGUAGES:
        parts = [one.spreads[language] for one in learned if language in one.spreads]
        if parts:
            spreads[language] = joined(parts)
    shares = {
        language: _mean([(one.passages, one.share(language)) for one in learned])
        for language in LANGUAGES
    }
    floors: dict[str, Floor] = {}
    for pair in {pair for one in learned for pair in one.floors}:
        parts_of = [(one.passages, one.floors[pair]) for one in learned if pair in one.floors]
        floors[pair] = Floor(
            score=_mean([(size, floor.score) for size, floor in parts_of]),
            slack=_mean([(size, floor.slack) for size, floor in parts_of]),
        )
    return Calibration(-1, total, priors=shares, floors=floors, spreads=spreads)


def _mean(values: Sequence[tuple[int, float]]) -> float:
    """Of (size, value) pairs, weighed by size."""
    total = sum(size for size, _ in values)
    if not total:
        return sum(value for _, value in values) / len(values)
    return sum(size * value for size, value in values) / total


def _measure_spreads(
    collection: Collection, counts: Mapping[str, int], embedder: Embedder
) -> dict[str, Spread]:
    known = everyday(embedder)
    spreads: dict[str, Spread] = {}
    for language in sorted(counts):
        _, vectors = collection.passages_and_vectors(_sample(collection, language, SAMPLE, seed=1))
        if len(vectors):
            spreads[language] = measure(vectors, counts[language], language, known)
    return spreads


def _learn_floors(
    learned: Calibration, samples: Sequence[Texts], embedder: Embedder, seed: int
) -> dict[str, Floor]:
    floors: dict[str, Floor] = {}
    for sample in samples:
        written = sample.language
        for asked in LANGUAGES:
            same = asked == written
            share = learned.share(asked) if same else learned.share_across(written)
            chance = random.Random(seed)  # noqa: S311 – a sample, not a secret
            spread = learned.spreads[written]
            floors[_pair(asked, written)] = learn_floor(
                asked, sample, spread, share, embedder, chance
            )
    return floors


def _read(collection: Collection, language: str, seed: int) -> Texts:
    sample = _sample(collection, language, MOST_PASSAGES, seed)
    passages, vectors = collection.passages_and_vectors(sample)
    return Texts(language, [passage.text for passage in passages], vectors)


def _sample(collection: Collection, language: str, most: int, seed: int) -> list[str]:
    """Ids of at most so many passages in the language."""
    index = lexical_index(collection)
    rows = index.rows_in(language)
    if len(rows) > most:
        rows = rows[random.Random(seed).sample(range(len(rows)), most)]  # noqa: S311 – no secret
    return index.ids_at(rows)


def _pair(asked: str, written: str) -> str:
    return f"{asked}>{written}"


@lru_cache(maxsize=MOST_SPREADS)  # each question asks for it
def _read_stored(path: Path, spreads: Path, modified: int, spread_modified: int) -> Calibration:
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    weights = {name: Weight(**weight) for name, weight in data.pop("weights").items()}
    floors = {pair: Floor(**floor) for pair, floor in data.pop("floors").items()}
    return Calibration(weights=weights, floors=floors, spreads=load_spreads(spreads), **data)


def store_calibration(collection: Collection, learned: Calibration) -> None:
    """Keep what was learned. Raises Unwritable."""
    with _storing():
        save_spreads(_spreads_path(collection), learned.spreads)
        write_json(_path(collection), learned.facts())


@contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except Unwritable as error:
        raise Unwritable(
            say(
                "The weights learned for the collection cannot be stored: {reason}",
                reason=error.problem,
            ),
            "Free disk space, then run: workbench rag calibration COLLECTION --again",
        ) from error


def _path(collection: Collection) -> Path:
    return collection.folder / "calibration.json"


def _spreads_path(collection: Collection) -> Path:
    return collection.folder / "spreads.npz"

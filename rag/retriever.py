"""A question -> the passages that answer it, by both legs, weighed as the collection has taught."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np

from rag.calibration import load_calibration
from rag.embeddings import load_embedder
from rag.fusion import fuse, stretch
from rag.lexical import LexicalIndex
from rag.passages import Hit
from rag.store import Collection
from workbench.settings import Settings

CANDIDATES = 100  # taken from each leg; min-max still runs over all passages


def retrieve(
    question: str,
    collection: Collection,
    settings: Settings,
    k: int = 6,
    where: dict[str, Any] | None = None,
    *,
    weight: float | None = None,
) -> list[Hit]:
    """The k best passages, best first; `where` is Chroma's metadata filter (source, type, page, sheet) for both legs.

    `weight` on the dense leg overrides the calibrated one: 0 is lexical alone, 1 dense alone.
    """
    calibration = load_calibration(collection)
    weight = calibration.weight(question) if weight is None else weight
    index = lexical_index(collection)
    lexical = index.scores(question)
    vector = load_embedder(collection.embedder, settings).embed([question], "query")[0]
    near = dict(collection.nearest(vector, max(k, CANDIDATES), where))
    allowed = collection.matching(where) if where else None
    candidates = _candidates(index, lexical, near, max(k, CANDIDATES), allowed)
    passages, vectors = collection.passages_and_vectors(candidates)
    if not passages:
        return []
    dense = vectors @ vector
    words = np.array([lexical[index.rows[p.id]] if p.id in index.rows else 0 for p in passages], np.float32)
    top = max(float(dense.max()), calibration.floor + 1e-6)
    stretched = (
        stretch(dense, calibration.floor, top),
        stretch(words, float(lexical.min(initial=0)), float(words.max())),
    )
    fused = fuse(*stretched, weight)
    order = sorted(range(len(passages)), key=lambda row: (-fused[row], passages[row].id))[:k]
    return [Hit(passages[row], float(fused[row]), float(dense[row]), float(words[row])) for row in order]


def _candidates(
    index: LexicalIndex, lexical: np.ndarray, near: dict[str, float], k: int, allowed: set[str] | None
) -> list[str]:
    """Ids of the best of each leg, of those the filter lets through."""
    if allowed is not None:
        mask = np.fromiter((name in allowed for name in index.ids), bool, len(index.ids))
        lexical = np.where(mask, lexical, 0)
    best = np.argpartition(lexical, -k)[-k:] if len(lexical) > k else np.arange(len(lexical))
    return list(dict.fromkeys([*near, *(index.ids[row] for row in best if lexical[row] > 0)]))


_indexes: dict[str, tuple[int, LexicalIndex]] = {}  # collection's folder -> (revision, its index)


def lexical_index(collection: Collection) -> LexicalIndex:
    """The lexical index of the collection as it is now: in memory, else on disk, else built from the passages."""
    folder, revision = collection.folder, collection.revision
    held = _indexes.get(str(folder))
    if held and held[0] == revision:
        return held[1]
    path = folder / f"lexical-{revision}"
    if path.exists():
        index = LexicalIndex.load(path)
    else:
        index = LexicalIndex.build(collection.texts())
        index.save(path)
        for old in folder.glob("lexical-*"):
            if old != path:
                shutil.rmtree(old, ignore_errors=True)
    _indexes[str(folder)] = revision, index
    return index

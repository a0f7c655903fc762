"""One or several collections -> the passages of all that answer a question, on one scale.

A score of a single collection rests on what is rare there and on what it has learned, so scores of
two collections cannot be compared. The pool scores the best passages of each once more as if all
collections were one: words are as rare as in all of them together, and what was learned is the mean
of theirs, weighed by their sizes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from rag.calibration import Calibration, join, load_calibration
from rag.embeddings import embed_question, load_embedder
from rag.lexical import LexicalIndex, coverage_of
from rag.lexical_files import lexical_index
from rag.passages import Hit
from rag.retriever import retrieve
from rag.store import Collection, open_collection
from rag.views import RELEVANT, look, view_of
from workbench.errors import InvalidInput
from workbench.language import language_of, words
from workbench.settings import Settings


@dataclass(frozen=True)
class Pool:
    """Collections that are searched together. One collection is a pool of one."""

    collections: tuple[Collection, ...]

    @property
    def name(self) -> str:
        """The names as a person reads them, without hidden ones."""
        names = [collection.name for collection in self.collections]
        return ", ".join(name for name in names if not name.startswith("."))

    @property
    def embedder(self) -> str:
        """The embedder of the first collection."""
        return self.collections[0].embedder

    @cached_property
    def indexes(self) -> list[LexicalIndex]:
        """The lexical index of each collection, as it was when it was first asked for."""
        return [lexical_index(collection) for collection in self.collections]

    @property
    def size(self) -> int:
        """The number of passages."""
        return sum(index.size for index in self.indexes)

    def held(self, word: str) -> int:
        """The number of passages with that word."""
        return sum(index.held(word) for index in self.indexes)

    def rarity(self, word: str) -> float:
        """Inverse document frequency, as in a single index of all passages."""
        held = self.held(word)
        return math.log1p((self.size - held + 0.5) / (held + 0.5))

    @cached_property
    def learned(self) -> Calibration:
        """What the collections have learned, as one."""
        return join([load_calibration(collection) for collection in self.collections])

    def share(self, question: str) -> float:
        """Share of meaning in a score, beside words, for questions in this language."""
        return self.learned.share(language_of(question))

    def retrieve(
        self,
        question: str,
        settings: Settings,
        k: int = 6,
        where: dict[str, Any] | None = None,
    ) -> list[Hit]:
        """The k best passages of all collections, best first; see `rag.retriever.retrieve`."""
        found = [
            retrieve(question, collection, settings, k, where) for collection in self.collections
        ]
        if len(found) == 1:
            return found[0]
        hits = [hit for some in found for hit in some]
        if not self._own_scores_compare(settings):
            hits = self.scored_as_one(question, hits, settings)
        # relevant first: each collection knows its own floor
        hits.sort(key=lambda hit: (not hit.relevant, -hit.score, hit.passage.id))
        return _without_repeats(hits)[:k]

    def _own_scores_compare(self, settings: Settings) -> bool:
        """Whether the scores stay as they are.

        A reranker's lie on one scale. Cosines of two embedders lie on none, so that nothing better
        than the collections' own scores is known.
        """
        embedders = {collection.embedder for collection in self.collections}
        return bool(settings.reranker) or len(embedders) > 1

    def scored_as_one(self, question: str, hits: Sequence[Hit], settings: Settings) -> list[Hit]:
        """The hits with the scores and the relevance that a single collection would give them."""
        vector = embed_question(question, load_embedder(self.embedder, settings))
        coverages = [index.coverage(question) for index in self.indexes]
        views = look(question, vector, self.learned, coverages)
        shares = coverage_of(question, [hit.passage.text for hit in hits], self.rarity)
        scored: list[Hit] = []
        for hit, share in zip(hits, shares, strict=True):
            view = view_of(views, hit.passage.text)
            score, relevance = view.judge(hit.dense, share)
            scored.append(
                replace(hit, score=score, relevance=relevance, relevant=relevance >= RELEVANT)
            )
        return scored


def open_pool(settings: Settings, names: Sequence[str]) -> Pool:
    """The collections of these names. Raises InvalidInput without a name, NotFound for a wrong one.

    The error of a wrong name lists the existing ones.
    """
    if not names:
        raise InvalidInput("No collection is chosen.", "Choose one, or name it: --collection NAME")
    return Pool(tuple(open_collection(settings, name) for name in names))


def _without_repeats(hits: Sequence[Hit]) -> list[Hit]:
    """Of passages with one text the first: a file may lie in two collections."""
    texts: set[str] = set()
    kept = []
    for hit in hits:
        text = " ".join(words(hit.passage.text))
        if text not in texts:
            texts.add(text)
            kept.append(hit)
    return kept

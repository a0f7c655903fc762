"""The chosen collections as an asset: how much of a question its passages explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.documents.search import FEWEST, search, searched
from agents.evidence import Match, Weights, share
from agents.nearness import ask, speaks
from rag.catalogue import exists
from rag.embeddings import load_embedder
from rag.passages import Hit
from rag.pool import Pool, open_pool
from rag.store import Collection
from workbench.language import OPENING, language_of, localized, words
from workbench.settings import Settings

SHORTEST = 4  # words of a line that has the form of a question
MOST_SAMPLES = 2_000


@dataclass(frozen=True)
class DocumentsAsset:
    """The passages of the chosen collections, found by their words and by their meaning."""

    settings: Settings
    pool: Pool

    @property
    def size(self) -> int:
        return self.pool.size

    def held(self, word: str) -> int:
        return self.pool.held(word)

    def knows(self, question: str) -> bool:
        return False  # a document has answers, not questions

    @property
    def state(self) -> str:
        states = [f"{one.name} {one.created} {one.revision}" for one in self._lasting()]
        return ", ".join(states)

    def samples(self) -> Sequence[str]:
        """Lines of the passages; a sentence each, or a heading."""
        found: list[str] = []
        for collection in self._lasting():
            for _, text in collection.texts():
                found += [line for line in text.splitlines() if len(words(line)) >= SHORTEST]
                if len(found) > MOST_SAMPLES:
                    return found
        return found

    def _lasting(self) -> Sequence[Collection]:
        """The collections that a person chose; what is learned need not follow each attachment."""
        chosen = [one for one in self.pool.collections if not one.name.startswith(".")]
        return chosen or self.pool.collections

    def best(self, question: str, weights: Weights) -> Match:
        """The passage with most of the question's words, and how near those in other languages are.

        Where the best passage is in another language, words say nothing, and its relevance above
        the floor counts if higher. What was retrieved goes with the match, so that the documents
        agent does not search again.
        """
        language = language_of(question)
        found = search(question, self.settings)
        if not found.hits:
            reason = localized(language, "the documents do not speak of it", "文档中没有提到")
            return Match(0.0, reason, found)
        best_share, best_hit = -1.0, found.hits[0]
        for hit in found.hits[:FEWEST]:
            explained = share(set(words(hit.passage.text)), weights)
            if explained > best_share:
                best_share, best_hit = explained, hit
        name = Path(best_hit.passage.source).name
        reason = localized(language, f"{name} speaks of it", f"{name} 中提到了相关内容")
        return Match(best_share, reason, found, self._nearness(question, found.hits))

    def _nearness(self, question: str, hits: Sequence[Hit]) -> dict[str, float]:
        """Another language -> how much nearer its best passage is than everyday sentences are."""
        spreads = self.pool.learned.spreads
        counts = {written: spread.passages for written, spread in spreads.items()}
        if speaks(language_of(question), counts):
            return {}
        embedder = load_embedder(self.pool.embedder, self.settings)
        best: dict[str, float] = {}
        for hit in hits:
            written = language_of(hit.passage.text[:OPENING])
            best[written] = max(best.get(written, -1.0), hit.dense)
        near: dict[str, float] = {}
        for written, cosine in best.items():
            spread = spreads.get(written)
            asked = ask(question, written, embedder, spread.crossing if spread else None)
            if asked is not None:
                near[written] = cosine - asked.usual
        return near


def find_documents(settings: Settings) -> DocumentsAsset | None:
    """The chosen collections, or None where none exists or has a passage.

    Raises NotFound where one of several is missing.
    """
    # the catalogue first: opening a collection loads Chroma, which takes a second
    names = searched(settings)
    if not any(exists(settings, name) for name in names):
        return None
    pool = open_pool(settings, names)
    return DocumentsAsset(settings, pool) if pool.size else None

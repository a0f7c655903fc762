"""The chosen collection as an asset: how much of a question its passages explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.documents.search import FEWEST, search
from agents.evidence import Match, Weights, share
from rag.catalogue import Catalogue
from rag.lexical import LexicalIndex
from rag.retriever import lexical_index
from rag.store import open_collection
from workbench.language import language_of, localized, words
from workbench.settings import Settings

SHORTEST = 4  # words of a line that has the form of a question
MOST_SAMPLES = 2_000


@dataclass(frozen=True)
class DocumentsAsset:
    """The passages of the chosen collection, found by their words and by their meaning."""

    settings: Settings
    index: LexicalIndex

    @property
    def size(self) -> int:
        return len(self.index.ids)

    def held(self, word: str) -> int:
        return self.index.held(word)

    def knows(self, question: str) -> bool:
        return False  # a document has answers, not questions

    @property
    def state(self) -> str:
        collection = open_collection(self.settings, self.settings.collection)
        return f"{collection.name} {collection.created} {collection.revision}"

    def samples(self) -> Sequence[str]:
        """Lines of the passages; a sentence each, or a heading."""
        found: list[str] = []
        for _, text in open_collection(self.settings, self.settings.collection).texts():
            found += [line for line in text.splitlines() if len(words(line)) >= SHORTEST]
            if len(found) > MOST_SAMPLES:
                break
        return found

    def best(self, question: str, weights: Weights) -> Match:
        """The passage with most of the question's words; the calibrated score counts if higher.

        What was retrieved goes with the match, so that the documents agent does not search again.
        """
        language = language_of(question)
        found = search(question, self.settings)
        if not found.relevant:
            reason = localized(language, "the documents do not speak of it", "文档中没有提到")
            return Match(0.0, reason, found)
        best_share, best_hit = -1.0, found.hits[0]
        for hit in found.hits[:FEWEST]:
            explained = share(set(words(hit.passage.text)), weights)
            if explained > best_share:
                best_share, best_hit = explained, hit
        score = max(best_share, found.hits[0].score)
        name = Path(best_hit.passage.source).name
        reason = localized(language, f"{name} speaks of it", f"{name} 中提到了相关内容")
        return Match(score, reason, found)


def find_documents(settings: Settings) -> DocumentsAsset | None:
    """The chosen collection, or None where it is missing or empty."""
    # the catalogue first: opening a collection loads Chroma, which takes a second
    if settings.collection not in Catalogue(settings.folder() / "index.db").names():
        return None
    index = lexical_index(open_collection(settings, settings.collection))
    return DocumentsAsset(settings, index) if len(index.ids) else None

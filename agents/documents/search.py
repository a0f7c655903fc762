"""A text -> the passages of the chosen collection, retrieved once and handed on."""

from __future__ import annotations

from dataclasses import dataclass

from rag.passages import Hit
from rag.retriever import retrieve
from rag.store import Collection, open_collection
from workbench.settings import Settings

FEWEST = 4  # passages read for evidence, also where fewer are put before the model


@dataclass(frozen=True)
class Retrieved:
    """What one search found: `hits` best first, for `text`, in `collection`."""

    text: str
    collection: Collection
    hits: list[Hit]

    @property
    def relevant(self) -> bool:
        """Whether the collection speaks of the text at all."""
        return any(hit.relevant for hit in self.hits)


def search(text: str, settings: Settings) -> Retrieved:
    """Search the chosen collection. Raises NotFound where it is missing."""
    collection = open_collection(settings, settings.collection)
    count = max(FEWEST, settings.passages)
    return Retrieved(text, collection, retrieve(text, collection, settings, count))


def warm_search(settings: Settings) -> None:
    """Load the collection's index and its embedder, which the first search would wait for."""
    search("warm", settings)

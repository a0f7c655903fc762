"""A text -> the passages of the chosen collections, retrieved once and handed on."""

from __future__ import annotations

from dataclasses import dataclass

from rag.passages import Hit
from rag.pool import Pool, open_pool
from workbench.settings import Settings

FEWEST = 4  # passages read for evidence, also where fewer are put before the model


@dataclass(frozen=True)
class Retrieved:
    """What one search found: `hits` best first, for `text`, in the collections of `pool`."""

    text: str
    pool: Pool
    hits: list[Hit]

    @property
    def relevant(self) -> bool:
        """Whether the collections speak of the text at all."""
        return any(hit.relevant for hit in self.hits)


def search(text: str, settings: Settings) -> Retrieved:
    """Search the chosen collections. Raises NotFound where one is missing."""
    pool = open_pool(settings, settings.collections)
    count = max(FEWEST, settings.passages)
    return Retrieved(text, pool, pool.retrieve(text, settings, count))


def warm_search(settings: Settings) -> None:
    """Load the collections' indexes and embedders, which the first search would wait for."""
    search("warm", settings)

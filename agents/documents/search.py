"""A text -> the passages of the chosen collections, retrieved once and handed on."""

from __future__ import annotations

from dataclasses import dataclass

from rag.catalogue import exists
from rag.passages import Hit
from rag.pool import Pool, open_pool
from workbench.settings import Settings
from workbench.tracing import span

FEWEST = 4  # passages read for evidence, also where fewer are put before the model


@dataclass(frozen=True)
class Retrieved:
    """What one search found: `hits` best first, for `text`, in the collections of `pool`.

    `attached` says that they are of the files that came with the question, which lead.
    """

    text: str
    pool: Pool
    hits: list[Hit]
    attached: bool = False

    @property
    def relevant(self) -> bool:
        """Whether the collections speak of the text at all."""
        return any(hit.relevant for hit in self.hits)


def search(text: str, settings: Settings) -> Retrieved:
    """Search chosen collections and attached files. Raises NotFound where one is missing."""
    names = searched(settings)
    with span("retrieve", collections=len(names)) as seen:
        pool = open_pool(settings, names)
        count = max(FEWEST, settings.passages)
        hits = pool.retrieve(text, settings, count)
        seen.set(passages=len(hits), relevant=sum(hit.relevant for hit in hits))
    return Retrieved(text, pool, hits)


def searched(settings: Settings) -> list[str]:
    """The names of the collections to search.

    Beside attached files, a chosen collection may be missing: they are enough to answer from.
    """
    if not settings.attached:
        return settings.collections
    # the catalogue first: opening a collection loads Chroma, which takes a second
    if not exists(settings, settings.attached):
        return settings.collections
    names = [settings.attached, *settings.collections]
    return [name for name in names if exists(settings, name)]

"""The nouns of retrieval: what a reader gives, what an index holds, what a search returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Locator:
    """Where a text stands in its file. `page` and `line` count from 1; `heading` is the path of headings."""

    page: int | None = None
    sheet: str = ""
    heading: tuple[str, ...] = ()
    line: int | None = None

    def __str__(self) -> str:
        parts = [
            f"p. {self.page}" if self.page else "",
            self.sheet,
            " › ".join(self.heading),
            f"line {self.line}" if self.line else "",
        ]
        return " · ".join(part for part in parts if part)


@dataclass(frozen=True)
class Block:
    """A run of text that a loader read, with its place: a paragraph, a table row, a page, a cell."""

    text: str
    locator: Locator = Locator()


@dataclass(frozen=True)
class Passage:
    """A piece of one document, as it is indexed. `position` counts from 0 within its document (`source`)."""

    id: str
    text: str
    source: str
    position: int
    locator: Locator = Locator()
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hit:
    """A passage found. `dense` is the cosine similarity, `lexical` the BM25 score, `score` the fused one in [0, 1].

    `relevant` is false where the score is under the collection's floor: it is the best there is, but no answer.
    """

    passage: Passage
    score: float
    dense: float
    lexical: float
    relevant: bool = True

"""The nouns of retrieval: what a reader gives, what an index stores, what a search returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Locator:
    """The place of a text in its file. `page` and `line` count from 1; `heading` is a path."""

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

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Locator:
        """The inverse of `dataclasses.asdict`, also after JSON has made the tuple a list."""
        heading = tuple(data["heading"])
        return cls(page=data["page"], sheet=data["sheet"], heading=heading, line=data["line"])


@dataclass(frozen=True)
class Block:
    """A run of text that a loader read, with its place: a paragraph, a table row, a cell."""

    text: str
    locator: Locator = Locator()


@dataclass(frozen=True)
class Passage:
    """A piece of one document, as the index has it.

    `source` is the document's path; `position` counts from 0 within the document.
    """

    id: str
    text: str
    source: str
    position: int
    locator: Locator = Locator()


@dataclass(frozen=True)
class Document:
    """One file as the collection knows it.

    `state` is indexed, empty or failed; `size` is in bytes, `modified` in nanoseconds.
    """

    source: str
    sha256: str
    size: int
    modified: int
    state: str
    problem: str = ""
    fix: str = ""
    passages: int = 0


@dataclass(frozen=True)
class Hit:
    """A passage found. `dense` is the cosine similarity, `lexical` the BM25 score.

    `score` is the fused score, which sets the order: in [0, 1], or a little outside where the
    passage's language is not the question's. `relevance` in [0, 1] says how
    surely the passage is an answer, .5 at the floor of the collection; `relevant` is false under
    it: then the passage is the nearest one, but no answer. `collection` is the name of the one that
    it was found in.
    """

    passage: Passage
    score: float
    dense: float
    lexical: float
    relevant: bool = True
    collection: str = ""
    relevance: float = 1.0

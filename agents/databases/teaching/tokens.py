"""The parts that a question is read as; marks stand for its numbers, days and searched words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

Item = tuple[str, str]  # (table, column), or (table, "")

MARKS = {"number": "N", "day": "D", "month": "M", "text": "T"}
MARK = re.compile(r"\b[NDMT]\d\b")


@dataclass(frozen=True)
class Token:
    """A part of a question. `kind` is meaning, name, value, number, day, month, text or unknown.

    `said` is how the question has it, `plain` what the writer is told. `meaning` is the row of the
    word tables, a value as the database has it, or a mark's content; `items` are what a name means.
    """

    kind: str
    said: str
    plain: str
    meaning: str = ""
    items: frozenset[Item] = frozenset()
    start: int = 0


@dataclass(frozen=True)
class Reading:
    """The parts of one question in their order, without those that change nothing."""

    tokens: tuple[Token, ...]
    language: str = "en"

    @cached_property
    def plain(self) -> str:
        return " ".join(token.plain for token in self.tokens)

    @property
    def unknown(self) -> list[str]:
        return [token.said for token in self.tokens if token.kind == "unknown"]

    @cached_property
    def marks(self) -> Mapping[str, str]:
        """Mark -> what stands for it: N1 -> 500."""
        return {token.plain: token.meaning for token in self.tokens if token.kind in MARKS}

    def of(self, kind: str) -> list[Token]:
        return [token for token in self.tokens if token.kind == kind]

    def said(self, meaning: str) -> str:
        """How the question says that meaning, or nothing."""
        for token in self.tokens:
            if token.kind == "meaning" and token.meaning == meaning:
                return token.said
        return ""


def fill(sql: str, marks: Mapping[str, str]) -> str:
    """A query with the contents of its marks; a quotation mark in them is doubled."""

    def content(mark: re.Match[str]) -> str:
        return marks.get(mark[0], mark[0]).replace("'", "''")

    return MARK.sub(content, sql)

"""A query with names that are not there -> the same query with the nearest real ones."""

from __future__ import annotations

from agents.data.schema import Schema


class Mender:
    def __init__(self, schema: Schema) -> None:
        self.changes: list[str] = []

    def mend(self, sql: str) -> str:
        return sql

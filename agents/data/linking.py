"""A question and a schema -> the tables and columns that go into the prompt."""

from __future__ import annotations

from dataclasses import dataclass

from agents.data.schema import Schema
from workbench.settings import Settings


@dataclass(frozen=True)
class Linked:
    """`schema` holds what was kept. `whole` says that nothing was left out, `spans` whether question and schema meet."""

    schema: Schema
    whole: bool
    spans: bool = True


def link(question: str, schema: Schema, settings: Settings) -> Linked:
    return Linked(schema, True)

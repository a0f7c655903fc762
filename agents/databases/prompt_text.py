"""Schema and verified pairs -> the text that a prompt shows of them."""

from __future__ import annotations

from collections.abc import Sequence

from agents.databases.schema import Column, Schema, TableSchema
from workbench.language import words

SAMPLES = 3  # values shown of a column


def describe_schema(schema: Schema) -> str:
    """Tables as text: one line a column with type, meaning and a few values; keys below."""
    return "\n\n".join(_describe_table(table) for table in schema.tables)


def _describe_table(table: TableSchema) -> str:
    lines = [table.name + _meaning(table)]
    for column in table.columns:
        lines.append(_describe_column(column))
    for key in table.foreign_keys:
        lines.append(f"  {key.column} = {key.other_table}.{key.other_column}")
    return "\n".join(lines)


def _describe_column(column: Column) -> str:
    line = f"  {column.name} {column.type}"
    if column.primary:
        line += " key"
    line += _meaning(column)
    values = [repr(sample) for sample in column.samples[:SAMPLES]]
    if values:
        line += f"  e.g. {', '.join(values)}"
    return line


def _meaning(item: TableSchema | Column) -> str:
    """Comment, description and synonyms, each on one line, behind a dash."""
    texts = [item.comment, item.description, ", ".join(item.synonyms)]
    known = [" ".join(text.split()) for text in texts if text]
    return f" -- {'; '.join(known)}" if known else ""


def nearest_pairs(question: str, pairs: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The pairs that share words with the question, the most alike first."""
    scored = [(alike(question, pair["question"]), pair) for pair in pairs]
    scored.sort(key=lambda item: -item[0])
    return [pair for score, pair in scored if score > 0]


def alike(one: str, other: str) -> float:
    """Share of the words of both questions that they have in common, in [0, 1]."""
    left = set(words(one))
    right = set(words(other))
    if not left | right:
        return 0.0
    return len(left & right) / len(left | right)

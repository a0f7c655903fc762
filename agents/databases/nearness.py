"""A question and a schema -> how near in meaning each column and each table is to the question.

The whole question is compared with each column, its table and a few of its values. Where question
and schema have no language in common, no word of one is a word of the other: there each word of the
question is compared with each name as well, as a translation of it would be near.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.databases.naming import spaced
from agents.databases.schema import Column, Schema, TableSchema
from agents.databases.vectors import vectors_of
from rag.embeddings import Embedder
from workbench.language import words

# Chosen on chase and spider (benchmarks/linking.py): what a column of one standard deviation above
# the schema's mean gains. A name of which all words match gains 1.
BY_QUESTION = 0.1
BY_WORDS = 0.15
TABLE_BY_WORDS = 0.075
VALUES = 3  # of a column that its text shows
MOST_WORDS = 120  # of a question, the last ones: each is embedded


@dataclass(frozen=True)
class Nearness:
    """float (columns,) and float (tables,), in the schema's order; 0 is the mean of the schema."""

    columns: np.ndarray
    tables: np.ndarray


def nearness(
    question: str,
    schema: Schema,
    embedder: Embedder,
    foreign: bool,
    folder: Path | None = None,
) -> Nearness:
    """How near each is. `foreign`: question and schema have no language in common.

    The schema's vectors are kept in `folder`. Raises WorkbenchError where embedding fails.
    """
    described, columns, tables = _vectors(schema, embedder, folder)
    asked = embedder.embed([question], "query")[0]
    by_question = BY_QUESTION * _standard(described @ asked)
    spoken = words(question)[-MOST_WORDS:]
    if not foreign or not spoken:
        return Nearness(by_question, np.zeros(len(tables), np.float32))
    named = _nearest_words(embedder.embed(spoken, "query"), np.vstack([columns, tables]))
    of_columns, of_tables = named[: len(columns)], named[len(columns) :]
    return Nearness(by_question + BY_WORDS * of_columns, TABLE_BY_WORDS * of_tables)


def described_columns(
    schema: Schema, embedder: Embedder, folder: Path
) -> tuple[tuple[str, ...], np.ndarray]:
    """The columns as texts, and their vectors, float (columns, dimension), kept in `folder`."""
    described = [_describe(table, column) for table in schema.tables for column in table.columns]
    vectors, _, _ = _vectors(schema, embedder, folder)
    return tuple(described), vectors


def _vectors(
    schema: Schema, embedder: Embedder, folder: Path | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors of the described columns, of the columns' names and of the tables' names."""
    described: list[str] = []
    names: list[str] = []
    for table in schema.tables:
        for column in table.columns:
            described.append(_describe(table, column))
            names.append(names_of(column))
    names += [names_of(table) for table in schema.tables]
    once = tuple(dict.fromkeys([*described, *names]))  # most tables have an id
    place = {text: row for row, text in enumerate(once)}
    vectors = vectors_of(once, embedder, folder)
    of_described = vectors[[place[text] for text in described]]
    of_names = vectors[[place[text] for text in names]]
    return of_described, of_names[: len(described)], of_names[len(described) :]


def _nearest_words(spoken: np.ndarray, names: np.ndarray) -> np.ndarray:
    """float (names,): how near each name's nearest word is, from (words or names, dimension).

    Some names and some words are near to everything: what each is on average is taken away.
    """
    cosines = spoken @ names.T
    by_name = cosines.mean(axis=0, keepdims=True)
    by_word = cosines.mean(axis=1, keepdims=True)
    return _standard((cosines - by_name - by_word).max(axis=0))


def _standard(scores: np.ndarray) -> np.ndarray:
    """The scores as standard deviations above their mean: cosines of embedders differ in spread."""
    spread = float(scores.std())
    return (scores - scores.mean()) / (spread or 1.0)


def names_of(item: TableSchema | Column) -> str:
    """All that a table or column is called, in one text."""
    texts = [spaced(item.name), item.comment, item.description, *item.synonyms]
    return " ".join(text for text in texts if text)


def _describe(table: TableSchema, column: Column) -> str:
    text = f"{spaced(table.name)}: {names_of(column)}"
    values = ", ".join(column.samples[:VALUES])
    return f"{text} ({values})" if values else text

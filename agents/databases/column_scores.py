"""A question and a schema -> a score for each column: how much the question is about it.

Words are counted from both sides: how much of the question a column's text matches, and how much of
the column's name the question holds. Meaning is added to them, where an embedder has compared it
(`nearness.py`). A column also gains from its table, from being what a row is called by, and from
being a key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log1p

import numpy as np

from agents.databases.naming import CALLED_BY, pieces, spaced
from agents.databases.nearness import Nearness, names_of
from agents.databases.schema import Column, Schema, TableSchema
from rag.lexical import LexicalIndex

# The weights were chosen on chase and spider (benchmarks/linking.py).
FROM_TABLE = 0.6  # what a column gains from its table
NAMING = 0.25  # what a column gains that a row is called by
KEY = 0.12  # what a primary or foreign key gains
BEST = 3  # columns that speak for their table
NEIGHBOUR = 0.1  # what a table gains from the best table that a key joins it with
LESSER = 0.03  # what a column loses for each better one of its table


def column_scores(question: str, schema: Schema, near: Nearness | None) -> np.ndarray:
    """float (columns,): how much the question is about each, in the schema's order.

    Without `near` the words alone count.
    """
    own = _by_words(question, schema)
    of_tables = _named(question, [names_of(table) for table in schema.tables])
    if near is not None:
        own = own + near.columns
        of_tables = of_tables + near.tables
    scores: list[float] = []
    start = 0
    for table, of_table in zip(schema.tables, of_tables, strict=True):
        scored = own[start : start + len(table.columns)]
        start += len(table.columns)
        about = float(of_table) + _best_mean(scored)
        keys = _keys(table)
        for column, score in zip(table.columns, scored, strict=True):
            total = float(score) + FROM_TABLE * about
            if CALLED_BY.search(column.name):
                total += NAMING
            if column.name in keys:
                total += KEY
            scores.append(total)
    return _spread(schema, np.array(scores, np.float32))


def _by_words(question: str, schema: Schema) -> np.ndarray:
    """float (columns,): what the words of a column's own text and name say, without its table."""
    texts: list[str] = []
    names: list[str] = []
    for table in schema.tables:
        for column in table.columns:
            texts.append(_text(table, column))
            names.append(names_of(column))
    index = LexicalIndex.build((str(number), text) for number, text in enumerate(texts))
    return np.maximum(index.coverage(question), _named(question, names))


def _spread(schema: Schema, scores: np.ndarray) -> np.ndarray:
    """The scores after neighbouring tables shared theirs and a table's lesser columns fell back.

    A join leads through tables that the question hardly names, and twelve columns of one table
    help less than two of each.
    """
    if not len(scores):
        return scores
    ends = np.cumsum([len(table.columns) for table in schema.tables])
    parts = np.split(scores, ends[:-1])
    gains = _from_neighbours(schema, parts)
    spread = []
    for table, part in zip(schema.tables, parts, strict=True):
        rank = np.argsort(np.argsort(-part, kind="stable"))
        spread.append(part + NEIGHBOUR * gains.get(table.name, 0.0) - LESSER * rank)
    return np.concatenate(spread)


def _from_neighbours(schema: Schema, parts: Sequence[np.ndarray]) -> dict[str, float]:
    """Table -> the score of the best table that a foreign key joins it with, either way."""
    best: dict[str, float] = {}
    for table, part in zip(schema.tables, parts, strict=True):
        if len(part):
            best[table.name] = _best_mean(part)
    gains = dict.fromkeys(best, 0.0)
    for table in schema.tables:
        for key in table.foreign_keys:
            if key.other_table in best and table.name in best:
                gains[table.name] = max(gains[table.name], best[key.other_table])
                gains[key.other_table] = max(gains[key.other_table], best[table.name])
    return gains


def _best_mean(scores: np.ndarray) -> float:
    """Mean of the best few; 0 where there are none."""
    best = np.sort(scores)[::-1][:BEST]
    return float(best.mean()) if len(best) else 0.0


def _named(question: str, names: Sequence[str]) -> np.ndarray:
    """float (names,): the share of each name, by rarity of its pieces, that the question holds."""
    asked = set(pieces(question))
    parts = [pieces(name) for name in names]
    held = Counter(piece for found in parts for piece in set(found))
    shares = []
    for found in parts:
        total = 0.0
        known = 0.0
        for piece in found:
            rarity = log1p(len(names) / held[piece])
            total += rarity
            if piece in asked:
                known += rarity
        shares.append(known / (total or 1.0))
    return np.array(shares, np.float32)


def _keys(table: TableSchema) -> set[str]:
    primary = {column.name for column in table.columns if column.primary}
    return primary | {key.column for key in table.foreign_keys}


def _text(table: TableSchema, column: Column) -> str:
    return " ".join([names_of(column), spaced(table.name), *column.samples])

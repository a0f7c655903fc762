"""A question and a schema -> the tables and columns for the prompt, of a schema too large for it.

A small schema goes in whole. Of a larger one the columns with the best scores are kept
(`column_scores.py`), and the keys that join their tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from agents.databases.column_scores import column_scores, names_of
from agents.databases.prompt_text import describe_schema
from agents.databases.schema import Schema
from agents.databases.spanning import spanning_embedder
from rag.embeddings import load_embedder
from workbench.language import CJK, language_of, tokens
from workbench.settings import Settings

WHOLE_UP_TO = 39  # columns of a schema that goes into the prompt whole
KEPT = 0.4  # share of the columns of a larger one
PROMPT_SHARE = 0.5  # of the context, for the schema
LETTERS = {"zh": re.compile(f"[{CJK}]"), "en": re.compile("[a-zA-Z]{3}")}

Place = tuple[str, str]  # (table, column)


@dataclass(frozen=True)
class Linked:
    """`schema` is what was kept. `whole`: nothing was left out.

    `spans`: the question shares a language with the schema, or the embedder spans both.
    """

    schema: Schema
    whole: bool
    spans: bool = True


def link(question: str, schema: Schema, settings: Settings) -> Linked:
    """The whole of a small schema; of a larger one what the question is about, with its keys."""
    room = int(settings.context_tokens * PROMPT_SHARE)
    shared = _shares_language(question, schema)
    if schema.column_count() <= WHOLE_UP_TO and tokens(describe_schema(schema)) <= room:
        return Linked(schema, True, shared)
    if shared:
        embedder = load_embedder(settings.embedder, settings)
    else:
        spanning = spanning_embedder(settings)
        if spanning is None:
            fitting = _fit(schema, room)
            return Linked(fitting, fitting.column_count() == schema.column_count(), False)
        embedder = spanning
    scores = column_scores(question, schema, embedder)
    kept = _keep(schema, scores, int(KEPT * schema.column_count()))
    return Linked(_fit(kept, room), False)


def _shares_language(question: str, schema: Schema) -> bool:
    """Whether at least half of the columns are named or described in the question's script."""
    letters = LETTERS[language_of(question)]
    columns = [column for table in schema.tables for column in table.columns]
    written = [column for column in columns if letters.search(names_of(column))]
    return 2 * len(written) >= len(columns)


def _keep(schema: Schema, scores: np.ndarray, count: int) -> Schema:
    """The best columns, and the keys that join their tables; at most `count` columns."""
    places = [(table.name, column.name) for table in schema.tables for column in table.columns]
    kept: set[Place] = set()
    for row in np.argsort(-scores, kind="stable"):
        place = places[row]
        if place in kept:
            continue
        tables = {table for table, _ in kept}
        added = {place, *_joins(schema, place[0], tables)} - kept
        # a column whose keys do not fit is passed over; a later one may need none
        if len(kept) + len(added) <= count:
            kept |= added
    return select(schema, kept)


def _joins(schema: Schema, table: str, others: set[str]) -> list[Place]:
    """Both ends of the foreign keys between a newly kept table and those kept already."""
    if table in others:
        return []
    found: list[Place] = []
    for here in schema.tables:
        for key in here.foreign_keys:
            ends = {here.name, key.other_table}
            if table in ends and ends - {table} <= others:
                found.append((here.name, key.column))
                found.append((key.other_table, key.other_column))
    return found


def select(schema: Schema, wanted: set[Place]) -> Schema:
    """The schema with only these columns, and the foreign keys whose both ends stay."""
    tables = []
    for table in schema.tables:
        columns = [column for column in table.columns if (table.name, column.name) in wanted]
        keys = []
        for key in table.foreign_keys:
            ends = {(table.name, key.column), (key.other_table, key.other_column)}
            if ends <= wanted:
                keys.append(key)
        if columns:
            tables.append(replace(table, columns=tuple(columns), foreign_keys=tuple(keys)))
    return replace(schema, tables=tuple(tables))


def _fit(schema: Schema, room: int) -> Schema:
    """As much of a schema as `room` tokens take: first without samples, then the first tables."""
    if tokens(describe_schema(schema)) <= room:
        return schema
    bare = []
    for table in schema.tables:
        columns = [replace(column, samples=()) for column in table.columns]
        bare.append(replace(table, columns=tuple(columns)))
    for count in range(len(bare), 0, -1):
        shorter = replace(schema, tables=tuple(bare[:count]))
        if tokens(describe_schema(shorter)) <= room:
            return shorter
    return replace(schema, tables=tuple(bare[:1]))

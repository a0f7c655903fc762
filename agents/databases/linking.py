"""A question and a schema -> the tables and columns for the prompt, of a schema too large for it.

A small schema goes in whole. Of a larger one the columns with the best scores are kept
(`column_scores.py`), and the keys that join their tables.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agents.databases.column_scores import column_scores
from agents.databases.nearness import Nearness, described_columns, names_of, nearness
from agents.databases.prompt_text import describe_schema
from agents.databases.schema import Schema
from agents.databases.spanning import spans
from rag.embeddings import Embedder, load_embedder
from workbench.errors import WorkbenchError
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


def link(question: str, schema: Schema, settings: Settings, folder: Path | None = None) -> Linked:
    """The whole of a small schema; of a larger one what the question is about, with its keys.

    The schema's vectors are kept in `folder`, the source's own.
    """
    if _is_small(schema) and tokens(describe_schema(schema)) <= _room(settings):
        return Linked(schema, True, _shares_language(question, schema))
    return narrow(question, schema, settings, folder)


def narrow(
    question: str,
    schema: Schema,
    settings: Settings,
    folder: Path | None = None,
    share: float = KEPT,
) -> Linked:
    """The best columns for the question, at most that share of all, however small the schema is."""
    foreign = not _shares_language(question, schema)
    near = _near(question, schema, settings, foreign, folder)
    if near is None and foreign:
        fitting = _fit(schema, _room(settings))
        return Linked(fitting, fitting.column_count() == schema.column_count(), False)
    scores = column_scores(question, schema, near)
    kept = _keep(schema, scores, int(share * schema.column_count()))
    return Linked(_fit(kept, _room(settings)), False)


def _room(settings: Settings) -> int:
    """Tokens that the schema may take of a prompt."""
    return int(settings.context_tokens * PROMPT_SHARE)


def prepare_linking(schema: Schema, settings: Settings, folder: Path) -> None:
    """Embed a large schema, which the first question would wait for."""
    if _is_small(schema):
        return
    with suppress(WorkbenchError):  # without an embedder the words alone count
        described_columns(schema, load_embedder(settings.embedder, settings), folder)


def _is_small(schema: Schema) -> bool:
    return schema.column_count() <= WHOLE_UP_TO


def _near(
    question: str, schema: Schema, settings: Settings, foreign: bool, folder: Path | None
) -> Nearness | None:
    """How near the schema is in meaning; None without an embedder that knows the languages."""
    try:
        embedder = load_embedder(settings.embedder, settings)
        if not _knows(embedder, question, foreign):
            return None
        return nearness(question, schema, embedder, foreign, folder)
    except WorkbenchError:  # the words alone count
        return None


def _knows(embedder: Embedder, question: str, foreign: bool) -> bool:
    """Whether the embedder knows the question's language and the schema's.

    Each knows English; one that knows Chinese puts translations together.
    """
    return (language_of(question) == "en" and not foreign) or spans(embedder)


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

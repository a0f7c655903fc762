"""A question and a schema -> the tables and columns that go into the prompt, for a schema too large to give whole.

The same fusion as for passages: a column's meaning (cosine, where the embedder spans both languages) and its words, each
on a scale that needs no other column. Words are counted from both sides: how much of the question a column's text
matches, and how much of the column's name the question holds. A column also gains from its table, from being what a row
is called by, and from being a key between tables that are kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log1p

import numpy as np

from agents.databases.prompt_text import describe_schema
from agents.databases.schema import Column, Schema, Table
from rag.embeddings import Embedder, load_embedder
from rag.fusion import fuse
from rag.lexical import LexicalIndex
from workbench.language import CJK, language_of, tokens, words
from workbench.settings import Settings

WHOLE_UP_TO = 39  # columns of a schema that goes into the prompt whole
KEPT = 0.4  # share of the columns of a larger one
PROMPT_SHARE = 0.5  # of the context, for the schema
DENSE = 0.3  # weight of meaning where the embedder spans both languages
FROM_TABLE, NAMING, KEY = (
    0.6,
    0.25,
    0.12,
)  # what a column gains from its table, from naming a row, from being a key
NEIGHBOUR, LESSER = (
    0.1,
    0.03,
)  # what a table gains from the best beside it, and a column loses for each before it
KEPT_VECTORS = 8  # schemas
VECTORS: dict[int, np.ndarray] = {}
CALLED_BY = re.compile(r"(^|_)(name|title)s?$|名称?$|姓名|标题|题目", re.I)
TRANSLATIONS = (
    ("student", "学生"),
    ("teacher age", "教师年龄"),
    ("order price", "订单价格"),
    ("city population", "城市人口"),
    ("song name", "歌曲名称"),
    ("hospital", "医院"),
    ("release year", "发行年份"),
    ("airline flight", "航空公司航班"),
)


@dataclass(frozen=True)
class Linked:
    """`schema` holds what was kept. `whole` says that nothing was left out, `spans` whether question and schema meet."""

    schema: Schema
    whole: bool
    spans: bool = True


def link(question: str, schema: Schema, settings: Settings) -> Linked:
    """The whole of a small schema; of a larger one what the question speaks of, and the keys between."""
    room = int(settings.context_tokens * PROMPT_SHARE)
    meets = _meets(question, schema)
    if schema.column_count() <= WHOLE_UP_TO and tokens(describe_schema(schema)) <= room:
        return Linked(schema, True, meets)
    embedder = _spanning(settings) if not meets else load_embedder(settings.embedder, settings)
    if not meets and embedder is None:
        fitting = _fit(schema, room)
        return Linked(fitting, fitting.column_count() == schema.column_count(), False)
    kept = _keep(
        schema, column_scores(question, schema, embedder), int(KEPT * schema.column_count())
    )
    return Linked(_fit(kept, room), False)


def column_scores(question: str, schema: Schema, embedder: Embedder | None) -> np.ndarray:
    """float (columns,): how much the question is about each, in the schema's order."""
    texts = [_text(table, column) for table in schema.tables for column in table.columns]
    lexical = LexicalIndex.build((str(number), text) for number, text in enumerate(texts)).coverage(
        question
    )
    named = _named(
        question, [_names(column) for table in schema.tables for column in table.columns]
    )
    own = np.maximum(lexical, named)
    if embedder is not None:
        own = fuse(_vectors(texts, embedder) @ embedder.embed([question], "query")[0], own, DENSE)
    tables = _named(question, [_names(table) for table in schema.tables])
    scores: list[float] = []
    start = 0
    for table, table_score in zip(schema.tables, tables, strict=True):
        scored = own[start : start + len(table.columns)]
        start += len(table.columns)
        best = np.sort(scored)[::-1][:3]
        about = float(table_score) + float(best.mean() if len(best) else 0)
        keys = {key.column for key in table.foreign_keys} | {
            column.name for column in table.columns if column.primary
        }
        for column, score in zip(table.columns, scored, strict=True):
            scores.append(
                float(score)
                + FROM_TABLE * about
                + NAMING * bool(CALLED_BY.search(column.name))
                + KEY * (column.name in keys)
            )
    return _spread(schema, np.array(scores, np.float32))


def _spread(schema: Schema, scores: np.ndarray) -> np.ndarray:
    """The scores with a share of what speaks for a table given to its neighbours, and its lesser columns behind theirs.

    A join leads through tables that the question hardly names; twelve columns of one table help less than two of each.
    """
    ends = np.cumsum([len(table.columns) for table in schema.tables])
    parts = np.split(scores, ends[:-1])
    best = {
        table.name: float(np.sort(part)[::-1][:3].mean())
        for table, part in zip(schema.tables, parts, strict=True)
        if len(part)
    }
    beside = dict.fromkeys(best, 0.0)
    for table in schema.tables:
        for key in table.foreign_keys:
            if key.other_table in best and table.name in best:
                beside[table.name] = max(beside[table.name], best[key.other_table])
                beside[key.other_table] = max(beside[key.other_table], best[table.name])
    spread = [
        part
        + NEIGHBOUR * beside.get(table.name, 0.0)
        - LESSER * np.argsort(np.argsort(-part, kind="stable"))
        for table, part in zip(schema.tables, parts, strict=True)
    ]
    return np.concatenate(spread) if spread else scores


def _keep(schema: Schema, scores: np.ndarray, count: int) -> Schema:
    """The best columns, and the keys that join their tables; at most `count`."""
    places = [(table.name, column.name) for table in schema.tables for column in table.columns]
    ranked = [places[row] for row in np.argsort(-scores, kind="stable")]
    wanted: dict[tuple[str, str], None] = {}
    for place in ranked:
        if place in wanted:
            continue
        added = [
            place,
            *(
                key
                for key in _joins(schema, place[0], {table for table, _ in wanted})
                if key not in wanted
            ),
        ]
        if len(wanted) + len(added) > count:
            continue
        wanted.update(dict.fromkeys(added))
    return select(schema, set(wanted))


def _joins(schema: Schema, table: str, others: set[str]) -> list[tuple[str, str]]:
    """Both ends of the foreign keys between a table that is newly kept and those kept already."""
    found = []
    if table in others:
        return []
    for here in schema.tables:
        for key in here.foreign_keys:
            ends = {here.name, key.other_table}
            if table in ends and ends - {table} <= others:
                found += [(here.name, key.column), (key.other_table, key.other_column)]
    return list(dict.fromkeys(found))


def select(schema: Schema, wanted: set[tuple[str, str]]) -> Schema:
    """The schema with only these (table, column), and the keys whose both ends stay."""
    tables = []
    for table in schema.tables:
        columns = tuple(column for column in table.columns if (table.name, column.name) in wanted)
        keys = tuple(
            key
            for key in table.foreign_keys
            if (table.name, key.column) in wanted and (key.other_table, key.other_column) in wanted
        )
        if columns:
            tables.append(replace(table, columns=columns, foreign_keys=keys))
    return replace(schema, tables=tuple(tables))


def _fit(schema: Schema, room: int) -> Schema:
    """As much of a schema as the prompt has room for: without samples first, then the first tables."""
    if tokens(describe_schema(schema)) <= room:
        return schema
    bare = tuple(
        replace(table, columns=tuple(replace(column, samples=()) for column in table.columns))
        for table in schema.tables
    )
    for count in range(len(bare), 0, -1):
        shorter = replace(schema, tables=bare[:count])
        if tokens(describe_schema(shorter)) <= room:
            return shorter
    return replace(schema, tables=bare[:1])


def _named(question: str, names: Sequence[str]) -> np.ndarray:
    """float (names,): the share of each name, by rarity of its pieces, that the question holds."""
    asked = set(pieces(question))
    parts = [pieces(name) for name in names]
    held = Counter(piece for found in parts for piece in set(found))
    shares = []
    for found in parts:
        weights = [log1p(len(names) / held[piece]) for piece in found]
        known = sum(weight for piece, weight in zip(found, weights, strict=True) if piece in asked)
        shares.append(known / (sum(weights) or 1.0))
    return np.array(shares, np.float32)


def pieces(text: str) -> list[str]:
    """Words without their endings; single characters of scripts without spaces, whose names are short."""
    found: list[str] = []
    for word in words(spaced(text)):
        if re.match(f"[{CJK}]", word):
            found += list(word)
        else:
            found.append(stem(word))
    return list(dict.fromkeys(found))


def stem(word: str) -> str:
    for ending in ("ies", "es", "s", "ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


def spaced(name: str) -> str:
    """Identifiers as words: song_release_year, songReleaseYear."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ")


def _names(item: Table | Column) -> str:
    return " ".join([spaced(item.name), item.comment, item.description, *item.synonyms])


def _text(table: Table, column: Column) -> str:
    return " ".join([_names(column), spaced(table.name), *column.samples])


def _meets(question: str, schema: Schema) -> bool:
    """Whether at least half of the columns are named or described in the question's script."""
    letters = re.compile(f"[{CJK}]" if language_of(question) == "zh" else "[a-zA-Z]{3}")
    columns = [column for table in schema.tables for column in table.columns]
    return 2 * sum(bool(letters.search(_names(column))) for column in columns) >= len(columns)


def _vectors(texts: list[str], embedder: Embedder) -> np.ndarray:
    """The texts' vectors, kept in memory for the next question about the same schema."""
    key = hash((embedder.name, tuple(texts)))
    if key not in VECTORS:
        VECTORS[key] = embedder.embed(texts)
        while len(VECTORS) > KEPT_VECTORS:
            VECTORS.pop(next(iter(VECTORS)))
    return VECTORS[key]


def _spanning(settings: Settings) -> Embedder | None:
    """The embedder, if it puts Chinese and English of one meaning together."""
    embedder = load_embedder(settings.embedder, settings)
    return embedder if _spans(embedder) else None


def _spans(embedder: Embedder) -> bool:
    """Whether each English phrase is nearest to its own translation, for at least three of four."""
    english, chinese = (
        _vectors([pair[side] for pair in TRANSLATIONS], embedder) for side in (0, 1)
    )
    return bool(
        (np.argmax(english @ chinese.T, axis=1) == np.arange(len(TRANSLATIONS))).mean() >= 0.75
    )

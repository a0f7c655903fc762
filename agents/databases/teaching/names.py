"""A schema -> every form of its names and every known phrase, as parts of a question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from agents.databases.naming import stem
from agents.databases.schema import Column, Schema, TableSchema
from agents.databases.teaching.lexicon import lexicon
from agents.databases.teaching.nouns import nouns, plural, singular
from agents.databases.teaching.subjects import DAY, NUMBER, NUMERIC, TIME
from agents.databases.teaching.tokens import Item, Token
from workbench.language import language_of

ENDINGS = ("e", "es", "ed", "ing", "s", "y", "ies", "")
COUNTED = ("数量", "次数", "数", "量")  # said after a number's Chinese name


def known_phrases(schema: Schema) -> dict[str, Token]:
    """All that is known by word. A name is more than a loose word, and less than a calculation."""
    words = lexicon()
    known = {word: Token("loose", word, "") for word in words.loose}
    known |= _names(schema)
    for phrase, (meaning, plain) in words.trailing.items():
        known[phrase] = Token("trailing", phrase, plain, meaning)
    for phrase, (meaning, plain) in words.meanings.items():
        known[phrase] = Token("meaning", phrase, plain, meaning)
    return known


def _names(schema: Schema) -> dict[str, Token]:
    """Every form of every name -> the tables and columns that it may mean.

    Times have no names: many words mean them. A column counts before its table.
    """
    found: dict[str, Token] = {}
    for table in schema.tables:
        for column in table.columns:
            if not is_time(column):
                _add_names(found, column, (table.name, column.name))
    for table in schema.tables:
        _add_names(found, table, (table.name, ""))
    return found


def _add_names(found: dict[str, Token], item: TableSchema | Column, meant: Item) -> None:
    numbered = isinstance(item, Column) and _is_number(item)
    for language in ("en", "zh"):
        said = nouns(item, language)
        for noun in said:
            for form, is_one in _forms(noun.casefold(), numbered):
                plain = said[0]
                if isinstance(item, TableSchema):
                    plain = singular(plain) if is_one else plural(plain)
                known = found.get(form)
                if known:
                    found[form] = replace(known, items=known.items | {meant})
                else:
                    found[form] = Token("name", form, plain, items=frozenset({meant}))


def _forms(noun: str, numbered: bool) -> Iterator[tuple[str, bool]]:
    """(form, whether it is said of one): likes, like, liked, liking; 点赞, 点赞数."""
    if language_of(noun) == "zh":
        yield noun, False
        if numbered:
            bare = noun.removesuffix("数")
            for suffix in ("", *COUNTED):
                yield bare + suffix, False
        return
    one = singular(noun)
    yield noun, noun == one and noun != plural(noun)
    yield one, True
    yield plural(one), False
    *before, last = noun.split(" ")
    root = stem(last)
    for ending in ENDINGS:
        form = " ".join((*before, root + ending))
        if form not in (noun, one) and len(root) > 2:
            yield form, False


def _is_number(column: Column) -> bool:
    if NUMERIC.search(column.type):
        return True
    return bool(column.samples) and all(NUMBER.fullmatch(sample) for sample in column.samples)


def is_time(column: Column) -> bool:
    """By its type, or as text that holds nothing but dates."""
    if TIME.search(column.type):
        return True
    return bool(column.samples) and all(DAY.match(sample) for sample in column.samples)


def latest_year(schema: Schema) -> int:
    """Of the times that are known by sample; dates in questions rarely have a year."""
    years = [1]
    for table in schema.tables:
        for column in table.columns:
            if is_time(column):
                years += [int(sample[:4]) for sample in column.samples if DAY.match(sample)]
    return max(years)

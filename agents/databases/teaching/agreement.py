"""A question and a query for it -> where they disagree, which shows that the query is not for it.

A small writer never sees the schema, so its queries are held to their questions. What the question
asks for (`reading.py`) and what the query does (`doing.py`) must be the same, both ways:

    a value, number, day or searched word      compared with, or the size of the result
    a number to add up or compare              computed, compared or sorted by; never one unnamed
    a category                                 grouped by, counted once, or compared with a value
    the name of the rows, with "how many"      COUNT of rows
    a meaning of the word tables               its row of `signs.py`
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from agents.databases.guard.guard import judge, parse
from agents.databases.introspect import SAMPLES
from agents.databases.naming import CALLED_BY
from agents.databases.schema import Schema
from agents.databases.teaching.doing import OF_DAYS, Comparison, Watcher
from agents.databases.teaching.lexicon import lexicon
from agents.databases.teaching.names import is_time
from agents.databases.teaching.nouns import nouns
from agents.databases.teaching.reading import COMPARISONS
from agents.databases.teaching.signs import SIGNS
from agents.databases.teaching.subjects import CHANGED
from agents.databases.teaching.tokens import Item, Reading, Token


def differences(reading: Reading, sql: str, schema: Schema) -> list[str]:
    """What only the question or only the query has, in words; empty where the two agree.

    Raises Refused.
    """
    verdict = judge(sql, schema)
    tree = parse(sql, schema.dialect)
    return list(dict.fromkeys(_Agreement(reading, tree, schema, verdict.tables).found()))


class _Agreement:
    """One question beside one query."""

    def __init__(self, reading: Reading, tree: Any, schema: Schema, tables: Iterable[str]) -> None:
        self._reading = reading
        self._schema = schema
        self._doing = Watcher(tree, schema).watch()
        self._tables = set(tables)
        self._names = reading.of("name")

    def found(self) -> Iterator[str]:
        yield from self._reading.unknown
        yield from self._texts()
        yield from self._sizes()
        yield from self._unused()
        yield from self._unnamed()
        yield from self._rows()
        yield from self._groups()
        yield from self._lone()
        yield from self._meanings()

    # values, numbers, days and searched words

    def _texts(self) -> Iterator[str]:
        """What the question compares with and the query does not, and the other way round."""
        left = list(self._doing.comparisons)
        tokens = self._reading.tokens
        place = 0
        while place < len(tokens):
            said = self._said_at(place)
            if said is None:
                place += 1
                continue
            kinds, texts, taken = said
            fitting = self._fitting(left, kinds, texts, tokens[place : place + taken])
            if fitting is None:
                yield " ".join(token.said for token in tokens[place : place + taken])
            else:
                left = [comparison for comparison in left if comparison is not fitting]
            place += taken
        for comparison in left:
            yield from (text.strip("%") for text in comparison.texts)

    def _said_at(self, place: int) -> tuple[tuple[str, ...], tuple[str, ...], int] | None:
        """(kinds of comparison, what is compared with, parts) that begin there; None for none.

        A number without a comparison is a size, or the value of the category named beside it.
        """
        tokens = self._reading.tokens
        token = tokens[place]
        if token.kind == "meaning" and token.meaning in COMPARISONS:
            wanted = 2 if token.meaning == "between" else 1
            ends = tokens[place + 1 : place + 1 + wanted]
            texts = tuple(end.meaning for end in ends if end.kind in ("number", "day", "month"))
            return (token.meaning,), texts, 1 + len(ends)
        if token.kind == "value":
            return ("exactly",), (token.meaning,), 1
        if token.kind in ("day", "month"):
            return ("exactly",), (token.meaning,), 1
        if token.kind == "text":
            return ("mention",), (f"%{token.meaning}%",), 1
        if token.kind == "number" and token.meaning != self._doing.limit:
            return ("exactly",), (token.meaning,), 1
        return None

    def _fitting(
        self,
        left: list[Comparison],
        kinds: tuple[str, ...],
        texts: tuple[str, ...],
        tokens: tuple[Token, ...],
    ) -> Comparison | None:
        """The comparison of the query that does what was said."""
        dated = tokens[-1].kind in ("day", "month")
        for comparison in left:
            kind = comparison.kind
            if dated:
                kind = OF_DAYS.get(kind, kind)
            if kind not in kinds or tuple(map(str.casefold, comparison.texts)) != tuple(
                map(str.casefold, texts)
            ):
                continue
            if dated and not self._compares_time(comparison, tokens[-1].kind):
                continue
            if tokens[-1].kind == "number" and len(tokens) == 1 and not self._beside(comparison):
                continue
            if tokens[-1].kind == "value" and self._is_elsewhere(comparison):
                continue
            return comparison
        return None

    def _compares_time(self, comparison: Comparison, unit: str) -> bool:
        if comparison.item is None or comparison.figure != unit:
            return False
        return not CHANGED.search(comparison.item[1])

    def _beside(self, comparison: Comparison) -> bool:
        """Whether the column that is compared with a lone number is named: user 3."""
        return any(comparison.item in name.items for name in self._names)

    def _is_elsewhere(self, comparison: Comparison) -> bool:
        """Whether another column is known to hold the value, and this one is known not to."""
        if comparison.item is None:
            return True
        value = comparison.texts[0]
        table, name = comparison.item
        column = self._schema.by_name[table].by_name[name]
        # fewer samples than are read: these are all the values that the column has
        if value in column.samples or len(column.samples) >= SAMPLES:
            return False
        for other in self._schema.tables:
            if any(value in one.samples for one in other.columns):
                return True
        return False

    def _sizes(self) -> Iterator[str]:
        """A result is only cut to the size that is asked for, or to the first."""
        numbers = [token.meaning for token in self._reading.of("number")]
        limit = self._doing.limit
        first = limit == "1" and self._says("most", "least", "newest", "oldest")
        if limit and limit not in numbers and not first:
            yield f"LIMIT {limit}"

    # names

    def _unused(self) -> Iterator[str]:
        """The names in the question that mean nothing of what the query does."""
        doing = self._doing
        used = doing.grouped | doing.counted_once
        used |= {item for _, item in doing.figures if item}
        used |= {comparison.item for comparison in doing.comparisons if comparison.item}
        used |= {order.item for order in doing.orders if order.item}
        rows = {(table, "") for table in self._tables}
        # a superlative has a subject: to show the account of one post is not to rank accounts,
        # and accounts are not listed once for each of their posts
        lists = doing.distinct or doing.limit == "1"
        if lists and not doing.computes and not self._ranks():
            used |= doing.shown
        for name in self._names:
            # "activations" that are counted in a column are that column, not the rows of a table
            columns = {item for item in name.items if item[1]}
            if (columns and not columns & used) or (not columns and not name.items & rows):
                yield name.said

    def _unnamed(self) -> Iterator[str]:
        """The columns that are computed, compared, sorted or grouped by without being named."""
        doing = self._doing
        named: set[Item] = set()
        for name in self._names:
            named |= name.items
        acted_on = doing.grouped | doing.counted_once
        acted_on |= {item for _, item in doing.figures if item}
        acted_on |= {order.item for order in doing.orders if order.item}
        for comparison in doing.comparisons:
            if comparison.item and comparison.kind not in ("exactly", "mention"):
                acted_on.add(comparison.item)
        for item in sorted(acted_on - named):
            # the rows of another table are called by their names, never by their kinds
            by_table = (item[0], "") in named and CALLED_BY.search(item[1])
            if not by_table and not self._is_time(item):
                yield item[1]

    def _rows(self) -> Iterator[str]:
        """Rows are counted where they are named and something asks for their number."""
        doing = self._doing
        asked = self._says("howmany", "total", "average") or not doing.lone
        if doing.counts_rows and not (self._names_rows() and asked):
            yield self._name("howmany")
        if doing.counted_once and not (self._says("howmany", "total") and self._counts_values()):
            yield self._name("howmany")

    def _counts_values(self) -> bool:
        """Whether values are counted: "how many types", not "how many creatives by type"."""
        if not self._names_rows() or self._says("different"):
            return True
        tokens = self._reading.tokens
        for place, token in enumerate(tokens):
            beside = [*tokens[max(place - 1, 0) : place], *tokens[place + 1 : place + 2]]
            if token.meaning == "howmany":
                return any(other.items & self._doing.counted_once for other in beside)
        return False

    def _groups(self) -> Iterator[str]:
        """What is grouped by is shown, and nothing else; days are sorted by a figure if asked.

        The account that has the post with the most likes is not the one with the most in total.
        """
        doing = self._doing
        limited = self._says("most", "least", *COMPARISONS)
        summed = {(item[0], "") for figure, item in doing.figures if figure == "Sum" and item}
        of_rows = any(name.items and name.items <= summed for name in self._names)
        if doing.grouped and any(map(self._is_of_nameless_rows, doing.figures)):
            yield self._name("average")
        if doing.grouped and limited and of_rows and not self._says("total", "average"):
            yield self._name("total")
        for _, column in sorted(doing.grouped ^ (doing.shown if doing.computes else set())):
            yield column
        ranked = doing.sorts(falls=True) or doing.sorts(falls=False)
        if doing.cuts & {"day", "week", "month"} and ranked and not self._says("most", "least"):
            yield self._name("most")

    def _is_of_nameless_rows(self, figure: tuple[str, Item | None]) -> bool:
        """Whether an average is of rows that nobody counts: of activations for each hour."""
        name, item = figure
        if name != "Avg" or item is None:
            return False
        table = self._schema.by_name[item[0]]
        language = self._reading.language
        return set(nouns(table, language)) <= set(nouns(table.by_name[item[1]], language))

    def _lone(self) -> Iterator[str]:
        """One number answers "how many" and "when"; "which post" is answered by a row."""
        doing = self._doing
        if doing.has("Max") and not self._says("most"):
            yield self._name("most")
        number = self._says("howmany", "total", "average", "when")
        row = self._names_rows() or self._says("single", "several")
        if doing.figures and doing.lone and row and not number:
            yield self._name("howmany")
        if self._ranks() and not doing.computes and not self._names_rows():
            yield self._reading.said("most") or self._reading.said("least")

    # words

    def _meanings(self) -> Iterator[str]:
        if self._says("most") and self._says("least"):
            yield self._reading.said("least")
        for sign in SIGNS:
            said = self._reading.said(sign.meaning)
            done = sign.done(self._doing)
            if said and not done and not self._is_aside(sign.meaning):
                yield said
            elif done and not said and sign.alone and not self._implied(sign.meaning):
                yield self._name(sign.meaning)

    def _implied(self, meaning: str) -> bool:
        """Whether another word asks for it: "when" for a day."""
        return meaning == "day" and self._says("when")

    def _is_aside(self, meaning: str) -> bool:
        """Whether the word asks for no figure: "by number of likes", "all topics in total"."""
        if meaning == "howmany":
            return self._ranks() and self._reading.said("howmany").endswith(" of")
        return meaning == "total" and bool(self._says("several"))

    def _ranks(self) -> bool:
        return bool(self._doing.orders and self._says("most", "least"))

    def _names_rows(self) -> bool:
        """Whether rows are named: the "activations" that a column counts are none."""
        rows = {(table, "") for table in self._tables}
        return any(name.items and name.items <= rows for name in self._names)

    def _says(self, *meanings: str) -> bool:
        return any(self._reading.said(meaning) for meaning in meanings)

    def _name(self, meaning: str) -> str:
        return lexicon().names[self._reading.language, meaning]

    def _is_time(self, item: Item) -> bool:
        return is_time(self._schema.by_name[item[0]].by_name[item[1]])

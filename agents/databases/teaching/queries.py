"""A kind of question and what fills it -> its query, built with sqlglot in the source's dialect."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agents.databases.guard.guard import parse
from agents.databases.guard.refused import Refused
from agents.databases.schema import TableSchema
from agents.databases.teaching import kinds
from agents.databases.teaching.kinds import Kind
from agents.databases.teaching.nouns import nouns, plural
from agents.databases.teaching.subjects import Field, Subject
from workbench.language import localized

TITLE_COLUMNS = 2  # of a listed row, beside the number that it is listed for
FIGURES = {kinds.TOTAL: "Sum", kinds.AVERAGE: "Avg", kinds.LARGEST: "Max", kinds.SMALLEST: "Min"}
DECIMALS = 2  # of an average
COMPARED = {
    "more": "GT",
    "atleast": "GTE",
    "less": "LT",
    "atmost": "LTE",
    "exactly": "EQ",
    "after": "GT",
    "since": "GTE",
    "before": "LT",
    "until": "LTE",
    "month": "EQ",
}
WEEK = "%Y-%W"  # of a text in SQLite; other databases have no such function, and refuse it
# a query that uses a name in every place where one can stand
TRIAL = "SELECT x.{name}, {name} FROM {name} AS x"


@dataclass(frozen=True)
class Filling:
    """The parts of a subject that one query is about; a kind names which of them it needs."""

    measure: Field | None = None
    category: Field | None = None
    value: str = ""
    comparison: str = ""  # with a number, a meaning of the word tables
    size: int = 0
    time: Field | None = None
    window: str = ""  # a comparison with a day, or "month"
    text: Field | None = None  # that a word is searched in


class Queries:
    """Builds the queries over one subject; the names in their results are in one language.

    `row_nouns` are what its rows are called; the count of rows is named after the first.
    """

    def __init__(
        self, subject: Subject, dialect: str, language: str, row_nouns: tuple[str, ...]
    ) -> None:
        self._subject = subject
        self._dialect = dialect
        self._language = language
        self._row_nouns = row_nouns

    def write(self, kind: Kind, filling: Filling) -> str:
        """The statement as text in the dialect, with marks for numbers, days and words."""
        from sqlglot import exp

        shown = self._shown(kind, filling)
        query = exp.select(*shown).from_(table_node(self._subject.table, self._dialect))
        query = self._join(query, filling.category)
        query = self._filter(query, kind, filling, shown)
        if kind.name == "values":
            query = query.distinct()
        elif kind.groups:
            query = query.group_by(_name_in_result(shown[0]))
        if kind.averaged:
            query = _averaged(query, shown[-1].alias_or_name)
        query = self._sort(query, kind, shown)
        if kind.limit:
            query = query.limit(kind.limit)
        elif filling.size:
            query = query.limit(exp.Literal.number("N1"))
        return query.sql(self._dialect)

    def _filter(self, query: Any, kind: Kind, filling: Filling, shown: list[Any]) -> Any:
        """The query with only the rows, or groups, that are asked for."""
        from sqlglot import exp

        numbers = 0
        if filling.value:
            query = query.where(self._equals(filling))
            numbers = 0 if filling.category and filling.category.is_text else 1
        if filling.comparison:
            ends = [exp.Literal.number(f"N{numbers + place}") for place in (1, 2)]
            if kind.groups:
                return query.having(_compared(shown[-1].this, filling.comparison, ends))
            assert filling.measure is not None
            number = self._number(filling.measure)
            query = query.where(_compared(number, filling.comparison, ends))
        if filling.window:
            query = query.where(self._within(filling))
        if filling.text:
            word = exp.Literal.string("%T1%")
            query = query.where(exp.Like(this=self._column(filling.text), expression=word))
        return query

    def _within(self, filling: Filling) -> Any:
        from sqlglot import exp

        assert filling.time is not None
        if filling.window == "month":
            cut = self._cut_time("month", filling.time).this
            return _compared(cut, "month", [exp.Literal.string("M1")])
        cut = self._cut_time(kinds.DAY, filling.time).this
        ends = [exp.Literal.string(mark) for mark in ("D1", "D2")]
        return _compared(cut, filling.window, ends)

    def title(self) -> list[Field]:
        """What a row is known by: columns that name it first, then its text, its categories."""
        fields = [*self._subject.of("text"), *self._subject.of("category")]
        fields.sort(key=lambda field: not field.names_rows)
        return fields[:TITLE_COLUMNS]

    def _shown(self, kind: Kind, filling: Filling) -> list[Any]:
        """What stands between SELECT and FROM."""
        from sqlglot import exp

        shown: list[Any] = []
        for part in kind.shows:
            if part == kinds.TITLE:
                shown += [self._column(field) for field in self.title()]
            elif part == kinds.OTHER_TITLE:
                others = [field for field in self.title() if field is not filling.category]
                shown += [self._column(field) for field in others]
            elif part == kinds.ROWS:
                shown.append(self._named(exp.Count(this=exp.Star()), self._count_name()))
            elif part == kinds.CATEGORY and filling.category:
                shown.append(self._column(filling.category))
            elif part == kinds.CATEGORIES and filling.category:
                shown.append(self._count_of_values(filling.category))
            elif part in (kinds.DAY, kinds.HOUR, kinds.WEEK) and filling.time:
                shown.append(self._cut_time(part, filling.time))
            elif part in (kinds.MOMENT, kinds.LAST, kinds.FIRST) and filling.time:
                shown.append(self._moment(part, filling.time))
            elif filling.measure:
                shown.append(self._figure(part, filling.measure))
        return shown

    def _join(self, query: Any, category: Field | None) -> Any:
        """The query with the category's table, where that is another one."""
        from sqlglot import exp

        link = self._subject.join_to(category)
        if category is None or link is None:
            return query
        here = self._place(self._subject.table, link.column)
        there = self._place(category.table, link.other_column)
        other = table_node(category.table, self._dialect)
        return query.join(other, on=exp.EQ(this=here, expression=there))

    def _sort(self, query: Any, kind: Kind, shown: list[Any]) -> Any:
        from sqlglot.dialects.dialect import Dialect

        if kind.sort == kinds.BY_NAME:
            return query.order_by(_name_in_result(shown[0]))
        if kind.sort == kinds.RISING:
            return query.order_by(_name_in_result(shown[-1]))
        if kind.sort == kinds.FALLING:
            # as the dialect sorts by itself, so that nothing is said of NULLs
            large = Dialect.get_or_raise(self._dialect).NULL_ORDERING == "nulls_are_large"
            return query.order_by(_name_in_result(shown[-1]).desc(nulls_first=large))
        return query

    def _figure(self, part: str, field: Field) -> Any:
        """A measure, or a total, average … of it, under the measure's name."""
        from sqlglot import exp

        figure = self._number(field)
        if part in FIGURES:
            figure = getattr(exp, FIGURES[part])(this=figure)
        if part == kinds.AVERAGE and not field.inexact:
            figure = exp.Round(this=figure, decimals=exp.Literal.number(DECIMALS))
        # never the column's own name, which the figure could be mistaken for
        return self._named(figure, nouns(field.column, self._language)[0])

    def _number(self, field: Field) -> Any:
        """The measure as a number, also where its column is text."""
        from sqlglot import exp

        column = self._column(field)
        if not field.is_text:
            return column
        whole = all("." not in value for value in field.values)
        return exp.cast(column, "INTEGER" if whole else "DECIMAL(18, 4)")

    def _count_of_values(self, category: Field) -> Any:
        from sqlglot import exp

        values = exp.Distinct(expressions=[self._column(category)])
        name = nouns(category.column, self._language)[0]
        if self._language == "en":
            name = plural(name)
        return self._named(exp.Count(this=values), name)

    def _cut_time(self, part: str, time: Field) -> Any:
        """The day, hour … of a time. Text is cut as ISO 8601 has it: 2025-01-31 08:00."""
        from sqlglot import exp

        column = self._column(time)
        text = time.is_text and not time.typed_as_time
        if part == kinds.DAY:
            name = localized(self._language, "day", "日期")
            cut = _cut(column, 1, 10) if text else exp.cast(column, "DATE")
        elif part == kinds.WEEK:
            name = localized(self._language, "week", "周")
            cut = _call("STRFTIME", exp.Literal.string(WEEK), column)
        elif part == "month":
            name = localized(self._language, "month", "月份")
            cut = _cut(column, 1, 7)
        else:
            name = localized(self._language, "hour_of_day", "时段")
            cut = _cut(column, 12, 2)
            if not text:
                cut = exp.Extract(this=exp.var("HOUR"), expression=column)
        return self._named(cut, name)

    def _moment(self, part: str, time: Field) -> Any:
        """A time itself, or the latest or earliest of all."""
        from sqlglot import exp

        column = self._column(time)
        if part == kinds.LAST:
            column = exp.Max(this=column)
        elif part == kinds.FIRST:
            column = exp.Min(this=column)
        name = nouns(time.column, self._language)[0]
        if name == time.column.name:  # never the column's own name
            name = localized(self._language, "time", "时间")
        return self._named(column, name)

    def _equals(self, filling: Filling) -> Any:
        from sqlglot import exp

        assert filling.category is not None
        literal: Any = exp.Literal.string(filling.value)
        if not filling.category.is_text:
            literal = exp.Literal.number("N1")
        return exp.EQ(this=self._column(filling.category), expression=literal)

    def _column(self, field: Field) -> Any:
        """A column, with its table where that is another: both may have columns of one name."""
        from sqlglot import exp

        if field.table.name == self._subject.table.name:
            return exp.Column(this=identifier(field.column.name, self._dialect))
        return self._place(field.table, field.column.name)

    def _place(self, table: TableSchema, column: str) -> Any:
        from sqlglot import exp

        return exp.Column(
            this=identifier(column, self._dialect), table=identifier(table.own_name, self._dialect)
        )

    def _count_name(self) -> str:
        return localized(self._language, self._row_nouns[0], "数量")

    def _named(self, figure: Any, name: str) -> Any:
        from sqlglot import exp

        return exp.Alias(this=figure, alias=identifier(name.replace(" ", "_"), self._dialect))


def _name_in_result(shown: Any) -> Any:
    """The column of a result: by its alias, else as it was asked for."""
    from sqlglot import exp

    if isinstance(shown, exp.Alias):
        return exp.Column(this=shown.args["alias"].copy())
    return shown.copy()


def _compared(left: Any, comparison: str, ends: list[Any]) -> Any:
    from sqlglot import exp

    if comparison == "between":
        return exp.Between(this=left, low=ends[0], high=ends[1])
    return getattr(exp, COMPARED[comparison])(this=left, expression=ends[0])


def _averaged(query: Any, name: str) -> Any:
    """The average of a figure over the rows of a query, under the same name."""
    from sqlglot import exp

    average = exp.Avg(this=exp.Column(this=exp.to_identifier(name)))
    figure = exp.Round(this=average, decimals=exp.Literal.number(DECIMALS))
    return exp.select(exp.alias_(figure, name)).from_(query.subquery("days"))


def _cut(column: Any, start: int, length: int) -> Any:
    """SUBSTR, which all dialects know, as it is: sqlglot's own node becomes SUBSTRING."""
    from sqlglot import exp

    return _call("SUBSTR", column, exp.Literal.number(start), exp.Literal.number(length))


def _call(function: str, *arguments: Any) -> Any:
    from sqlglot import exp

    return exp.Anonymous(this=function, expressions=list(arguments))


def table_node(table: TableSchema, dialect: str) -> Any:
    """A table as it stands after FROM."""
    from sqlglot import exp

    names = [identifier(part, dialect) for part in table.parts]
    return exp.Table(this=names[-1], db=names[0] if len(names) > 1 else None)


def identifier(name: str, dialect: str) -> Any:
    """A name as a node, quoted only where it would be read as something else."""
    from sqlglot import exp

    return exp.to_identifier(name, quoted=not _stands_alone(name, dialect))


@lru_cache(maxsize=4096)
def _stands_alone(name: str, dialect: str) -> bool:
    """Whether the name without quotation marks is read as the name of a column and a table."""
    from sqlglot import exp

    if not re.fullmatch(r"[^\W\d]\w*", name):
        return False
    try:
        tree = parse(TRIAL.format(name=name), dialect)
    except Refused:
        return False
    return all(isinstance(item, exp.Column) for item in tree.expressions)

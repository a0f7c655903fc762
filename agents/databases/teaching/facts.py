"""A table and a language -> everything simple that can be asked of it: the kind of question, its words, its query."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agents.databases.naming import spaced
from agents.databases.schema import Column, Table
from agents.databases.teaching.subjects import Field, Subject, identifier, place_of
from workbench.language import language_of

TOP = (2, 3, 5, 10)
IN_WORDS = {
    "en": {2: "two", 3: "three", 5: "five", 10: "ten"},
    "zh": {2: "两", 3: "三", 5: "五", 10: "十"},
}
BOUNDS = (
    10,
    50,
    100,
    200,
    500,
    1000,
    2000,
    5000,
    10000,
)  # that "more than" is asked with, where they part the values
SHOWN = 2  # columns of a listed row, beside the number that it is listed for
AMBIGUOUS = {
    "count",
    "number",
    "total",
    "sum",
    "name",
    "value",
}  # what a question says for something else
CALLED_ROWS = {"en": "rows", "zh": "数量"}


@dataclass(frozen=True)
class Fact:
    """`words` maps the marks of a wording to what may stand there."""

    kind: str
    sql: str
    words: Mapping[str, tuple[str, ...]]


class Composer:
    """Writes the queries over one subject and finds the words for them in one language."""

    def __init__(self, subject: Subject, dialect: str, language: str) -> None:
        self.subject, self.dialect, self.language = subject, dialect, language
        self.measures = subject.of("measure")
        measured = {noun for field in self.measures for noun in nouns(field.column, language)}
        # "activations" of a table that counts activations means their sum, not its rows
        called = nouns(subject.table, language)
        self.counted = tuple(noun for noun in called if noun not in measured)
        self.rows = self.counted or called

    def facts(self) -> Iterator[Fact]:
        """Every fact, in a fixed order."""
        if self.counted:
            yield self._fact("count", f"COUNT(*) AS {self._count_name()}")
        for field in self.subject.of("category"):
            yield from self._of_category(field)
        for field, _, _ in self.subject.joined:
            yield from self._counts(field)
        for measure in self.measures:
            yield from self._of_measure(measure)
            for field in [
                *self.subject.of("category"),
                *(field for field, _, _ in self.subject.joined),
            ]:
                yield from self._grouped(measure, field)
            for time in self._times():
                yield from self._over_time(measure, time)

    def _of_category(self, field: Field) -> Iterator[Fact]:
        name = self._column(field)
        words = self._category(field)
        yield self._fact("values", f"DISTINCT {name}", order=name, words=words)
        many = identifier(words["categories"][0].replace(" ", "_"), self.dialect)
        yield self._fact("count_values", f"COUNT(DISTINCT {name}) AS {many}", words=words)
        if field.names_rows:  # each value has one row
            return
        yield from self._counts(field)
        shown = [other for other in self._shown() if other != name]
        if shown and self.counted:
            for value in field.values:
                yield self._fact(
                    "rows_where",
                    ", ".join(shown),
                    where=self._is(field, value),
                    words=self._value(field, value),
                )

    def _counts(self, field: Field) -> Iterator[Fact]:
        if not self.counted:
            return
        words, number = self._category(field), self._count_name()
        yield self._fact(
            "count_by",
            f"{self._column(field)}, COUNT(*) AS {number}",
            field,
            group=field,
            order=f"{number} DESC",
            words=words,
        )
        for value in field.values:
            yield self._fact(
                "count_where",
                f"COUNT(*) AS {number}",
                field,
                where=self._is(field, value),
                words=self._value(field, value),
            )

    def _of_measure(self, field: Field) -> Iterator[Fact]:
        said = {"measure": nouns(field.column, self.language)}
        for kind in ("total", "average", "largest", "smallest"):
            yield self._fact(kind, self._figure(kind, field), words=said)
        if not self.counted or not (shown := self._shown()):
            return
        number = self._number(field)
        listed = f"{', '.join(shown)}, {number} AS {self._alias(field)}"
        falling, rising = f"{self._alias(field)} DESC", self._alias(field)
        yield self._fact("top", listed, order=falling, words=said)
        yield self._fact("top_one", listed, order=falling, limit=1, words=said)
        yield self._fact("bottom_one", listed, order=rising, limit=1, words=said)
        for count in TOP:
            many = (str(count), IN_WORDS[self.language][count])
            yield self._fact("top_n", listed, order=falling, limit=count, words=said | {"n": many})
        for category in self.subject.of("category"):
            for value in category.values:
                yield self._fact(
                    "top_where",
                    listed,
                    where=self._is(category, value),
                    order=falling,
                    limit=1,
                    words=said | self._value(category, value),
                )
        for bound in self._bounds(field):
            where = f"{number} > {bound}"
            yield self._fact(
                "more", listed, where=where, order=falling, words=said | {"number": (str(bound),)}
            )
            counted = f"COUNT(*) AS {self._count_name()}"
            yield self._fact(
                "count_more", counted, where=where, words=said | {"number": (str(bound),)}
            )

    def _grouped(self, measure: Field, field: Field) -> Iterator[Fact]:
        said = {"measure": nouns(measure.column, self.language), **self._category(field)}
        for kind, figure, falls in (
            ("total_by", "total", " DESC"),
            ("total_by_up", "total", ""),
            ("average_by", "average", " DESC"),
        ):
            listed = f"{self._column(field)}, {self._figure(figure, measure)}"
            yield self._fact(
                kind, listed, field, group=field, order=self._alias(measure) + falls, words=said
            )
        for value in field.values:
            for figure in ("total", "average", "largest"):
                yield self._fact(
                    f"{figure}_where",
                    self._figure(figure, measure),
                    field,
                    where=self._is(field, value),
                    words=said | self._value(field, value),
                )

    def _over_time(self, measure: Field, time: Field) -> Iterator[Fact]:
        said = {"measure": nouns(measure.column, self.language)}
        total, column = self._figure("total", measure), self._column(time)
        text = (
            time.is_text
            and "TIME" not in time.column.type.upper()
            and "DATE" not in time.column.type.upper()
        )
        day = f"SUBSTR({column}, 1, 10)" if text else f"CAST({column} AS DATE)"
        name = {"en": "day", "zh": "日期"}[self.language]
        for kind, order in (("by_day", name), ("best_day", f"{self._alias(measure)} DESC")):
            yield self._fact(
                kind, f"{day} AS {name}, {total}", group_by=name, order=order, words=said
            )
        if time.has_hours:
            hour = f"SUBSTR({column}, 12, 2)" if text else f"EXTRACT(HOUR FROM {column})"
            name = {"en": "hour_of_day", "zh": "时段"}[self.language]
            order = f"{self._alias(measure)} DESC"
            yield self._fact(
                "by_hour", f"{hour} AS {name}, {total}", group_by=name, order=order, words=said
            )

    def _fact(
        self,
        kind: str,
        listed: str,
        joined: Field | None = None,
        *,
        where: str = "",
        group: Field | None = None,
        group_by: str = "",
        order: str = "",
        limit: int = 0,
        words: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Fact:
        group_by = self._column(group) if group else group_by
        parts = [f"SELECT {listed} FROM {self._from(joined)}"]  # noqa: S608 – checked by the guard before it is kept
        parts += [f"WHERE {where}"] if where else []
        parts += [f"GROUP BY {group_by}"] if group_by else []
        parts += [f"ORDER BY {order}"] if order else []
        parts += [f"LIMIT {limit}"] if limit else []
        return Fact(
            kind,
            " ".join(parts),
            {**(words or {}), "rows": self.rows, "row": tuple(map(singular, self.rows))},
        )

    def _from(self, field: Field | None) -> str:
        table = self.subject.table
        here = place_of(table, self.dialect)
        for other, own, theirs in self.subject.joined:
            if other is field:
                left, right = self._name(table.own_name), self._name(other.table.own_name)
                on = f"{left}.{self._name(own)} = {right}.{self._name(theirs)}"
                return f"{here} JOIN {place_of(other.table, self.dialect)} ON {on}"
        return here

    def _figure(self, kind: str, field: Field) -> str:
        function = {"total": "SUM", "average": "AVG", "largest": "MAX", "smallest": "MIN"}[kind]
        figure = f"{function}({self._number(field)})"
        exact = kind != "average" or field.inexact
        return f"{figure if exact else f'ROUND({figure}, 2)'} AS {self._alias(field)}"

    def _number(self, field: Field) -> str:
        if not field.is_text:
            return self._column(field)
        whole = all("." not in value for value in field.values)
        return f"CAST({self._column(field)} AS {'INTEGER' if whole else 'DECIMAL(18, 4)'})"

    def _is(self, field: Field, value: str) -> str:
        quoted = "'" + value.replace("'", "''") + "'"
        return f"{self._column(field)} = {quoted if field.is_text else value}"

    def _column(self, field: Field) -> str:
        """With its table where it is another one: two tables may have columns of one name."""
        name = self._name(field.column.name)
        own = field.table.name == self.subject.table.name
        return name if own else f"{self._name(field.table.own_name)}.{name}"

    def _alias(self, field: Field) -> str:
        """What a figure is called in the result; never the table's own name, which it could be mistaken for."""
        first = nouns(field.column, self.language)[0].replace(" ", "_")
        return identifier(first, self.dialect)

    def _count_name(self) -> str:
        first = self.rows[0].replace(" ", "_") if self.language == "en" else CALLED_ROWS["zh"]
        return identifier(first, self.dialect)

    def _name(self, name: str) -> str:
        return identifier(name, self.dialect)

    def _category(self, field: Field) -> dict[str, tuple[str, ...]]:
        """What a category is called; the name of another table's rows is called as that table."""
        called = nouns(field.column, self.language)
        if field.table is not self.subject.table and (
            field.names_rows or len(field.table.columns) == 1
        ):
            called = tuple(map(singular, nouns(field.table, self.language)))
        many = called if self.language == "zh" else tuple(map(plural, called))
        return {"category": called, "categories": many}

    def _value(self, field: Field, value: str) -> dict[str, tuple[str, ...]]:
        """How a value is said: a number means nothing without what it counts."""
        words = self._category(field)
        if field.is_text:
            return {**words, "value": (value,)}
        space = " " if self.language == "en" else ""
        said = tuple(f"{noun}{space}{value}" for noun in words["category"])
        return {"category": ("",), "categories": ("",), "value": said}

    def _shown(self) -> list[str]:
        """What a row is shown by: its text, then its categories."""
        fields = [*self.subject.of("text"), *self.subject.of("category")]
        named = sorted(fields, key=lambda field: not field.names_rows)
        return [self._column(field) for field in named[:SHOWN]]

    def _times(self) -> list[Field]:
        """The one that "per day" means: not when a row was last changed, where there is another."""
        return sorted(self.subject.of("time"), key=lambda field: field.is_change)[:1]

    def _bounds(self, field: Field) -> list[int]:
        """Round numbers with values on both sides."""
        numbers = [float(value) for value in field.values if re.fullmatch(r"-?\d+(\.\d+)?", value)]
        return [bound for bound in BOUNDS if numbers and min(numbers) < bound < max(numbers)]


def nouns(item: Table | Column, language: str) -> tuple[str, ...]:
    """What people call it in that language: synonyms, a short comment, its own name; the name where there is no other."""
    short = [item.comment] if 0 < len(item.comment) <= 12 else []
    own = spaced(item.name).lower()
    found = [noun for noun in [*item.synonyms, *short] if language_of(noun) == language]
    if language_of(own) == language and not (
        found and (" " in own or own in AMBIGUOUS)
    ):  # nor "ads summary" for "posts"
        found.append(own)
    return tuple(dict.fromkeys(found)) or (own,)


def singular(noun: str) -> str:
    if re.search(r"[^aeiou]ies$", noun):
        return noun[:-3] + "y"
    return noun[:-1] if re.search(r"[a-z]s$", noun) and not noun.endswith("ss") else noun


def plural(noun: str) -> str:
    """An English noun's; a name in another script stays as it is."""
    if noun.endswith("s") or language_of(noun) != "en":
        return noun
    return f"{noun[:-1]}ies" if re.search(r"[^aeiou]y$", noun) else f"{noun}s"

"""A table and a language -> everything simple that can be asked of it: kind, words and query."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from agents.databases.teaching import kinds
from agents.databases.teaching.kinds import KINDS, Kind
from agents.databases.teaching.nouns import nouns, plural, singular
from agents.databases.teaching.queries import Filling, Queries
from agents.databases.teaching.subjects import Field, Subject

# how many rows are asked for, in digits or in words
SIZES = {
    2: {"en": "two", "zh": "两"},
    3: {"en": "three", "zh": "三"},
    5: {"en": "five", "zh": "五"},
    10: {"en": "ten", "zh": "十"},
}
# that "more than" is asked with, where values lie on both sides
BOUNDS = (10, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
DECIMAL = re.compile(r"-?\d+(\.\d+)?")

Words = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Fact:
    """One query and the words for it: `words` maps the marks of a wording to what may stand there.

    A kind's wording "Which {category} has the most {measure}?" finds both marks there.
    """

    kind: str
    sql: str
    words: Mapping[str, tuple[str, ...]]


class Composer:
    """Fills every kind of question with everything that fits it in one subject."""

    def __init__(self, subject: Subject, dialect: str, language: str) -> None:
        self.subject = subject
        self.language = language
        measured: set[str] = set()
        for field in subject.of("measure"):
            measured.update(nouns(field.column, language))
        called = nouns(subject.table, language)
        # "activations" of a table that counts activations means their sum, not its rows
        self.counted = tuple(noun for noun in called if noun not in measured)
        self.rows = self.counted or called
        self.queries = Queries(subject, dialect, language, self.rows)

    def facts(self) -> Iterator[Fact]:
        """Every fact, in a fixed order."""
        for kind in KINDS:
            if not self._can_be_asked(kind):
                continue
            for filling in self._fillings(kind):
                yield Fact(kind.name, self.queries.write(kind, filling), self._words(filling))

    def _can_be_asked(self, kind: Kind) -> bool:
        """Whether rows have a noun to be counted or listed by, and something to be shown by."""
        if kind.has(kinds.ROWS, kinds.TITLE, kinds.OTHER_TITLE) and not self.counted:
            return False
        return not kind.has(kinds.TITLE) or bool(self.queries.title())

    def _fillings(self, kind: Kind) -> list[Filling]:
        """Every way to fill a kind: each measure with each category, and that with each value."""
        fillings = [Filling()]
        for part in kind.fills:
            longer: list[Filling] = []
            for filling in fillings:
                longer += self._fill(part, filling)
            fillings = longer
        return fillings

    def _fill(self, part: str, filling: Filling) -> list[Filling]:
        """The filling with each of what the subject has of one part."""
        match part:
            case kinds.MEASURE:
                measures = self.subject.of("measure")
                return [replace(filling, measure=measure) for measure in measures]
            case kinds.VALUE:
                assert filling.category is not None
                return [replace(filling, value=value) for value in filling.category.values]
            case kinds.BOUND:
                assert filling.measure is not None
                return [replace(filling, bound=bound) for bound in _bounds(filling.measure)]
            case kinds.SIZE:
                return [replace(filling, size=size) for size in SIZES]
            case kinds.TIME:
                return [replace(filling, time=time) for time in self._times()]
            case kinds.TIME_OF_DAY:
                times = [time for time in self._times() if time.has_hours]
                return [replace(filling, time=time) for time in times]
        return [replace(filling, category=category) for category in self._categories(part)]

    def _categories(self, part: str) -> list[Field]:
        own = self.subject.of("category")
        joined = [join.category for join in self.subject.joined]
        shared = [category for category in own if not category.names_rows]
        match part:
            case kinds.OWN_CATEGORY:
                return own
            case kinds.COUNTED_CATEGORY:
                return [*shared, *joined]
            case kinds.LISTED_CATEGORY:
                title = self.queries.title()
                return [category for category in shared if title != [category]]
        return [*own, *joined]

    def _times(self) -> list[Field]:
        """The one that "per day" means: not when a row was last changed, where it has another."""
        times = sorted(self.subject.of("time"), key=lambda field: field.is_change)
        return times[:1]

    def _words(self, filling: Filling) -> Words:
        """Mark of a wording -> what may stand there."""
        words: Words = {"rows": self.rows, "row": tuple(map(singular, self.rows))}
        if filling.measure:
            words["measure"] = nouns(filling.measure.column, self.language)
        if filling.category:
            words |= self._category(filling.category)
        if filling.category and filling.value:
            words |= self._value(filling.category, filling.value)
        if filling.bound:
            words["number"] = (str(filling.bound),)
        if filling.size:
            words["n"] = (str(filling.size), SIZES[filling.size][self.language])
        return words

    def _category(self, category: Field) -> Words:
        """What a category is called; the name of another table's rows is called as that table."""
        one = nouns(category.column, self.language)
        other = category.table is not self.subject.table
        if other and (category.names_rows or len(category.table.columns) == 1):
            one = tuple(map(singular, nouns(category.table, self.language)))
        many = one if self.language == "zh" else tuple(map(plural, one))
        return {"category": one, "categories": many}

    def _value(self, category: Field, value: str) -> Words:
        """How a value is said: a number means nothing without what it counts."""
        if category.is_text:
            return {"value": (value,)}
        space = " " if self.language == "en" else ""
        one = self._category(category)["category"]
        said = tuple(f"{noun}{space}{value}" for noun in one)
        # the category stands in the value, so it is not said beside it
        return {"category": ("",), "categories": ("",), "value": said}


def _bounds(measure: Field) -> list[int]:
    """Round numbers with values on both sides."""
    numbers = [float(value) for value in measure.values if DECIMAL.fullmatch(value)]
    if not numbers:
        return []
    return [bound for bound in BOUNDS if min(numbers) < bound < max(numbers)]

"""A table and a language -> everything simple that can be asked of it: kind, words and query."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from agents.databases.teaching import kinds
from agents.databases.teaching.dates import MONTHS
from agents.databases.teaching.kinds import KINDS, Kind
from agents.databases.teaching.nouns import nouns, plural, singular
from agents.databases.teaching.queries import Filling, Queries
from agents.databases.teaching.subjects import DAY, Field, Subject
from agents.databases.teaching.tokens import fill
from workbench.language import localized

EXAMPLE_SIZE = 3
# how a number is compared, in words; the numbers are only examples, for a query has marks
COMPARISONS = {
    "more": {"en": "more than {low}", "zh": "超过{low}"},
    "less": {"en": "fewer than {high}", "zh": "少于{high}"},
    "atleast": {"en": "at least {low}", "zh": "至少{low}"},
    "atmost": {"en": "at most {high}", "zh": "至多{high}"},
    "between": {"en": "between {low} and {high}", "zh": "{low}到{high}之间"},
}
WINDOWS = {
    "exactly": {"en": "on {low}", "zh": "{low}"},
    "between": {"en": "between {low} and {high}", "zh": "{low}到{high}"},
    "after": {"en": "after {low}", "zh": "{low}之后"},
    "before": {"en": "before {high}", "zh": "{high}之前"},
    "since": {"en": "since {low}", "zh": "{low}起"},
    "until": {"en": "until {high}", "zh": "截至{high}"},
    "month": {"en": "in {month}", "zh": "{month}"},
}
DECIMAL = re.compile(r"-?\d+(\.\d+)?")

Words = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Fact:
    """One query and the words for it: `words` maps the holes of a wording to what may stand there.

    A kind's wording "Which {category} has the most {measure}?" finds both there. `marks` are
    examples of what may stand for the marks of `sql`.
    """

    kind: str
    sql: str
    words: Mapping[str, tuple[str, ...]]
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def example(self) -> str:
        """The query with the examples, as it can run."""
        return fill(self.sql, self.marks)


class Composer:
    """Fills every kind of question with everything that fits it in one subject."""

    def __init__(self, subject: Subject, dialect: str, language: str) -> None:
        self.subject = subject
        self.language = language
        measured: set[str] = set()
        for measure in subject.of("measure"):
            measured.update(nouns(measure.column, language))
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
                words, marks = self._words(filling), self._marks(filling)
                yield Fact(kind.name, self.queries.write(kind, filling), words, marks)

    def _can_be_asked(self, kind: Kind) -> bool:
        """Whether rows have a noun to be counted, listed or averaged by, and what shows them."""
        named = (kinds.ROWS, kinds.TITLE, kinds.OTHER_TITLE, kinds.LAST, kinds.FIRST)
        averages = kind.has(kinds.AVERAGE) and kind.has(kinds.CATEGORY)
        if (averages or kind.has(*named)) and not self.counted:
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
                values = filling.category.values
                if not filling.category.is_text:
                    values = values[:1]  # a mark stands for it
                return [replace(filling, value=value) for value in values]
            case kinds.BOUND:
                return [replace(filling, comparison=kind) for kind in COMPARISONS]
            case kinds.WINDOW:
                return [replace(filling, window=kind) for kind in WINDOWS]
            case kinds.SIZE:
                return [replace(filling, size=EXAMPLE_SIZE)]
            case kinds.WORD:
                return [replace(filling, text=text) for text in self.subject.of("text")[:1]]
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
        if filling.comparison:
            low, high = self._bounds(filling)
            ends = {"low": low, "high": high}
            words["than"] = (COMPARISONS[filling.comparison][self.language].format(**ends),)
        if filling.window and filling.time:
            words["when"] = (self._window(filling.window, filling.time),)
        if filling.size:
            words["n"] = (str(filling.size),)
        if filling.text:
            words["word"] = (f'"{_word(filling.text)}"',)
            words["text"] = nouns(filling.text.column, self.language)
        return words

    def _marks(self, filling: Filling) -> dict[str, str]:
        """Examples of what may stand for the marks of the query."""
        numbers: list[str] = []
        if filling.value and filling.category and not filling.category.is_text:
            numbers.append(filling.value)
        if filling.size:
            numbers.append(str(filling.size))
        if filling.comparison:
            numbers += _said(filling.comparison, *self._bounds(filling))
        marks = {f"N{place}": number for place, number in enumerate(numbers, 1)}
        if filling.window == "month" and filling.time:
            marks["M1"] = _days(filling.time)[0][:7]
        elif filling.window and filling.time:
            days = _said(filling.window, *_days(filling.time))
            marks |= {f"D{place}": day for place, day in enumerate(days, 1)}
        if filling.text:
            marks["T1"] = _word(filling.text)
        return marks

    def _bounds(self, filling: Filling) -> tuple[str, str]:
        """Two numbers of the measure with values between them; of a count where none is named."""
        if filling.measure is None:
            return "1", "1000"
        return _bounds(filling.measure)

    def _window(self, window: str, time: Field) -> str:
        """Some days in words, without their year: that of the data is meant."""
        first, last = _days(time)
        holes = {"low": self._day(first), "high": self._day(last)}
        month = int(first[5:7])
        holes["month"] = localized(self.language, MONTHS[month - 1].capitalize(), f"{month}月")
        return WINDOWS[window][self.language].format(**holes)

    def _day(self, iso: str) -> str:
        day = datetime.date.fromisoformat(iso)
        english = f"{MONTHS[day.month - 1].capitalize()} {day.day}"
        return localized(self.language, english, f"{day.month}月{day.day}日")

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


def _said(comparison: str, low: str, high: str) -> list[str]:
    """The ends that a comparison names."""
    if comparison == "between":
        return [low, high]
    return [high if comparison in ("less", "atmost", "before", "until") else low]


def _bounds(measure: Field) -> tuple[str, str]:
    numbers = [float(value) for value in measure.values if DECIMAL.fullmatch(value)]
    if not numbers:
        return "1", "1000"
    return str(math.floor(min(numbers)) - 1), str(math.ceil(max(numbers)) + 1)


def _days(time: Field) -> tuple[str, str]:
    """The first day that is known, and the day after the last one."""
    known = sorted(sample[:10] for sample in time.column.samples if DAY.match(sample))
    if not known:
        return "2025-01-01", "2025-01-31"
    after = datetime.date.fromisoformat(known[-1]) + datetime.timedelta(days=1)
    return known[0], after.isoformat()


def _word(text: Field) -> str:
    """A word of the text: the longest of a sample, or its first two characters."""
    sample = text.column.samples[0] if text.column.samples else "a"
    found = re.findall(r"[A-Za-z]{3,}", sample)
    return max(found, key=len) if found else sample[:2]

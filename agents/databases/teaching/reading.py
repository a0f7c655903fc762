"""A question -> what is understood of it, and the plain words for a writer.

    question   "Could you list the five least liked posts, please?"
    plain      "N1 fewest likes posts", with N1 = 5

Names become the first name of their table or column, phrases the first phrase of their row in the
word tables, numbers, days, months and searched words marks (N1, D1, M1, T1) that stand in the
writer's query too. So a small model meets few words, and any number. What is left over is not
understood.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from agents.databases.naming import stem
from agents.databases.schema import Column, Schema, TableSchema
from agents.databases.teaching.dates import find_dates
from agents.databases.teaching.lexicon import lexicon
from agents.databases.teaching.nouns import nouns, plural, singular
from agents.databases.teaching.subjects import DAY, NUMBER, NUMERIC, TIME
from workbench.language import CJK, language_of

Item = tuple[str, str]  # (table, column), or (table, "")

ENDINGS = ("e", "es", "ed", "ing", "s", "y", "ies", "")
COUNTED = ("数量", "次数", "数", "量")  # said after a number's Chinese name
DIGITS = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)\s?([kK千万]?)(?![\d.]*\d)")
UNITS = {"": 1, "k": 1000, "千": 1000, "万": 10000}
ENGLISH_NUMBERS = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
    "fifteen": 15,
    "twenty": 20,
    "fifty": 50,
    "hundred": 100,
    "thousand": 1000,
}
ENGLISH_NUMBER = re.compile(rf"\b({'|'.join(ENGLISH_NUMBERS)})\b", re.I)
CHINESE_NUMBERS = {
    "两": 2,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "十": 10,
    "二十": 20,
    "五十": 50,
    "一百": 100,
    "两百": 200,
    "五百": 500,
    "一千": 1000,
    "两千": 2000,
}
CHINESE_NUMBER = re.compile("|".join(sorted(CHINESE_NUMBERS, key=len, reverse=True)))
QUOTED = re.compile(r"[\"“「『‘'《]([^\"”」』’'》]{1,40})[\"”」』’'》]")
# where a searched word ends, if it stands in no quotation marks
SEARCHED = {
    "en": r"\s+(?:the\s+)?(?:word\s+|term\s+|phrase\s+)?(?P<word>[\w'-]+(?:\s+(?!STOP\b)[\w'-]+)?)",
    "zh": rf"(?:了|过)?(?:关键词|“)?(?P<word>[{CJK}\w]+?)(?=的|有|这|吗|呢|和|”|[?,.!，。？]|\s|$)",
}
STOP = "in|and|or|have|has|are|were|is|there|by|from|do|did|does|of|on|with|got|at|please|anywhere"
WORD = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+")
COMPARISONS = frozenset(
    ("more", "less", "atleast", "atmost", "exactly", "between", "after", "before", "since", "until")
)
ORDERS = frozenset(("most", "least", "newest", "oldest"))
ONE_DAY = frozenset(("day", "date", "天", "一天", "当天", "那天"))
MARKS = {"number": "N", "day": "D", "month": "M", "text": "T"}
MARK = re.compile(r"\b[NDMT]\d\b")


@dataclass(frozen=True)
class Token:
    """A part of a question. `kind` is meaning, name, value, number, day, month, text or unknown.

    `said` is how the question has it, `plain` what the writer is told. `meaning` is the row of the
    word tables, a value as the database has it, or a mark's content; `items` are what a name means.
    """

    kind: str
    said: str
    plain: str
    meaning: str = ""
    items: frozenset[Item] = frozenset()
    start: int = 0


@dataclass(frozen=True)
class Reading:
    """The parts of one question in their order, without those that change nothing."""

    tokens: tuple[Token, ...]
    language: str = "en"

    @cached_property
    def plain(self) -> str:
        return " ".join(token.plain for token in self.tokens)

    @property
    def unknown(self) -> list[str]:
        return [token.said for token in self.tokens if token.kind == "unknown"]

    @cached_property
    def marks(self) -> Mapping[str, str]:
        """Mark -> what stands for it: N1 -> 500."""
        return {token.plain: token.meaning for token in self.tokens if token.kind in MARKS}

    def of(self, kind: str) -> list[Token]:
        return [token for token in self.tokens if token.kind == kind]

    def said(self, meaning: str) -> str:
        """How the question says that meaning, or nothing."""
        for token in self.tokens:
            if token.kind == "meaning" and token.meaning == meaning:
                return token.said
        return ""


def fill(sql: str, marks: Mapping[str, str]) -> str:
    """A query with the contents of its marks; a quotation mark in them is doubled."""

    def content(mark: re.Match[str]) -> str:
        return marks.get(mark[0], mark[0]).replace("'", "''")

    return MARK.sub(content, sql)


class Reader:
    """Reads questions about one database. `values` are texts that its columns hold."""

    def __init__(self, schema: Schema, values: Iterable[str]) -> None:
        self._year = _latest_year(schema)
        self._values = {value.casefold(): value for value in values}
        self._value = _any_of(self._values)
        self._phrases = _phrases(schema)
        self._phrase = _any_of(self._phrases)
        self._searched = _searched()

    def read(self, question: str) -> Reading:
        text = " ".join(unicodedata.normalize("NFKC", question).split())
        for said, meant in lexicon().rewrites.items():
            text = text.replace(said, meant)
        found: list[Token] = []
        for finding in (self._texts, self._known_values, self._dates, self._words, _numbers):
            for token in finding(text):
                found.append(token)
                end = token.start + len(token.said)
                text = text[: token.start] + "\0" * len(token.said) + text[end:]
        for word in WORD.finditer(text):
            found.append(Token("unknown", word[0], word[0].lower(), start=word.start()))
        found.sort(key=lambda token: token.start)
        tokens = [token for token in found if token.kind != "loose"]
        tokens = _in_front(_without_doubles(tokens))
        return Reading(tuple(_marked(tokens)), language_of(question))

    def _texts(self, text: str) -> Iterator[Token]:
        """Words to search for: in quotation marks, or behind what says that something has them."""
        taken = False
        for quoted in QUOTED.finditer(text):
            if quoted[1].casefold() not in self._values:
                taken = True
                yield Token("text", quoted[0], "", quoted[1].strip(), start=quoted.start())
        if taken:
            return
        for pattern in self._searched:
            said = pattern.search(text)
            if said and not NUMBER.fullmatch(said["word"]):
                yield Token("text", said["word"], "", said["word"], start=said.start("word"))
                return

    def _known_values(self, text: str) -> Iterator[Token]:
        for match in self._value.finditer(text):
            value = self._values[match[0].casefold()]
            yield Token("value", match[0], value, value, start=match.start())

    def _dates(self, text: str) -> Iterator[Token]:
        for date in find_dates(text, self._year):
            kind = "day" if date.is_day else "month"
            yield Token(kind, text[date.start : date.end], "", date.iso, start=date.start)

    def _words(self, text: str) -> Iterator[Token]:
        """Names and phrases, and the words that change nothing."""
        for match in self._phrase.finditer(text):
            known = self._phrases[match[0].casefold()]
            yield replace(known, said=match[0], start=match.start())


def _numbers(text: str) -> Iterator[Token]:
    for match in DIGITS.finditer(text):
        number = float(match[1].replace(",", "")) * UNITS[match[2].lower()]
        yield Token("number", match[0].rstrip(), "", f"{number:.10g}", start=match.start())
    for match in ENGLISH_NUMBER.finditer(text):
        number = ENGLISH_NUMBERS[match[0].lower()]
        yield Token("number", match[0], "", str(number), start=match.start())
    for match in CHINESE_NUMBER.finditer(text):
        yield Token("number", match[0], "", str(CHINESE_NUMBERS[match[0]]), start=match.start())


def _without_doubles(tokens: list[Token]) -> list[Token]:
    """Without the day of "hour of the day" and of a date, and with one word for an order."""
    ordered = any(token.meaning in ORDERS for token in tokens)
    _, most = lexicon().meanings["最多"]
    kept: list[Token] = []
    for place, token in enumerate(tokens):
        beside = [*tokens[max(place - 1, 0) : place], *tokens[place + 1 : place + 2]]
        is_day = token.meaning == "day" and token.said.lower() in ONE_DAY
        if is_day and any(other.meaning == "hour" or other.kind == "day" for other in beside):
            continue
        if token.meaning == "front":  # the first of the most, if nothing else is said
            if ordered:
                continue
            token = replace(token, meaning="most", plain=most)
        kept.append(token)
    return kept


def _in_front(tokens: list[Token]) -> list[Token]:
    """Every comparison before what it compares with, as "at least 100" for "100 or more"."""
    ordered: list[Token] = []
    for token in tokens:
        if token.kind != "trailing":
            ordered.append(token)
            continue
        place = len(ordered)
        kind = ordered[-1].kind if ordered else ""
        while place and kind in ("number", "day", "month") and ordered[place - 1].kind == kind:
            place -= 1
        compared = place and ordered[place - 1].meaning in COMPARISONS
        if place < len(ordered) and not compared:
            ordered.insert(place, replace(token, kind="meaning"))
        elif place == len(ordered):
            ordered.append(replace(token, kind="unknown"))
    return _with_between(ordered)


def _with_between(tokens: list[Token]) -> list[Token]:
    """Two numbers or days in a row are the ends of a span, also where no word says so."""
    spanned: list[Token] = []
    for place, token in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        if following and token.kind == following.kind and token.kind in ("number", "day"):
            before = spanned[-1] if spanned else None
            if before and before.meaning in ("since", "until", "after"):
                spanned.pop()
                before = None
            if not (before and before.meaning in COMPARISONS):
                _, plain = lexicon().meanings["between"]
                spanned.append(Token("meaning", token.said, plain, "between", start=token.start))
        # "from the 10th until the 14th"
        ends = token.meaning in ("until", "atmost")
        if ends and following and spanned and spanned[-1].kind == following.kind:
            continue
        spanned.append(token)
    return spanned


def _marked(tokens: list[Token]) -> Iterator[Token]:
    """Numbers, days, months and texts with their marks, counted as they come."""
    counts = dict.fromkeys(MARKS, 0)
    for token in tokens:
        if token.kind in MARKS:
            counts[token.kind] += 1
            yield replace(token, plain=f"{MARKS[token.kind]}{counts[token.kind]}")
        else:
            yield token


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    """Finds the longest of the phrases; one in letters stands as whole words."""
    parts = []
    for phrase in sorted(phrases, key=len, reverse=True):
        part = re.escape(phrase).replace(r"\ ", r"\s+")
        if re.match(r"[a-z0-9]", phrase):
            part = rf"(?<![a-z_]){part}"
        if re.search(r"[a-z0-9]$", phrase):
            part = rf"{part}(?![a-z_])"
        parts.append(part)
    return re.compile("|".join(parts) or r"(?!)", re.IGNORECASE)


def _phrases(schema: Schema) -> dict[str, Token]:
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


def _latest_year(schema: Schema) -> int:
    """Of the times that are known by sample; dates in questions rarely have a year."""
    years = [1]
    for table in schema.tables:
        for column in table.columns:
            if is_time(column):
                years += [int(sample[:4]) for sample in column.samples if DAY.match(sample)]
    return max(years)


def _searched() -> list[re.Pattern[str]]:
    """What says that a text has a word, and the word."""
    patterns = []
    for language, rest in SEARCHED.items():
        said = []
        for phrase in lexicon().phrases("mention"):
            if language_of(phrase) == language:
                said.append(re.escape(phrase).replace(r"\ ", r"\s+"))
        start = r"\b" if language == "en" else ""
        rest = rest.replace("STOP", f"(?:{STOP})")
        patterns.append(re.compile(f"{start}(?:{'|'.join(said)}){rest}", re.IGNORECASE))
    return patterns

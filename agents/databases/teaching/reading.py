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
from collections.abc import Iterable, Iterator
from dataclasses import replace

from agents.databases.schema import Schema
from agents.databases.teaching.dates import find_dates
from agents.databases.teaching.lexicon import lexicon
from agents.databases.teaching.names import known_phrases, latest_year
from agents.databases.teaching.numbers import find_numbers
from agents.databases.teaching.subjects import NUMBER
from agents.databases.teaching.tokens import MARKS, Reading, Token
from workbench.language import CJK, language_of

QUOTED = re.compile(r"[\"“「『‘'《]([^\"”」』’'》]{1,40})[\"”」』’'》]")
# where a searched word ends, if it stands in no quotation marks
SEARCHED = {
    "en": r"\s+(?:the\s+)?(?:word\s+|term\s+|phrase\s+)?(?P<word>[\w'-]+(?:\s+(?!STOP\b)[\w'-]+)?)",
    "zh": rf"(?:了|过)?(?:关键词|“)?(?P<word>[{CJK}\w]+?)(?=的|有|这|吗|呢|和|”|[?,.!，。？]|\s|$)",
}
STOP = "in|and|or|have|has|are|were|is|there|by|from|do|did|does|of|on|with|got|at|please|anywhere|"
STOP += "last|this|per|each|every|since|after|before|between|during|more|most|least"
WORD = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+")
COMPARISONS = frozenset(
    ("more", "less", "atleast", "atmost", "exactly", "between", "after", "before", "since", "until")
)
ORDERS = frozenset(("most", "least", "newest", "oldest"))
ONE_DAY = frozenset(("day", "date", "天", "一天", "当天", "那天"))


class Reader:
    """Reads questions about one database. `values` are texts that its columns hold."""

    def __init__(self, schema: Schema, values: Iterable[str]) -> None:
        self._year = latest_year(schema)
        self._values = {value.casefold(): value for value in values}
        self._value = _any_of(self._values)
        self._phrases = known_phrases(schema)
        self._phrase = _any_of(self._phrases)
        self._searched = _searched()

    def read(self, question: str) -> Reading:
        text = " ".join(unicodedata.normalize("NFKC", question).split())
        for said, meant in lexicon().rewrites.items():
            text = text.replace(said, meant)
        found: list[Token] = []
        for finding in (self._texts, self._known_values, self._dates, self._words, find_numbers):
            for token in finding(text):
                found.append(token)
                end = token.start + len(token.said)
                text = text[: token.start] + "\0" * len(token.said) + text[end:]
        for word in WORD.finditer(text):
            found.append(Token("unknown", word[0], word[0].lower(), start=word.start()))
        found.sort(key=lambda token: token.start)
        tokens = [token for token in found if token.kind != "loose"]
        if any(token.kind == "text" for token in tokens):
            tokens = [self._as_name(token) for token in tokens]
        tokens = _in_front(_without_doubles(tokens))
        return Reading(tuple(_marked(tokens)), language_of(question))

    def _as_name(self, token: Token) -> Token:
        """A value that is a column's name too is the name, beside a searched word."""
        known = self._phrases.get(token.said.casefold())
        if token.kind == "value" and known and known.kind == "name":
            return replace(known, said=token.said, start=token.start)
        return token

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

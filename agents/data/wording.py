"""A model's sentences about a result -> those that say something of it, in its own numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agents.data import texts
from agents.databases.figures import UNITS, as_number
from agents.sentences import by_sentence
from workbench.chat.events import Event, Notice, Thought, Token
from workbench.number_words import ENGLISH

NUMBER = re.compile(
    r"(?<![\w.])(?P<whole>\d[\d,，]*)(?:\.(?P<decimals>\d+))?"
    r"\s*(?P<unit>百万|[kwmbKWMB千万萬亿億](?![A-Za-z]))?\s*(?P<percent>[%％])?"
)
# the number or sign that begins an item of a list
MARKER = re.compile(r"(?m)^\s*(?:\d{1,2}(?:[.)]\s|[、）])|[-*#]+)\s*")
# of a table, which stands there already; a drawn line
ROW = re.compile(r"(?m:^[ \t]*\|)|^[\s|:+=_-]+$")
SHORTEST_NAME = 2  # characters of a cell that a sentence can name
SMALL = {word: value for word, value in ENGLISH.items() if value <= 12}
ENGLISH_WORDS = (
    r"half|thirds?|quarters?|double[ds]?|twice|triple[ds]?|dozens?",
    r"hundreds?|thousands?|millions?|billions?",
    r"thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen",
    r"twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety",
    *(word for word, value in SMALL.items() if value > 1),  # "one" is seldom a number
)
CHINESE_WORDS = (
    r"[一二两三四五六七八九十百千万亿]+(?:倍|成|分之)",
    r"一半|半数|翻番",
    r"[一二两三四五六七八九][十百千万亿][一二三四五六七八九十百千万亿]*",
    r"十[一二三四五六七八九]",
)
IN_WORDS = re.compile(
    rf"\b(?:{'|'.join(ENGLISH_WORDS)})\b|{'|'.join(CHINESE_WORDS)}", re.IGNORECASE
)
ROUNDED_FROM = 100  # smaller whole numbers are taken at their word
TOLERANCE = 1e-9  # of floating point, relative


class KnownNumbers:
    """The numbers that a text may name."""

    def __init__(self, *sources: Any) -> None:
        """From cells, texts, and lists of them."""
        self._values: set[float] = set()
        self._texts: list[str] = []
        for source in sources:
            self._learn(source)

    def _learn(self, source: Any) -> None:
        if isinstance(source, list | tuple):
            for item in source:
                self._learn(item)
        elif isinstance(source, str):
            self._learn_text(source)
        elif isinstance(source, int | float) and not isinstance(source, bool):
            self._values.add(abs(float(source)))

    def _learn_text(self, text: str) -> None:
        self._texts.append(text.lower())
        for written in NUMBER.finditer(text):
            for value, _ in _readings(written):
                self._values.add(value)
        whole = as_number(text)
        if whole is not None:
            self._values.add(abs(whole))

    def cover(self, text: str) -> bool:
        """Whether every number of a text is known, as it stands or rounded."""
        plain = MARKER.sub("", text)
        if not all(self._knows(written) for written in NUMBER.finditer(plain)):
            return False
        words = IN_WORDS.findall(NUMBER.sub(" ", plain))
        return all(self._knows_word(word.lower()) for word in words)

    def any_in(self, text: str) -> bool:
        """Whether a text has a number in digits that is known."""
        plain = MARKER.sub("", text)
        return any(self._knows(written) for written in NUMBER.finditer(plain))

    def _knows(self, written: re.Match[str]) -> bool:
        for value, rounding in _readings(written):
            for known in self._values:
                if abs(known - value) <= rounding + TOLERANCE * max(1.0, known):
                    return True
        return False

    def _knows_word(self, word: str) -> bool:
        if word in SMALL:
            return float(SMALL[word]) in self._values
        return any(word in text for text in self._texts)


def _readings(written: re.Match[str]) -> list[tuple[float, float]]:
    """(value, what rounding may have taken) of a written number, for each way to read it.

    12% is 12 in one result and 0.12 in another.
    """
    decimals = written["decimals"] or ""
    unit = (written["unit"] or "").lower()
    whole = re.sub("[,，]", "", written["whole"])
    scale = UNITS[unit]
    value = float(f"{whole}.{decimals}" if decimals else whole) * scale
    rounding = 0.0
    if decimals or unit or written["percent"] or value >= ROUNDED_FROM:
        rounding = scale * 10.0 ** -len(decimals) / 2
    readings = [(value, rounding)]
    if written["percent"]:
        readings.append((value / 100, rounding / 100))
    return readings


class Result:
    """What a sentence can say of a result: the numbers and the texts in its cells and findings."""

    def __init__(self, rows: Sequence[Sequence[Any]], findings: Sequence[str]) -> None:
        self._numbers = KnownNumbers(rows, findings, len(rows))
        self._names: set[str] = set()
        for row in rows:
            for cell in row:
                name = cell.strip().lower() if isinstance(cell, str) else ""
                if len(name) >= SHORTEST_NAME:
                    self._names.add(name)

    def is_spoken_of(self, sentence: str) -> bool:
        """Whether a sentence has any of them. A drawn table has, and says nothing new."""
        if ROW.search(sentence):
            return False
        lowered = sentence.lower()
        return self._numbers.any_in(sentence) or any(name in lowered for name in self._names)


def only_about_the_result(
    events: Iterable[Thought | Token], known: KnownNumbers, result: Result, language: str
) -> Iterator[Event]:
    """The events without the sentences that hold an unknown number; last a notice how many.

    Left out as well: sentences without any number or name of the result, and drawn tables.
    """
    left_out = 0
    new_line = True
    for event in by_sentence(events):
        if not isinstance(event, Token):
            yield event
            continue
        sentence = event.text
        if not result.is_spoken_of(sentence):
            left_out += not ROW.search(sentence) and not known.cover(sentence)
        elif known.cover(sentence):
            yield event
            new_line = sentence.endswith("\n")
            continue
        else:
            left_out += 1
        if sentence.endswith("\n") and not new_line:
            yield Token("\n")  # the layout of what stays is kept
            new_line = True
    if left_out:
        yield Notice(texts.sentences_left_out(language, left_out))

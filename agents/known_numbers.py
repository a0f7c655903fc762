"""What a text may rest on -> whether the numbers that a model names are known from it."""

from __future__ import annotations

import re
from typing import Any

from agents.databases.figures import UNITS, as_number

NUMBER = re.compile(
    r"(?<![\w.])(?P<whole>\d[\d,，]*)(?:\.(?P<decimals>\d+))?"
    r"\s*(?P<unit>百万|[kwmbKWMB千万萬亿億](?![A-Za-z]))?\s*(?P<percent>[%％])?"
)
# the number or sign that begins an item of a list
MARKER = re.compile(r"(?m)^\s*(?:\d{1,2}(?:[.)]\s|[、）])|[-*#]+)\s*")
CITED = re.compile(r"\[[\d,，、 ]+\]")
ONES = [  # the place of a word is its value
    *["zero", "one", "two", "three", "four", "five", "six"],
    *["seven", "eight", "nine", "ten", "eleven", "twelve"],
]
ENGLISH_WORDS = (
    r"half|thirds?|quarters?|double[ds]?|twice|triple[ds]?|dozens?",
    r"hundreds?|thousands?|millions?|billions?",
    r"thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen",
    r"twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety",
    *ONES[2:],  # "one" is seldom a number
)
CHINESE_WORDS = (
    r"[一二两三四五六七八九十百千万亿]+(?:倍|成|分之)",
    r"一半|半数|翻番",
    r"[一二两三四五六七八九][十百千万亿][一二三四五六七八九十百千万亿]*",
    r"十[一二三四五六七八九]",
)
CHINESE_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"两": 2}
CHINESE_PLACES = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}
CHINESE_NUMBER = re.compile("[零一二两三四五六七八九十百千万亿]+")
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
        for word in re.findall("[a-z]+", text.lower()):
            if word in ONES:
                self._values.add(float(ONES.index(word)))
        for signs in CHINESE_NUMBER.findall(text):
            self._values.add(_chinese_value(signs))
        whole = as_number(text)
        if whole is not None:
            self._values.add(abs(whole))

    def cover(self, text: str) -> bool:
        """Whether every number of a text is known, as it stands or rounded."""
        return not self.unknown(text)

    def unknown(self, text: str) -> list[str]:
        """The numbers of a text that are not known, as they are written. Citations are none."""
        plain = CITED.sub(" ", MARKER.sub("", text))
        found = []
        for written in NUMBER.finditer(plain):
            if not self._knows(written):
                found.append(written[0].strip())
        for word in IN_WORDS.findall(NUMBER.sub(" ", plain)):
            if not self._knows_word(word.lower()):
                found.append(word)
        return found

    def any_in(self, text: str) -> bool:
        """Whether a text has a number in digits that is known."""
        plain = MARKER.sub("", text)
        return any(self._knows(written) for written in NUMBER.finditer(plain))

    def has(self, value: float) -> bool:
        """Whether that very number is known."""
        return value in self._values

    def _knows(self, written: re.Match[str]) -> bool:
        for value, rounding in _readings(written):
            for known in self._values:
                if abs(known - value) <= rounding + TOLERANCE * max(1.0, known):
                    return True
        return False

    def _knows_word(self, word: str) -> bool:
        if word in ONES:
            return float(ONES.index(word)) in self._values
        if any(word in text for text in self._texts):
            return True
        whole = CHINESE_NUMBER.fullmatch(word)
        return whole is not None and _chinese_value(word) in self._values


def values_in(text: str) -> list[float]:
    """The value of each number written in digits in a text, in its order."""
    plain = CITED.sub(" ", MARKER.sub("", text))
    return [_readings(written)[0][0] for written in NUMBER.finditer(plain)]


def _chinese_value(signs: str) -> float:
    """二十八 -> 28, 一万二千 -> 12,000."""
    total = section = digit = 0
    for sign in signs:
        if sign in CHINESE_DIGITS:
            digit = CHINESE_DIGITS[sign]
            continue
        place = CHINESE_PLACES[sign]
        if place < 10_000:
            section += (digit or 1) * place
        else:
            total = (total + section + digit or 1) * place
            section = 0
        digit = 0
    return float(total + section + digit)


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

"""A model's sentences about a result -> those whose every number is in the result or was computed from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from agents.databases.figures import UNITS, as_number
from workbench.chat.events import Event, Thought, Token

NUMBER = re.compile(
    r"(?<![\w.])(?P<whole>\d[\d,，]*)(?:\.(?P<decimals>\d+))?\s*(?P<unit>百万|[kwmbKWMB千万萬亿億](?![A-Za-z]))?\s*(?P<percent>[%％])?"
)
MARKER = re.compile(r"(?m)^\s*(?:\d{1,2}(?:[.)]\s|[、）])|[-*#]+)\s*")
SENTENCE = re.compile(r"(?<=[。！？；])|(?<=[.!?])(?=\s)|(?<=\n)")
ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
IN_WORDS = re.compile(
    r"\b(?:half|third|thirds|quarter|quarters|double[ds]?|twice|triple[ds]?|dozens?|hundreds?|thousands?|millions?|billions?"
    r"|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    rf"|{'|'.join(ONES[2:])})\b|[一二两三四五六七八九十百千万亿]+(?:倍|成|分之)|一半|半数|翻番|[一二两三四五六七八九][十百千万亿][一二三四五六七八九十百千万亿]*|十[一二三四五六七八九]",
    re.I,
)
ROUNDED_FROM = 100  # smaller whole numbers are taken at their word
LEFT_OUT = {
    "en": "\n\n*Left out of the model's text, because of numbers that are not in the result: {count}.*",
    "zh": "\n\n*模型的文字中有 {count} 处因包含结果里没有的数字而被删去。*",
}


class KnownNumbers:
    """The numbers that a text may speak of."""

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
            self._texts.append(source.lower())
            self._values |= {
                value for match in NUMBER.finditer(source) for value, _ in _readings(match)
            }
            if (whole := as_number(source)) is not None:
                self._values.add(abs(whole))
        elif isinstance(source, int | float) and not isinstance(source, bool):
            self._values.add(abs(float(source)))

    def cover(self, text: str) -> bool:
        """Whether every number of a text is known, as it stands or rounded."""
        plain = MARKER.sub("", text)
        if any(not self._knows(match) for match in NUMBER.finditer(plain)):
            return False
        return all(
            self._knows_word(match[0]) for match in IN_WORDS.finditer(NUMBER.sub(" ", plain))
        )

    def _knows(self, written: re.Match[str]) -> bool:
        return any(
            abs(known - value) <= rounding + 1e-9 * max(1.0, known)
            for value, rounding in _readings(written)
            for known in self._values
        )

    def _knows_word(self, word: str) -> bool:
        word = word.lower()
        if word in ONES:
            return float(ONES.index(word)) in self._values
        return any(word in text for text in self._texts)


def _readings(written: re.Match[str]) -> list[tuple[float, float]]:
    """(value, what rounding may have taken) of a written number; 12% is 12 in one result and 0.12 in another."""
    decimals, unit = written["decimals"] or "", (written["unit"] or "").lower()
    scale = UNITS[unit]
    value = (
        float(re.sub("[,，]", "", written["whole"]) + (f".{decimals}" if decimals else "")) * scale
    )
    rounded = bool(decimals or unit or written["percent"]) or value >= ROUNDED_FROM
    rounding = scale * 10.0 ** -len(decimals) / 2 if rounded else 0.0
    readings = [(value, rounding)]
    return [*readings, (value / 100, rounding / 100)] if written["percent"] else readings


def only_known_numbers(
    events: Iterable[Thought | Token], known: KnownNumbers, language: str
) -> Iterator[Event]:
    """The events with each sentence held back until it is whole, and left out if it holds an unknown number."""
    held, dropped = "", 0
    for event in events:
        if isinstance(event, Thought):
            yield event
            continue
        held += event.text
        *whole, held = SENTENCE.split(held)
        for sentence in whole:
            if known.cover(sentence):
                yield Token(sentence)
            else:
                dropped += 1
                yield Token(_layout(sentence))
    if held and known.cover(held):
        yield Token(held)
    elif held:
        dropped += 1
    if dropped:
        yield Token(LEFT_OUT[language].format(count=dropped))


def _layout(sentence: str) -> str:
    """Of a sentence that is left out, the line break at its end stays."""
    return "\n" if sentence.endswith("\n") else ""

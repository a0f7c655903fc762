"""A model's sentences about a result -> those whose every number is in the result or was computed from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from agents.data.figures import UNITS, as_number
from workbench.events import Event, Thought, Token

NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,，]*(?:\.\d+)?\s*(?:百万|[kwmbKWMB千万萬亿億](?![A-Za-z]))?\s*(?:%|％|‰)?")
MARKER = re.compile(r"(?m)^\s*(?:\d+[.、)）]|[-*#]+)\s*")
SENTENCE = re.compile(r"(?<=[。！？；])|(?<=[.!?])(?=\s)|(?<=\n)")
ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
IN_WORDS = re.compile(
    r"\b(?:half|third|thirds|quarter|quarters|double[ds]?|twice|triple[ds]?|dozens?|hundreds?|thousands?|millions?|billions?"
    r"|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    rf"|{'|'.join(ONES[2:])})\b|[一二两三四五六七八九十百千万亿]+(?:倍|成|分之)|一半|半数|翻番|[一二两三四五六七八九]*[十百千万亿][一二三四五六七八九十百千万亿]*",
    re.I,
)
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
            self._values |= {value for match in NUMBER.finditer(source) for value in _readings(match[0])}
            if (whole := as_number(source)) is not None:
                self._values.add(whole)
        elif isinstance(source, int | float) and not isinstance(source, bool):
            self._values.add(float(source))

    def cover(self, text: str) -> bool:
        """Whether every number of a text is known, as it stands or rounded."""
        plain = MARKER.sub("", text)
        if any(not self._knows(match[0]) for match in NUMBER.finditer(plain)):
            return False
        return all(self._knows_word(match[0]) for match in IN_WORDS.finditer(plain))

    def _knows(self, written: str) -> bool:
        digits = len(written.partition(".")[2].rstrip("%％ ")) if "." in written else 0
        scale = next((UNITS[unit.lower()] for unit in ("百万", *"kwmbKWMB千万萬亿億") if unit in written), 1.0)
        step = scale * 10.0**-digits
        return any(
            abs(abs(known) - abs(wanted)) <= (step / 2 if digits or scale > 1 else 0) + 1e-9
            for wanted in _readings(written) for known in self._values
        )  # fmt: skip

    def _knows_word(self, word: str) -> bool:
        word = word.lower()
        if word in ONES:
            return float(ONES.index(word)) in self._values
        return any(word in text for text in self._texts)


def _readings(written: str) -> set[float]:
    """What a written number may stand for: 12% is 12 in one result and 0.12 in another."""
    bare = re.sub(r"[,，%％‰\s]", "", written)
    value = as_number(bare)
    if value is None:
        return set()
    return {value, value / 100} if re.search("[%％]", written) else {value}


def only_known_numbers(events: Iterable[Thought | Token], known: KnownNumbers, language: str) -> Iterator[Event]:
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

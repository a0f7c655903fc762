"""Numbers in a question, in digits or in words -> their tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agents.databases.teaching.tokens import Token
from workbench.number_words import ENGLISH, chinese_number

DIGITS = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)\s?([kK千万]?)(?![\d.]*\d)")
UNITS = {"": 1, "k": 1000, "千": 1000, "万": 10000}
ENGLISH_NUMBERS = {word: value for word, value in ENGLISH.items() if value > 1}  # one is an article
ENGLISH_NUMBERS |= {"thousand": 1000}
ENGLISH_NUMBER = re.compile(rf"\b({'|'.join(ENGLISH_NUMBERS)})\b", re.I)
# 一 alone is an article too, and behind a digit 千 and 万 are its unit
CHINESE_NUMBER = re.compile(
    r"(?<!\d)(?:[二两三四五六七八九十]|一(?=[十百千万]))[一二两三四五六七八九十百千万]*"
)


def find_numbers(text: str) -> Iterator[Token]:
    """In digits with or without a unit (3k, 2万), and in words."""
    for match in DIGITS.finditer(text):
        number = float(match[1].replace(",", "")) * UNITS[match[2].lower()]
        yield Token("number", match[0].rstrip(), "", f"{number:.10g}", start=match.start())
    for match in ENGLISH_NUMBER.finditer(text):
        number = ENGLISH_NUMBERS[match[0].lower()]
        yield Token("number", match[0], "", str(number), start=match.start())
    for match in CHINESE_NUMBER.finditer(text):
        yield Token("number", match[0], "", str(chinese_number(match[0])), start=match.start())

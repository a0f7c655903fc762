"""Numbers in a question, in digits or in words -> their tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agents.databases.teaching.tokens import Token

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


def find_numbers(text: str) -> Iterator[Token]:
    """In digits with or without a unit (3k, 2万), and in words."""
    for match in DIGITS.finditer(text):
        number = float(match[1].replace(",", "")) * UNITS[match[2].lower()]
        yield Token("number", match[0].rstrip(), "", f"{number:.10g}", start=match.start())
    for match in ENGLISH_NUMBER.finditer(text):
        number = ENGLISH_NUMBERS[match[0].lower()]
        yield Token("number", match[0], "", str(number), start=match.start())
    for match in CHINESE_NUMBER.finditer(text):
        yield Token("number", match[0], "", str(CHINESE_NUMBERS[match[0]]), start=match.start())

"""Numbers in words, English and Chinese -> their values."""

from __future__ import annotations

_ONES = [  # the place of a word is its value
    *["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
    *["eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"],
    *["nineteen"],
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ENGLISH = {word: value for value, word in enumerate(_ONES)}
ENGLISH |= {word: 10 * value for value, word in enumerate(_TENS, 2)}
ENGLISH |= {"hundred": 100}

_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"两": 2}
_PLACES = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}


def chinese_number(signs: str) -> int:
    """二十八 -> 28, 一万二千 -> 12,000. Raises KeyError for a sign that is no number's."""
    total = section = digit = 0
    for sign in signs:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
            continue
        place = _PLACES[sign]
        if place < 10_000:
            section += (digit or 1) * place
        else:
            total = (total + section + digit or 1) * place
            section = 0
        digit = 0
    return total + section + digit

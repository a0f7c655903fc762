"""Text -> the numbers in it with their units, in English and Chinese, in digits and in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.number_words import ENGLISH, chinese_number

UNITS = {
    "day": "days?|天",
    "week": "weeks?|周|星期",
    "month": "months?|个月",
    "year": "years?|年",
    "hour": "hours?|小时",
    "minute": "minutes?|mins?|分钟",
    "second": "seconds?|秒",
    "percent": "percent|per cent|[%％]",
    "euro": "euros?|EUR|欧元|€",
    "yuan": "yuan|RMB|CNY|元|[¥￥]",
    "dollar": r"dollars?|USD|美元|\$",
    "pound": "pounds?|GBP|英镑|£",
    "metre": "met(?:re|er)s?|m|米",
    "kilometre": "km|kilomet(?:re|er)s?|公里|千米",
    "date": "月|日|号",
}
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b"
SCALES = {"千": 1e3, "万": 1e4, "亿": 1e8, "million": 1e6, "billion": 1e9}
AMOUNT = re.compile(
    r"(?<![A-Za-z\d.])(?:(?P<phone>\+?\d{1,4}(?:[ -]\d{2,5}){2,})"
    r"|(?P<hour>\d{1,2})(?:[:：](?P<minute>\d{2})|\s*(?:点|[ap]\.?m\b))"
    rf"|(?P<month>{MONTH})"
    r"|(?P<digits>\d+(?:[,，]\d{3})*(?:\.\d+)?)\s*(?P<scale>[千万亿]|million|billion)?"
    rf"|\b(?P<word>{'|'.join(ENGLISH)})\b"
    # before a measure: 二 is a number in 二天, none in 二手
    # and 一 alone is an article more often than a number
    r"|(?P<signs>(?!一(?:[次个人名位岁倍成米晚夜项条种台件张级层节]))[零一二两三四五六七八九十百千万亿]+)"
    r"(?=小时|分钟|星期|公里|欧元|美元|[天周年月日个次人名位岁倍成米元晚夜项条种台件张级层节%]))",
    re.IGNORECASE,
)
# the unit behind a number, one word at most between them: "4 working hours"
BEHIND = re.compile(
    r"[\s-]*(?:[A-Za-z]+[\s-]+)?(?:"
    + "|".join(rf"(?P<{name}>(?:{unit})(?![A-Za-z]))" for name, unit in UNITS.items())
    + rf"|(?P<named>{MONTH}))",
    re.IGNORECASE,
)
HOW_MANY = re.compile(r"\bhow many\b|多少|几", re.IGNORECASE)
BEFORE = {"€": "euro", "$": "dollar", "£": "pound", "¥": "yuan", "￥": "yuan"}
# the number that begins an item of a list
MARKER = re.compile(r"(?m)^\s*\d{1,2}[.)、）](?:\s|$)")


@dataclass(frozen=True)
class Amount:
    """A number; `unit` is empty where none is written, `clock` and `phone` are units too."""

    value: float
    unit: str
    written: str


def amounts(text: str) -> list[Amount]:
    """In their order."""
    return list(_read(MARKER.sub(" ", text)))


def without_amounts(text: str) -> str:
    """The text around them."""
    return AMOUNT.sub(" ", text)


def asked_unit(question: str) -> str:
    """The unit that a question asks for: "How many days", "多少天"; empty where it names none."""
    asks = HOW_MANY.search(question)
    behind = BEHIND.match(question, asks.end()) if asks else None
    return behind.lastgroup or "" if behind else ""


def is_among(amount: Amount, known: list[Amount]) -> bool:
    """Whether one of the known numbers is the same, in the same unit or without any."""
    for one in known:
        if one.value == amount.value and amount.unit in (one.unit, ""):
            return True
        if one.value == amount.value and not one.unit:  # a table's head may say the unit
            return True
    return False


def _read(text: str) -> Iterator[Amount]:
    for match in AMOUNT.finditer(text):
        written = match[0].strip()
        if match["phone"]:
            yield Amount(float(re.sub(r"\D", "", written)), "phone", written)
        elif match["hour"]:
            # 4 pm and 16:00 are one
            minutes = int(match["hour"]) % 12 * 60 + int(match["minute"] or 0)
            yield Amount(minutes, "clock", written)
        elif match["month"]:
            if match["month"] != match["month"].lower():  # "may" and "march" are words
                yield Amount(MONTHS.index(written[:3].lower()) + 1, "date", written)
        else:
            yield Amount(_value(match), _unit(text, match), written)


def _value(match: re.Match[str]) -> float:
    if match["digits"]:
        value = float(re.sub("[,，]", "", match["digits"]))
        return value * SCALES.get((match["scale"] or "").lower(), 1)
    if match["word"]:
        return float(ENGLISH[match["word"].lower()])
    return float(chinese_number(match["signs"]))


def _unit(text: str, match: re.Match[str]) -> str:
    before = text[: match.start()].rstrip()[-1:]
    if before in BEFORE:
        return BEFORE[before]
    behind = BEHIND.match(text, match.end())
    if behind is None or behind.lastgroup is None:
        return ""
    return "date" if behind.lastgroup == "named" else behind.lastgroup

"""A question -> whether it is about the future, how far ahead, and of what each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.forecast.rhythm import CALENDAR, DAY, Rhythm
from workbench.number_words import ENGLISH, chinese_number

UNIT = "hour|day|week|month|quarter|year"
NUMBERS = {word: value for word, value in ENGLISH.items() if value}
NUMBERS |= {"a": 1, "an": 1, "couple of": 2, "few": 3, "twenty-four": 24}
COUNTED = rf"(\d+|{'|'.join(NUMBERS)})"
SEVERAL = "三"  # what 几 is taken for
AHEAD_EN = re.compile(
    rf"\b(?:next|coming|following|upcoming)\s+(?:{COUNTED}\s+)?({UNIT})s?\b", re.I
)
SPAN_EN = re.compile(rf"\b{COUNTED}\s+({UNIT})s?\s+(?:ahead|from now|into the future)\b", re.I)
AHEAD_ZH = re.compile(
    r"(?:未来|接下来|今后|之后|往后|后|下)的?\s*(\d+|[一二两三四五六七八九十几]+)?\s*个?"
    r"\s*(小时|钟头|天|日|周|星期|礼拜|月|季度|年)"
)
TOMORROW = re.compile(r"\btomorrow\b|明天|明日", re.I)
UNITS_ZH = {
    "小时": "hour",
    "钟头": "hour",
    "天": "day",
    "日": "day",
    "周": "week",
    "星期": "week",
    "礼拜": "week",
    "月": "month",
    "季度": "quarter",
    "年": "year",
}
FORECAST = re.compile(r"\b(?:forecast|predict|extrapolat)\w*|预测|预计|预估|预报", re.I)
# words that speak of the future alone: an asset of series knows them
FUTURE_WORDS = (
    "forecast forecasts forecasting predict predicts prediction predicted extrapolate expect "
    "expected next coming following upcoming ahead future tomorrow will "
    "hour hours day days week weeks month months quarter quarters year years "
    "预测 预计 预估 预报 未来 接下来 今后 明天 明日 下周 下月 下个 个月 明年 小时 多少 每个 "
)
# the words that end a name
AFTER = r"(?!(?:for|over|in|the|next|of|and|during|from|at|this|coming)\b)"
EACH_EN = re.compile(
    rf"\b(?:per|each|every|by|for all|for every)\s+((?:{AFTER}\w+[ -]?){{1,2}})", re.I
)
EACH_ZH = re.compile(
    r"(?:每一?|各)[个种位家条类]?([^\s，。？的在未接明下]{1,6})|按([^\s，。？]{1,6}?)(?:分|预)"
)
MINUTES = {"hour": 60, "day": DAY, "week": 7 * DAY, "month": 30 * DAY, "quarter": 91 * DAY}
MINUTES["year"] = 365 * DAY
LONGEST = 48  # steps of the data's own rhythm; a longer time is forecast in longer steps
# longer steps, and the minutes of one
LONGER = (("D", DAY), ("W", 7 * DAY), ("M", 30 * DAY))


@dataclass(frozen=True)
class Ahead:
    """How far: so many of a unit; 0 where the question does not say it."""

    number: int = 0
    unit: str = ""

    @property
    def minutes(self) -> int:
        return self.number * MINUTES[self.unit] if self.unit else 0


def is_about_future(question: str) -> bool:
    """Whether it asks what comes, by its words."""
    return bool(FORECAST.search(question)) or bool(read_ahead(question).number)


def read_ahead(question: str) -> Ahead:
    """How far ahead the question asks."""
    found = AHEAD_EN.search(question) or SPAN_EN.search(question)
    if found:
        return Ahead(_number(found[1]), found[2].lower())
    found = AHEAD_ZH.search(question)
    if found:
        return Ahead(_number(found[1]), UNITS_ZH[found[2]])
    return Ahead(1, "day") if TOMORROW.search(question) else Ahead()


def _number(text: str | None) -> int:
    """A number in figures or words."""
    if not text:
        return 1
    text = text.lower()
    if text.isdecimal():
        return int(text)
    return NUMBERS.get(text) or chinese_number(text.replace("几", SEVERAL))


def read_each(question: str) -> str:
    """What each of which is asked for ("素材", "user"), empty where nothing is; no unit of time."""
    found = EACH_EN.search(question)
    if found and not re.match(rf"({UNIT})s?\b", found[1], re.I):
        return found[1].strip()
    for match in EACH_ZH.finditer(question):
        name = match[1] or match[2] or ""
        if name and not name.startswith(tuple(UNITS_ZH)):
            return name
    return ""


def counted_in(ahead: Ahead) -> str:
    """The steps, as `--every` has them, in which single events are counted for that question."""
    return {"hour": "h", "week": "W", "month": "M", "quarter": "Q", "year": "M"}.get(
        ahead.unit, "D"
    )


def plan_steps(ahead: Ahead, rhythm: Rhythm) -> tuple[str, int]:
    """(steps as `--every` has them, or empty for the data's own; how many steps), 0 for unsaid."""
    if not ahead.number:
        return "", 0
    own = minutes_of(rhythm)
    if ahead.minutes <= LONGEST * own:
        return "", max(1, round(ahead.minutes / own))
    for name, minutes in LONGER:
        if minutes > own and ahead.minutes <= 62 * minutes:
            return name, max(1, round(ahead.minutes / minutes))
    return "", LONGEST


def minutes_of(rhythm: Rhythm) -> int:
    """About how long one step is."""
    name = rhythm.freq
    if name in CALENDAR:
        return CALENDAR[name][0] * DAY
    if name.startswith("W"):
        return 7 * DAY
    if name.endswith("min"):
        return int(name[:-3])
    if name == "h":
        return 60
    return int(name[:-1] or 1) * DAY if name.endswith("D") else DAY

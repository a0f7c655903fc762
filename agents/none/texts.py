"""What is said where nothing here is about a question, without a chat model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from workbench.language import localized

DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS_ZH = "一二三四五六日"
ASKS_DATE = re.compile(
    r"^(what|which) (day|date|weekday)( of the week)? is( it)?( today)?\W*$"
    r"|^what('s| is) (today'?s? date|the date( today)?)\W*$"
    r"|^今天(是)?(几号|几月几号|几月几日|星期几|周几|礼拜几|什么日子|哪一?天)了?\W*$",
    re.I,
)


def asks_date(question: str) -> bool:
    """Whether it asks which day it is and nothing else."""
    return bool(ASKS_DATE.search(question.strip()))


def today(language: str) -> str:
    """2026-11-29, Sunday."""
    day = date.today()
    weekday = day.weekday()
    return localized(
        language,
        f"{day.isoformat()}, {DAYS_EN[weekday]}",
        f"{day.isoformat()}，星期{DAYS_ZH[weekday]}",
    )


def today_is(language: str) -> str:
    """The whole answer to `asks_date`; a prompt with the date in it would change every day."""
    return localized(language, f"Today is {today(language)}.", f"今天是 {today(language)}。")


def ask_about(language: str, named: Sequence[str]) -> str:
    """For a question. `named` are the agents' holdings, each in words of that language."""
    return localized(
        language,
        f"No chat model is connected for questions like this one; you can ask about "
        f"{_joined(named, ', ', ' and ')}.",
        f"尚未连接聊天模型，无法回答这类问题；你可以询问{_joined(named, '、', '以及')}。",
    )


def here_is(language: str, named: Sequence[str]) -> str:
    """For a greeting or thanks, which want no excuse."""
    return localized(
        language,
        f"You can ask about {_joined(named, ', ', ' and ')}.",
        f"你可以询问{_joined(named, '、', '以及')}。",
    )


def nothing_here(language: str, may_add: bool) -> str:
    """For a workspace with nothing in it. A reader adds nothing: another space may hold it."""
    if not may_add:
        return localized(
            language,
            "Nothing can be asked in this space yet. Choose another one at the foot of the "
            "sidebar, or ask an editor to add documents or a database.",
            "这个空间里还没有可以提问的内容。请在侧边栏底部切换空间，或请编辑者添加文档或数据库。",
        )
    return localized(
        language,
        "Nothing can be asked yet: add files on the Knowledge page, a database on the Data page, "
        "or connect a chat model.",
        "现在还没有可以提问的内容：请在“知识库”页面添加文件，在“数据”页面添加数据库，"
        "或连接聊天模型。",
    )


def _joined(parts: Sequence[str], between: str, last: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return between.join(parts[:-1]) + last + parts[-1]

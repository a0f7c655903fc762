"""Chats, newest first -> the same under the days and months of their last message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo

from workbench.chat.records import Conversation
from workbench.language import localized


def by_date(
    chats: Iterable[Conversation], now: float, zone: tzinfo | None, language: str
) -> list[tuple[str, list[Conversation]]]:
    """(heading, its chats) in the given order; `now` is in seconds, days begin in the zone."""
    groups: dict[str, list[Conversation]] = {}
    for chat in chats:
        groups.setdefault(heading(chat.updated, now, zone, language), []).append(chat)
    return list(groups.items())


def heading(updated: float, now: float, zone: tzinfo | None, language: str) -> str:
    """Today, yesterday, the last 7 or 30 days, or the month."""
    day = datetime.fromtimestamp(updated, zone)
    age = datetime.fromtimestamp(now, zone).date() - day.date()
    if age <= timedelta(0):
        return localized(language, "Today", "今天")
    if age == timedelta(days=1):
        return localized(language, "Yesterday", "昨天")
    if age <= timedelta(days=7):
        return localized(language, "Last 7 days", "近 7 天")
    if age <= timedelta(days=30):
        return localized(language, "Last 30 days", "近 30 天")
    return localized(language, f"{day:%B %Y}", f"{day.year} 年 {day.month} 月")

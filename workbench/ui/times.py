"""Seconds -> how a person says them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from workbench.ui.session import both

IN_SECONDS = 90  # up to here
IN_MINUTES = 90  # likewise; more are hours


def in_words(seconds: float) -> str:
    """40 -> 40 s, 1687 -> 28 min, 8000 -> 2 h 13 min."""
    if seconds < IN_SECONDS:
        return both(f"{seconds:.0f} s", f"{seconds:.0f} 秒")
    minutes = round(seconds / 60)
    if minutes < IN_MINUTES:
        return both(f"{minutes} min", f"{minutes} 分钟")
    hours, minutes = divmod(minutes, 60)
    return both(f"{hours} h {minutes} min", f"{hours} 小时 {minutes} 分钟")


def moment(seconds: float) -> str:
    """Seconds since 1970 -> date and time where the browser is."""
    zone = st.context.timezone
    at = datetime.fromtimestamp(seconds, ZoneInfo(zone) if zone else None)
    return at.strftime("%Y-%m-%d %H:%M")

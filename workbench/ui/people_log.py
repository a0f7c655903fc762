"""What was done: who signed in, who changed whom."""

from __future__ import annotations

import streamlit as st

from workbench.accounts.audit import DEEDS, Entry, list_audit
from workbench.accounts.people import list_people
from workbench.settings import Settings
from workbench.ui.session import both
from workbench.ui.times import moment

ROWS = 200


def show_log(root: Settings) -> None:
    """Draw the tab: the newest rows, of everybody, or of one person or deed."""
    everybody = ["", *(person.name for person in list_people(root))]
    left, right = st.columns(2)
    who = left.selectbox(
        both("Who", "操作者"),
        everybody,
        format_func=lambda name: name or both("everybody", "所有人"),
        key="log_who",
    )
    what = right.selectbox(
        both("What", "操作"),
        ["", *DEEDS],
        format_func=lambda deed: _deed(deed) if deed else both("everything", "全部"),
        key="log_what",
    )
    rows = [_row(entry) for entry in list_audit(root, ROWS, who, what)]
    if rows:
        st.dataframe(rows, hide_index=True)
    else:
        st.caption(both("Nothing of that kind yet.", "暂无此类记录。"))


def _row(entry: Entry) -> dict[str, str]:
    return {
        both("When", "时间"): moment(entry.at),
        both("Who", "操作者"): entry.who or both("command line", "命令行"),
        both("What", "操作"): _deed(entry.what),
        both("About", "对象"): entry.about,
    }


def _deed(deed: str) -> str:
    return both(*DEEDS.get(deed, (deed, deed)))

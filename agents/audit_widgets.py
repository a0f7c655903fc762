"""Piece of the Data page: the log of all that was asked of a source."""

from __future__ import annotations

import json

import streamlit as st

from agents.data.sources import Source
from workbench.settings import Settings
from workbench.widgets import say, told

LOGGED = 200  # newest lines of the audit log that are looked at
VERDICTS = {
    "ran": ("ran", "已执行"), "refused": ("refused", "已拒绝"), "failed": ("failed", "失败"), "stopped": ("stopped", "已停止")
}  # fmt: skip


def show_audit(settings: Settings, source: Source) -> None:
    """What was asked of this source last, newest first: by the person, by the chat, on the command line."""
    path = settings.folder("data") / "audit.jsonl"
    lines = path.read_text("utf-8").splitlines()[-LOGGED:] if path.exists() else []
    events = [event for line in reversed(lines) if (event := json.loads(line))["source"] == source.name]
    if not events:
        st.caption(say("Nothing has been asked yet.", "还没有查询记录。"))
        return
    rows = [
        {say("When", "时间"): event["at"], say("Who", "用户"): event["who"],
         say("Verdict", "结果"): say(*VERDICTS[event["verdict"]]), "SQL": event["sql"],
         say("Rows", "行数"): event.get("rows"), say("Problem", "问题"): told(event.get("problem", ""))}
        for event in events
    ]  # fmt: skip
    st.dataframe(rows, hide_index=True)

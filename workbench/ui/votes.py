"""The table of votes: how strong each arm is by what people preferred side by side."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.chat.conversations import Conversations
from workbench.contributions import mode_name
from workbench.scoring.votes import VoteTable, count_votes
from workbench.settings import Settings
from workbench.ui.widgets import both, language

DIGITS = 8  # of a model's fingerprint


def show_votes(settings: Settings) -> None:
    """Draw it; where there are no votes, one line says how to get some."""
    table = count_votes(Conversations(settings.database))
    with st.container(key="votes"):
        st.subheader(both("Votes", "投票"))
        _show(table)


def _show(table: VoteTable) -> None:
    rows = table.rows()
    if not rows:
        st.caption(
            both(
                "No votes yet. Ask in the chat's mode Side by side, blind or not, then say which "
                "answer is better.",
                "还没有投票。在对话中用“并排对比”提问（可匿名），再选出更好的回答。",
            )
        )
        return
    st.caption(
        both(
            f"From {table.votes:,} votes: how likely each answer is preferred to that of an "
            "average arm, with its 95 % interval. A model published again is an arm of its own.",
            f"根据 {table.votes:,} 次投票：每一方的回答比平均水平更受青睐的可能性，及其 95% 区间。"
            "重新发布的模型单独计算。",
        )
    )
    several = table.groups > 1
    st.dataframe([_row(row, several) for row in rows], hide_index=True)
    if several:
        st.caption(
            both(
                "Arms of different groups were never compared, not even through others: their "
                "figures say nothing about each other.",
                "不同组之间从未比较过，也没有通过其他方案间接比较，因此不能相互对照。",
            )
        )


def _row(row: dict[str, Any], several: bool) -> dict[str, Any]:
    low, high = row["interval"]
    weights = str(row["weights"])
    same = weights == row["model"]
    shown = {
        both("Answers by", "回答方式"): mode_name(row["mode"], language()),
        both("Preferred", "受青睐"): f"{row['chance']:.0%} ({low:.0%}–{high:.0%})",
        both("Model", "模型"): row["model"] or both("no model", "无模型"),
        both("From", "依据"): row["reads"],
        both("Won", "胜"): row["won"],
        both("Tied", "平"): row["tied"],
        both("Both bad", "都不好"): row["both_bad"],
        both("Lost", "负"): row["lost"],
        both("Fingerprint", "指纹"): "" if same else weights[:DIGITS],
    }
    if several:
        shown = {both("Group", "组"): row["group"] + 1, **shown}
    return shown

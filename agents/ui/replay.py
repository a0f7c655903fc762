"""A chat asked again: its start as a job, and above the new chat what has changed in which turn."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from agents.replay import CHANGED, FAILED, REWORDED, SAME, Replayed, read_replay
from workbench.chat.conversations import Conversation, Conversations
from workbench.jobs.job import start
from workbench.ui.widgets import announce, both, page_settings, plain, sentence

STATES = {
    # state -> icon, English, Chinese
    SAME: (":material/check:", "the same", "相同"),
    REWORDED: (":material/check:", "in other words", "措辞不同"),
    CHANGED: (":material/change_history:", "changed", "有变化"),
    FAILED: (":material/error:", "failed", "失败"),
}


def start_replay(chat: Conversation) -> None:
    """Ask every question of the chat again in a job."""
    folder = both("Replays", "重放")
    title = both(f"Asking again: {chat.title}", f"正在重新提问：{chat.title}")
    command = ["chats", "replay", str(chat.id), "--folder", folder, "--exit-zero", "--json"]
    start(page_settings(), title, command, own=True)
    announce(both("Its questions are being asked again.", "正在重新提问。"))


def show_replay(chat: int, conversations: Conversations) -> None:
    """How each answer compares to the old one; folded but for one line."""
    turns = read_replay(chat, conversations)
    counts = Counter(turn.state for turn in turns)
    same = counts[SAME] + counts[REWORDED]
    lost = sum(turn.lost for turn in turns)
    label = both(
        f"Asked again: {same:d} of {len(turns)} answers say the same",
        f"重新提问：{len(turns)} 个回答中有 {same:d} 个内容相同",
    )
    if lost:
        label += both(f"; good answers lost: {lost}", f"；丢失的好评回答：{lost} 个")
    icon = ":material/warning:" if lost else ":material/history:"
    with st.expander(label, icon=icon, key="replay"):
        st.caption(
            both(
                "Each question was asked with the old turns before it. The old answer is the "
                "version before each new one.",
                "每个问题都带着原来的上文提问。原来的回答是新回答的上一个版本。",
            )
        )
        for number, turn in enumerate(turns, 1):
            _show_turn(number, turn)


def _show_turn(number: int, turn: Replayed) -> None:
    icon, english, chinese = STATES[turn.state]
    question = plain(" ".join(turn.question.split()))
    said = f"{icon} **{number}. {question}** · {both(english, chinese)}"
    if turn.state != SAME:
        said += both(f" · {turn.similarity:.0%} alike", f" · 相似度 {turn.similarity:.0%}")
    if turn.lost:
        said += both(" · :red[was good]", " · :red[原为好评]")
    st.markdown(said)
    if turn.state != SAME:
        st.caption("  \n".join(sentence(one) for one in turn.why.sentences))

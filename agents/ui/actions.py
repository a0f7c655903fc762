"""What a person can do with an answer: copy, rate, correct, ask again or another, see its basis."""

from __future__ import annotations

import streamlit as st

from agents.display import effort, first_of, lineage_lines
from agents.registry import AGENTS
from agents.ui.rating import show_thumbs
from agents.ui.why import show_why
from workbench.chat.conversations import Conversations, Message
from workbench.chat.events import Done
from workbench.settings import Settings
from workbench.ui.widgets import both, language, plain

ENDED_EARLY = {
    "stopped": ("Stopped.", "已停止。"),
    "interrupted": (
        "The app was restarted while this was written.",
        "应用在生成过程中重启，回答不完整。",
    ),
}
SAME_AGENT = ""  # asked for again, of the agent that has answered
EARLIER = (":material/chevron_left:", "The version before", "上一个版本")
LATER = (":material/chevron_right:", "The version after", "下一个版本")


def show_actions(
    message: Message, conversations: Conversations, settings: Settings, alone: bool, hidden: bool
) -> str | None:
    """The quiet row under an answer; `alone`, not side by side, it shows the answer's versions.

    `hidden` leaves out what would say who has answered.

    The labels of its buttons are for screen readers: `chat.css` leaves the icons. Returns who is
    asked to answer again: the mode of another agent, SAME_AGENT, or None.
    """
    asked: str | None = None
    with st.container(horizontal=True, vertical_alignment="center", key=f"actions-{message.id}"):
        if alone:
            show_versions(message, conversations)
        _icon("copy", message, ":material/content_copy:", both("Copy", "复制"))  # see chat.js
        show_thumbs(message, conversations)
        again = both("Answer again", "重新回答")
        if _icon("again", message, ":material/refresh:", again):
            asked = SAME_AGENT
        if not hidden:
            asked = _another(message) or asked
            _lineage(message)
            _effort(message)
    if message.state in ENDED_EARLY:
        st.caption(both(*ENDED_EARLY[message.state]))
    return asked


def show_versions(message: Message, conversations: Conversations) -> None:
    """‹ 2/3 ›: which version of a question or an answer is shown, where it has several."""
    versions = message.versions
    if len(versions) < 2:
        return
    here = versions.index(message.id)
    with st.container(
        horizontal=True,
        vertical_alignment="center",
        gap="xxsmall",
        width="content",
        key=f"versions-{message.id}",
    ):
        _to_version(EARLIER, message, here - 1, conversations)
        st.caption(f"{here + 1:d}/{len(versions)}", width="content")
        _to_version(LATER, message, here + 1, conversations)
        if message.role == "assistant":
            show_why(message, conversations)


def _to_version(
    button: tuple[str, str, str], message: Message, place: int, conversations: Conversations
) -> None:
    icon, english, chinese = button
    exists = 0 <= place < len(message.versions)
    st.button(
        both(english, chinese),
        icon=icon,
        type="tertiary",
        key=f"version-{message.id}-{place}",
        disabled=not exists,
        on_click=conversations.show if exists else None,
        args=(message.versions[place],) if exists else None,
    )


def _icon(name: str, message: Message, icon: str, label: str) -> bool:
    return st.button(label, icon=icon, type="tertiary", help=label, key=f"{name}-{message.id}")


def _another(message: Message) -> str:
    """The mode of another agent that is asked to answer instead, or nothing."""
    label = both("Ask another instead", "改由其他方式回答")
    asked = ""
    with st.popover(
        label,
        icon=":material/alt_route:",
        type="tertiary",
        help=label,
        key=f"another-{message.id}",
    ):
        for mode, agent in AGENTS.items():
            if mode == message.agent:
                continue
            label = both(f"Ask {agent.english} instead", f"改由{agent.chinese}回答")
            if st.button(label, key=f"reroute-{message.id}-{mode}", type="tertiary"):
                asked = mode
    return asked


def _effort(message: Message) -> None:
    done = first_of(message.events, Done)
    if done:
        st.caption(plain(effort(done, language())))


def _lineage(message: Message) -> None:
    label = both("What this rests on", "回答依据")
    with st.popover(
        label,
        icon=":material/account_tree:",
        type="tertiary",
        help=label,
        key=f"lineage-{message.id}",
    ):
        for name, value in lineage_lines(message, language()):
            st.markdown(f"**{plain(name)}**  \n{plain(value)}")

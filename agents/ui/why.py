"""Why an answer changed: what differs between it and the version before it."""

from __future__ import annotations

import streamlit as st

from agents.display import agent_label
from workbench.chat.conversations import Conversations, Message
from workbench.chat.why import why_changed
from workbench.ui.widgets import both, language, sentence


def show_why(message: Message, conversations: Conversations) -> None:
    """A quiet button beside the versions of an answer; nothing at the first version."""
    here = message.versions.index(message.id)
    if here == 0 or message.state == "streaming":
        return
    label = both("Why did it change?", "为什么变了？")
    with st.popover(
        label,
        icon=":material/compare_arrows:",
        type="tertiary",
        help=label,
        key=f"why-{message.id}",
    ):
        before = conversations.message(message.versions[here - 1])
        st.caption(both("Beside the version before:", "与上一个版本相比："))
        changed = why_changed(before, message, lambda mode: agent_label(mode, language()))
        for said in changed.sentences:
            st.markdown(f"- {sentence(said)}")

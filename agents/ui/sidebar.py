"""The chat's sidebar: conversations above, jobs, language and theme at its foot."""

from __future__ import annotations

import streamlit as st

from agents.ui.chat_list import (
    current_conversation,
    list_chats,
    open_conversation,
    show_new_chat,
)
from workbench.chat.conversations import Conversations
from workbench.settings import Settings
from workbench.ui.widgets import arrange_sidebar, show_sidebar_foot

__all__ = ["current_conversation", "open_conversation", "show_sidebar"]


def show_sidebar(settings: Settings, conversations: Conversations) -> None:
    """Draw the sidebar."""
    with st.sidebar:
        arrange_sidebar()
        show_new_chat(conversations)
        list_chats(conversations)
        show_sidebar_foot(settings)

"""The chat's sidebar: conversations, jobs and language."""

from __future__ import annotations

import streamlit as st

from workbench.chat.conversations import Conversation, Conversations
from workbench.settings import Settings
from workbench.ui.widgets import both, language_switch, plain, show_jobs

LISTED = 50  # chats
TITLE_FITS = 26  # characters on one line


def show_sidebar(settings: Settings, conversations: Conversations) -> None:
    """Draw the sidebar."""
    with st.sidebar:
        if st.button(both("New chat", "新对话"), icon=":material/add:", width="stretch"):
            open_conversation(None)
        st.divider()
        _list_conversations(conversations)
        show_jobs(settings)
        language_switch()


def open_conversation(conversation: int | None) -> None:
    """Go to that conversation, or to an empty one."""
    if conversation is None:
        st.query_params.pop("chat", None)
    else:
        st.query_params["chat"] = str(conversation)
    st.session_state.pop("editing", None)
    st.rerun()


def current_conversation() -> int | None:
    """The conversation named in the page's address, so that a reload stays in it."""
    value = st.query_params.get("chat", "")
    return int(value) if value.isdigit() else None


def _list_conversations(conversations: Conversations) -> None:
    label = both("Search chats", "搜索对话")
    search = st.text_input(
        label,
        placeholder=label,
        label_visibility="collapsed",
        icon=":material/search:",
        key="search_chats",
    )
    _offer_undo(conversations)
    found = conversations.recent(search, LISTED)
    if not found and search:
        st.caption(both("Nothing found.", "没有找到。"))
    elif not found:
        st.caption(both("Your chats will be listed here.", "对话会显示在这里。"))
    for conversation in found:
        _row(conversation, conversations)


def _offer_undo(conversations: Conversations) -> None:
    deleted = st.session_state.get("deleted")
    if not deleted:
        return
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.caption(both("Chat deleted", "对话已删除"))
    if right.button(both("Undo", "撤销"), key="undo", icon=":material/undo:", type="tertiary"):
        conversations.restore(st.session_state.pop("deleted"))
        open_conversation(deleted)


def _row(conversation: Conversation, conversations: Conversations) -> None:
    active = conversation.id == current_conversation()
    name, menu = st.columns([5, 1], vertical_alignment="center", gap="xxsmall")
    label = plain(_shortened(conversation.title))
    pressed = name.button(
        f"**{label}**" if active else label,
        key=f"chat-{conversation.id}",
        type="tertiary",
        width="stretch",
    )
    if pressed:
        open_conversation(conversation.id)
    actions = {"rename": both("Rename", "重命名"), "delete": both("Delete", "删除")}
    with menu:
        chosen = st.menu_button(
            "",
            list(actions),
            format_func=actions.__getitem__,
            icon=":material/more_horiz:",
            type="tertiary",
            key=f"menu-{conversation.id}",
        )
    if chosen == "delete":
        conversations.delete(conversation.id)
        st.session_state["deleted"] = conversation.id
        open_conversation(None if active else current_conversation())
    elif chosen == "rename":
        st.dialog(both("Rename chat", "重命名对话"))(_rename)(conversation, conversations)


def _shortened(title: str) -> str:
    return title if len(title) <= TITLE_FITS else title[: TITLE_FITS - 1] + "…"


def _rename(conversation: Conversation, conversations: Conversations) -> None:
    title = st.text_input(both("Title", "标题"), conversation.title, key="new_title")
    if st.button(both("Save", "保存"), type="primary", key="save_title"):
        conversations.rename(conversation.id, title)
        st.rerun()

"""The chats in the sidebar: new, search, pinned, folders, dates, and a menu for each."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from agents.ui.chat_dialogs import export_all_chats, export_chat, import_chats, move, rename
from agents.ui.replay import start_replay
from workbench.chat.conversations import Conversation, Conversations
from workbench.chat.dates import by_date
from workbench.ui.widgets import announce, both, language, plain

LISTED = 30  # chats; more by a click
NUMBER = re.compile(r"[0-9]{1,15}")  # more digits than any chat has
FOUND = 50  # chats that a search shows
CSS = """
<style>
.st-key-scrolls { gap: 0; }
.st-key-scrolls [data-testid=stCaptionContainer] { padding: .6rem .5rem .1rem; }
[class*=st-key-row-] { gap: 0; flex-wrap: nowrap; border-radius: .5rem; }
[class*=st-key-row-]:hover, .st-key-scrolls [class*=-active] {
  background: color-mix(in srgb, currentColor 8%, transparent); }
[class*=st-key-chat-] { min-width: 0; flex: 1; }
[class*=st-key-chat-] button, [class*=st-key-folder-] button {
  justify-content: flex-start; padding: .2rem .5rem; min-height: 2rem; }
:is([class*=st-key-chat-], [class*=st-key-folder-]) button > div { justify-content: flex-start; }
[class*=st-key-chat-] button > div, [class*=st-key-chat-] button span,
[class*=st-key-chat-] button [data-testid=stMarkdownContainer] { min-width: 0; max-width: 100%; }
[class*=st-key-chat-] button p {
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-align: left; }
[class*=st-key-menu-] { flex: none; width: auto; }
[class*=st-key-menu-] button { min-height: 2rem; padding: 0 .4rem; }
@media (hover: hover) {
  [class*=st-key-menu-] { opacity: 0; }
  [class*=st-key-row-]:hover [class*=st-key-menu-],
  [class*=st-key-menu-]:focus-within { opacity: 1; }
}
/* an icon alone, whose words are for those who hear them */
:is([class*=st-key-menu-], .st-key-all_chats) button div[aria-hidden=true] { display: none; }
:is([class*=st-key-menu-], .st-key-all_chats) button [data-testid=stMarkdownContainer] {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
</style>
"""


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
    return int(value) if NUMBER.fullmatch(value) else None


def show_new_chat(conversations: Conversations) -> None:
    """The button of a new chat, and what can be done with all chats."""
    with st.container(horizontal=True, gap="xsmall"):
        if st.button(
            both("New chat", "新对话"), icon=":material/add:", width="stretch", key="new_chat"
        ):
            open_conversation(None)
        actions = {
            "export": both("Export all chats", "导出全部对话"),
            "import": both("Import chats", "导入对话"),
        }
        chosen = st.menu_button(
            both("All chats", "全部对话"),
            list(actions),
            format_func=actions.__getitem__,
            icon=":material/more_vert:",
            type="tertiary",
            key="all_chats",
        )
    if chosen == "export":
        st.dialog(actions["export"])(export_all_chats)(conversations)
    elif chosen == "import":
        st.dialog(actions["import"])(import_chats)(conversations)


def list_chats(conversations: Conversations) -> None:
    """Search field and list."""
    st.html(CSS)
    label = both("Search chats", "搜索对话")
    search = st.text_input(
        label,
        placeholder=label,
        label_visibility="collapsed",
        icon=":material/search:",
        type="search",
        live=True,
        key="search_chats",
    )
    with st.container(key="scrolls"):
        if search.strip():
            _show_found(conversations.recent(search, FOUND), conversations)
        else:
            _show_all(conversations)


def _show_found(found: Sequence[Conversation], conversations: Conversations) -> None:
    if not found:
        st.caption(both("Nothing found.", "没有找到。"))
    for chat in found:
        _row(chat, conversations)


def _show_all(conversations: Conversations) -> None:
    listed = st.session_state.setdefault("chats_listed", LISTED)
    pinned = [chat for chat in conversations.recent(limit=listed) if chat.pinned]
    if pinned:
        st.caption(both("Pinned", "已置顶"))
    for chat in pinned:
        _row(chat, conversations)
    folders = conversations.folders()
    if folders:
        st.caption(both("Folders", "文件夹"))
    for name, count in folders.items():
        _folder(name, count, conversations)
    chats = conversations.recent(limit=listed + 1, folder="")
    others = [chat for chat in chats[:listed] if not chat.pinned]
    for heading, under in by_date(others, time.time(), _zone(), language()):
        st.caption(heading)
        for chat in under:
            _row(chat, conversations)
    if not (pinned or folders or others):
        st.caption(both("Your chats will be listed here.", "对话会显示在这里。"))
    if len(chats) > listed and st.button(
        both("Show more", "显示更多"), type="tertiary", key="more_chats"
    ):
        st.session_state["chats_listed"] = listed + LISTED
        st.rerun()


def _folder(name: str, count: int, conversations: Conversations) -> None:
    """A folder's name; a click opens or closes it."""
    opened: set[str] = st.session_state.setdefault("open_folders", set())
    is_open = name in opened
    icon = ":material/folder_open:" if is_open else ":material/folder:"
    label = f"{plain(name)} · {count}"
    if st.button(label, icon=icon, type="tertiary", width="stretch", key=f"folder-{name}"):
        opened.symmetric_difference_update({name})
        st.rerun()
    if is_open:
        for chat in conversations.recent(folder=name, limit=FOUND):
            _row(chat, conversations, inside=True)


def _row(chat: Conversation, conversations: Conversations, inside: bool = False) -> None:
    active = chat.id == current_conversation()
    # a pinned chat stands in its folder as well
    place = f"{chat.id}-inside" if inside else f"{chat.id}"
    key = f"row-{place}-active" if active else f"row-{place}"
    with st.container(horizontal=True, vertical_alignment="center", key=key):
        label = plain(chat.title)
        pressed = st.button(
            f"**{label}**" if active else label,
            key=f"chat-{place}",
            type="tertiary",
            width="stretch",
        )
        chosen = _menu(chat, f"menu-{place}")
    if pressed:
        open_conversation(chat.id)
    if chosen:
        _do(chosen, chat, conversations)


def _menu(chat: Conversation, key: str) -> str | None:
    """What was chosen in the chat's menu, if anything."""
    actions = {
        "rename": both("Rename", "重命名"),
        "pin": both("Unpin", "取消置顶") if chat.pinned else both("Pin", "置顶"),
        "move": both("Move to a folder", "移到文件夹"),
        "export": both("Export", "导出"),
        "replay": both("Ask all again", "全部重新提问"),
        "delete": both("Delete", "删除"),
    }
    return st.menu_button(
        both("Actions", "操作"),
        list(actions),
        format_func=actions.__getitem__,
        icon=":material/more_horiz:",
        type="tertiary",
        key=key,
    )


def _do(action: str, chat: Conversation, conversations: Conversations) -> None:
    if action == "rename":
        st.dialog(both("Rename chat", "重命名对话"))(rename)(chat, conversations)
    elif action == "move":
        st.dialog(both("Move to a folder", "移到文件夹"))(move)(chat, conversations)
    elif action == "export":
        st.dialog(both("Export chat", "导出对话"))(export_chat)(chat, conversations)
    elif action == "replay":
        start_replay(chat)
        st.rerun()
    elif action == "pin":
        conversations.pin(chat.id, not chat.pinned)
        st.rerun()
    elif action == "delete":
        _delete(chat, conversations)


def _delete(chat: Conversation, conversations: Conversations) -> None:
    def undo() -> None:
        conversations.restore(chat.id)
        st.query_params["chat"] = str(chat.id)

    conversations.delete(chat.id)
    announce(both(f"Chat deleted: {chat.title}", f"对话已删除：{chat.title}"), undo=undo)
    here = current_conversation()
    open_conversation(None if here == chat.id else here)


def _zone() -> tzinfo | None:
    """The browser's time zone; None is this machine's."""
    try:
        return ZoneInfo(st.context.timezone or "")
    except (ZoneInfoNotFoundError, ValueError):
        return None

"""What a chat's menu opens: rename, move, export; and export and import of all chats."""

from __future__ import annotations

import streamlit as st

from workbench.chat import export, importing
from workbench.chat.conversations import Conversation, Conversations
from workbench.ui.uploads import safe_name
from workbench.ui.widgets import announce, both, language, shows_errors, translate_uploader

FORMS = {  # form -> label, media type
    "md": ("Markdown", "text/markdown"),
    "html": ("HTML", "text/html"),
    "json": ("JSON", "application/json"),
}


def rename(chat: Conversation, conversations: Conversations) -> None:
    """Give it another title; Enter saves."""
    with st.form("rename", border=False):
        title = st.text_input(both("Title", "标题"), chat.title, max_chars=120, key="new_title")
        saved = st.form_submit_button(both("Save", "保存"), type="primary", key="save_title")
    if saved:
        conversations.rename(chat.id, title)
        said = both("Chat renamed", "对话已重命名")
        announce(said, undo=lambda: conversations.rename(chat.id, chat.title))
        st.rerun()


def move(chat: Conversation, conversations: Conversations) -> None:
    """Into a folder that exists, into a new one, or out of all."""
    none = both("No folder", "不放入文件夹")
    folders = ["", *conversations.folders()]
    with st.form("move", border=False):
        folder = st.selectbox(
            both("Folder: choose one, or type a new name", "文件夹：选择已有的，或输入新名称"),
            folders,
            index=folders.index(chat.folder),
            format_func=lambda name: name or none,
            accept_new_options=True,
            key="chat_folder",
        )
        saved = st.form_submit_button(both("Move", "移动"), type="primary", key="save_folder")
    if saved:
        name = (folder or "").strip()
        conversations.set_folder(chat.id, name)
        said = both(f"Moved to {name}", f"已移到“{name}”") if name else none
        announce(said, undo=lambda: conversations.set_folder(chat.id, chat.folder))
        st.rerun()


def export_chat(chat: Conversation, conversations: Conversations) -> None:
    """One file in the form that is pressed."""
    st.caption(
        both(
            "Markdown and HTML are to be read. JSON holds everything and can be imported again.",
            "Markdown 和 HTML 便于阅读；JSON 保存全部内容，可重新导入。",
        )
    )
    in_language = language()
    with st.container(horizontal=True):
        for form, (label, media_type) in FORMS.items():

            def text(form: str = form) -> str:
                return export.export_chat(conversations, chat.id, form, in_language)

            st.download_button(
                label,
                text,
                file_name=safe_name(f"{chat.title}.{form}"),
                mime=media_type,
                on_click="ignore",
                key=f"export-{form}",
            )


def export_all_chats(conversations: Conversations) -> None:
    """One JSON file with every chat."""
    st.caption(
        both(
            "One JSON file with every chat, version and rating. It can be imported again.",
            "一个 JSON 文件，包含全部对话、版本和评价，可重新导入。",
        )
    )
    st.download_button(
        both("Download", "下载"),
        lambda: export.export_all(conversations),
        file_name="chats.json",
        mime="application/json",
        on_click="ignore",
        type="primary",
        key="export-all",
    )


def import_chats(conversations: Conversations) -> None:
    """The chats of a file; what was imported is told before the dialog is closed."""
    translate_uploader()
    file = st.file_uploader(
        both(
            "A JSON export of these chats, of Open WebUI, or ChatGPT's conversations.json",
            "本应用或 Open WebUI 导出的 JSON 文件，或 ChatGPT 的 conversations.json",
        ),
        type="json",
        key="import_chats",
    )
    if file is None:
        return
    with shows_errors():
        done = importing.import_chats(conversations.place, file.getvalue())
        st.success(
            both(
                f"{done.added:,} added, {done.known:,} were here already.",
                f"新增 {done.added:,} 个对话，{done.known:,} 个已存在。",
            )
        )
        if st.button(both("Show the chats", "查看对话"), type="primary", key="imported"):
            st.rerun()

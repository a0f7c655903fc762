"""The files of a question as chips: name, size, how each fared, what mends it, where to keep it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from agents.asking import answer_again
from agents.attached import (
    AttachedFile,
    collections_with,
    copy_into,
    files_of,
    job_of,
    keep_in_chat,
    note_of,
    read_in_job,
    take_back,
    unread,
)
from rag.catalogue import Catalogue
from workbench.chat.conversations import Conversations, Message, exchanges
from workbench.settings import Settings
from workbench.ui.jobs import progress_of
from workbench.ui.session import count_answer
from workbench.ui.uploads import Upload
from workbench.ui.widgets import announce, both, plain, shows_errors, told

REDRAWN_EVERY = 0.5  # seconds, while files are read
KNOWLEDGE = "rag/ui/knowledge.py"
PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"}
COLOURS = {"reading": "blue", "indexed": "gray", "empty": "orange"}
FAILED = "red"


def attach(files: Sequence[Upload], conversation: int, settings: Settings) -> dict[str, Any]:
    """Keep the files in the chat and begin to read them; what their question is to keep."""
    paths = keep_in_chat(settings, conversation, files)
    read_in_job(settings, conversation, paths, _title(len(paths)))
    return note_of(paths)


def show_attached(question: Message, settings: Settings, conversations: Conversations) -> None:
    """The chips of a question's files; they redraw themselves while files are read."""
    files = files_of(question, settings)
    if any(file.state == "reading" for file in files):
        st.fragment(_reading, run_every=REDRAWN_EVERY)(question, settings)
    elif files:
        _show_chips(question, files, settings)
        for number, file in enumerate(unread(files)):
            _offer_mending(file, question, settings, conversations, f"{question.id}-{number}")


def _reading(question: Message, settings: Settings) -> None:
    files = files_of(question, settings)
    if all(file.state != "reading" for file in files):
        st.rerun()
    job = job_of(question, settings)
    progress = progress_of(job)[1] if job else ""
    with st.container(horizontal=True, key=f"attached-{question.id}"):
        for file in files:
            _chip(file, progress)


def _show_chips(question: Message, files: Sequence[AttachedFile], settings: Settings) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"attached-{question.id}"):
        for file in files:
            _chip(file, "")
        read = [file for file in files if file.state == "indexed"]
        if read:
            _offer_keeping(question, read, settings)


def _chip(file: AttachedFile, progress: str) -> None:
    fared = {
        "reading": progress or both("Reading…", "正在读取…"),
        "indexed": _passages(file.passages),
        "empty": both("no text", "没有文字"),
        "interrupted": both("not read", "未读取"),
    }.get(file.state, both("failed", "读取失败"))
    picture = file.path.suffix.lower() in PICTURES
    st.badge(
        f"{plain(file.name)} · {_size(file.size)} · {plain(fared)}",
        icon=":material/image:" if picture else ":material/description:",
        color=COLOURS.get(file.state, FAILED),  # type: ignore[arg-type]
    )


def _offer_mending(
    file: AttachedFile,
    question: Message,
    settings: Settings,
    conversations: Conversations,
    key: str,
) -> None:
    """What is wrong with the file, and the field or button that mends it and asks again."""
    st.markdown(f":material/error: {plain(file.name)}: {plain(told(file.problem))}")
    password = ""
    if file.wants_password:
        with (
            st.form(f"password-{key}", border=False),
            st.container(horizontal=True, vertical_alignment="bottom"),
        ):
            password = st.text_input(
                both("Its password", "文件密码"),
                type="password",
                autocomplete="off",
                width=280,
                key=f"word-{key}",
            )
            again = st.form_submit_button(both("Read it", "读取"), type="primary")
        if not password:
            return
    else:
        st.caption(plain(told(file.fix)))
        again = file.state != "empty" and st.button(
            both("Try again", "重试"), key=f"reread-{key}", icon=":material/refresh:"
        )
    if again:
        with shows_errors():
            read_in_job(settings, question.conversation, [file.path], _title(1), password)
            _ask_again(question, settings, conversations)
            st.rerun()


def _ask_again(question: Message, settings: Settings, conversations: Conversations) -> None:
    for asked, answers in exchanges(conversations.messages(question.conversation)):
        if asked.id == question.id and answers:
            count_answer()
            answer_again(asked, answers, settings, conversations)


def _offer_keeping(question: Message, files: Sequence[AttachedFile], settings: Settings) -> None:
    """The button that keeps the files in the chosen collection too, and the choice of another."""
    first = settings.collections[0] if settings.collections else ""
    names = Catalogue(settings.folder() / "index.db").names()
    kept = set.intersection(*(set(collections_with(settings, file)) for file in files))
    if kept:
        held = ", ".join(sorted(kept))
        st.caption(both(f"Kept in {plain(held)}", f"已保存到 {plain(held)}"))
    elif first:
        label = both(f"Keep in {plain(first)}", f"保存到 {plain(first)}")
        if st.button(
            label, type="tertiary", icon=":material/bookmark_add:", key=f"keep-in-{question.id}"
        ):
            _keep(files, first, settings)
    others = [name for name in names if name != first and name not in kept]
    if others:
        label = both("Keep elsewhere", "保存到其他知识库")
        with st.popover("", icon=":material/more_horiz:", type="tertiary", help=label):
            for name in others:
                if st.button(plain(name), key=f"keep-{question.id}-{name}", type="tertiary"):
                    _keep(files, name, settings)


def _keep(files: Sequence[AttachedFile], collection: str, settings: Settings) -> None:
    with shows_errors():
        title = both(f"Keeping files in {collection}", f"正在把文件保存到 {collection}")
        job, copies = copy_into(settings, [file.path for file in files], collection, title)

        def undo() -> None:
            take_back(settings, job, copies, collection)

        names = ", ".join(file.name for file in files)
        announce(
            both(f"{names} is kept in {collection}", f"{names} 已保存到 {collection}"),
            undo=undo,
            opens=KNOWLEDGE,
        )
        st.rerun()


def _title(count: int) -> str:
    plural = "" if count == 1 else "s"
    return both(f"Reading {count} attached file{plural}", f"正在读取 {count} 个附件")


def _passages(count: int) -> str:
    plural = "" if count == 1 else "s"
    return both(f"{count} passage{plural}", f"{count} 个段落")


def _size(size: int) -> str:
    if size < 1000:
        return f"{size} B"
    if size < 1_000_000:
        return f"{size / 1000:.0f} KB"
    return f"{size / 1_000_000:.1f} MB"

"""A collection's files: uploads read by a job, the list with its problems, removal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from rag.passages import Document
from rag.removal import put_back, take_out
from rag.sources import find_files
from rag.store import Collection
from workbench.jobs.job import start
from workbench.settings import Settings
from workbench.ui.uploads import save_uploads
from workbench.ui.widgets import announce, both, shows_errors

STATES = {
    "indexed": ("Indexed", "已索引"),
    "empty": ("No text", "没有文字"),
    "failed": ("Failed", "失败"),
}


def read_in_job(
    settings: Settings,
    collection: str,
    paths: Sequence[Path],
    password: str = "",
    again: bool = False,
) -> None:
    """Read files in a job that outlives the page, and draw the page again.

    `again` reads unchanged files too. Raises InvalidInput where a file is gone.
    """
    count = len(find_files(paths))
    files = "1 file" if count == 1 else f"{count} files"
    title = both(f"Reading {files} into {collection}", f"正在把 {count} 个文件读入 {collection}")
    # the password stays out of the command, which the job's folder stores
    private = {"WORKBENCH_FILE_PASSWORD": password} if password else {}
    command = ["rag", "ingest", *map(str, paths), "--collection", collection, "--json"]
    if again:
        command.append("--again")
    start(settings, title, command, private)
    announce(f"{title}…")
    st.rerun()


def remove_documents(collection: Collection, sources: Sequence[str]) -> None:
    """Take documents out of the collection, offer to put them back, and draw the page again."""
    removed = take_out(collection, sources)

    def undo() -> None:
        if not put_back(collection, removed):
            announce(
                both(
                    "The embedder has changed: add the files again.",
                    "向量模型已更换，请重新添加文件。",
                )
            )

    count = len(sources)
    name = Path(sources[0]).name
    what = both(f"Removed {name}", f"已移除 {name}")
    if count > 1:
        what = both(f"Removed {count} files", f"已移除 {count} 个文件")
    announce(what, undo=undo)
    st.rerun()


def show_upload(settings: Settings, name: str) -> None:
    """The form that adds files to the collection of that name."""
    with st.form("upload", clear_on_submit=True, border=False):
        files = st.file_uploader(
            both(
                "Add files: PDF, Word, PowerPoint, Excel, CSV, HTML, EPUB, notebooks, Markdown, "
                "text, pictures",
                "添加文件：PDF、Word、PowerPoint、Excel、CSV、HTML、EPUB、笔记本、Markdown、"
                "文本、图片",
            ),
            accept_multiple_files=True,
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            password = st.text_input(
                both("Password, if they are encrypted", "密码（文件加密时填写）"),
                type="password",
                autocomplete="off",
            )
            sent = st.form_submit_button(
                both("Add", "添加"), type="primary", icon=":material/upload:"
            )
    if sent and files:
        with shows_errors():
            read_in_job(settings, name, save_uploads(settings, name, list(files)), password)
    elif sent:
        st.info(both("Choose files first.", "请先选择文件。"))


def show_files(collection: Collection, documents: Sequence[Document]) -> None:
    """The documents with their state; marked ones can be removed."""
    if not documents:
        st.info(both("No files yet: add some above.", "还没有文件，请在上方添加。"))
        return
    marked = st.dataframe(
        _table(documents),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        # another list of files gets another table, so that no mark stays on the wrong row
        key=f"files-{collection.name}-{collection.revision}",
    )
    chosen = [documents[row].source for row in marked.selection.rows]
    count = len(chosen)
    if not count:
        st.caption(both("Tick files to remove them.", "勾选文件即可移除。"))
        return
    label = both(f"Remove {count} from the collection", f"从知识库移除 {count} 个文件")
    if st.button(label, icon=":material/delete:", key="remove_files"):
        with shows_errors():
            remove_documents(collection, chosen)


def _table(documents: Sequence[Document]) -> dict[str, list[Any]]:
    """By columns, each word said once: a collection may have ten thousand files."""
    states = {state: both(*names) for state, names in STATES.items()}
    return {
        both("File", "文件"): [Path(document.source).name for document in documents],
        both("State", "状态"): [states[document.state] for document in documents],
        both("Passages", "段落"): [document.passages for document in documents],
        both("Size (KB)", "大小 (KB)"): [_kilobytes(document.size) for document in documents],
    }


def _kilobytes(size: int) -> float:
    """Rounded; only an empty file has the size 0."""
    return max(round(size / 1000, 1), 0.1) if size else 0.0

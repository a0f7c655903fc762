"""A data file -> how many examples it holds, and its first ones, before anything is checked."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from finetune.run.new_run import first_rows
from workbench.errors import WorkbenchError
from workbench.ui.widgets import both

SHOWN = 5
LARGEST = 20_000_000  # bytes of a file that is read for a preview


def show_rows(data: Path) -> None:
    """What the file teaches. Its problems are the check's to tell."""
    facts = data.stat()
    if facts.st_size > LARGEST:
        st.caption(
            both("A large file: Check reads it.", "文件较大，点击“检查”后读取。"),
        )
        return
    count, rows = _read(str(data), facts.st_mtime, facts.st_size)
    if not rows:
        return
    title = both(f"First of {count:d} examples", f"共 {count:d} 条示例，前几条如下")
    with st.expander(title, icon=":material/table_rows:"):
        if any(answer for _, answer in rows):
            shown = [
                {both("Question", "问题"): question, both("Answer", "回答"): answer}
                for question, answer in rows
            ]
        else:
            shown = [{both("Text", "文本"): text} for text, _ in rows]
        st.table(shown)


@st.cache_data(max_entries=8, show_spinner=False)
def _read(path: str, changed: float, size: int) -> tuple[int, list[tuple[str, str]]]:
    try:
        return first_rows(Path(path), SHOWN)
    except WorkbenchError:
        return 0, []

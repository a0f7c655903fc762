"""What a browser adds to the chat: keys, previews of cited passages, copying, print style."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from agents.display import previews
from workbench.chat.conversations import Message
from workbench.ui.widgets import both, place_name

FOLDER = Path(__file__).parent
STYLE = f"<style>{FOLDER.joinpath('chat.css').read_text('utf-8')}</style>"
HABITS = st.components.v2.component(
    "chat_habits", js=FOLDER.joinpath("chat.js").read_text("utf-8"), isolate_styles=False
)
KEYS = [
    # key, what it does in English and Chinese
    ("↑", "edit the last question, from the empty box", "在空输入框中：修改上一个问题"),
    ("Enter", "send an edited question, save a correction", "发送修改后的问题，保存更正"),
    ("Shift+Enter", "a new line", "换行"),
    ("Esc", "stop the answer, cancel an edit", "停止回答，取消修改"),
    (
        "Tab",
        "to a citation such as [1]: its passage; Enter opens it",
        "移到引用 [1]：预览段落，Enter 打开",
    ),
    ("?", "this list", "显示本列表"),
]


def show_habits(answers: Sequence[Message], editing: int | None) -> None:
    """Mount them once a page, for the answers on it; `editing` is the question being edited."""
    st.html(STYLE)
    HABITS(
        key="habits",
        data={
            "previews": _previews(answers),
            "texts": {str(answer.id): answer.content for answer in answers},
            "editing": editing,
            "words": _words(),
        },
        height=1,
    )


def _previews(answers: Sequence[Message]) -> dict[str, Any]:
    """`ANSWER-NUMBER` -> title, place and first lines of the passage cited there."""
    found = {}
    for answer in answers:
        for number, preview in previews(answer.events).items():
            shown = {
                "title": preview.title,
                "place": place_name(preview.place),
                "text": preview.text,
            }
            found[f"{answer.id}-{number}"] = shown
    return found


def _words() -> dict[str, Any]:
    return {
        "copied": both("Copied", "已复制"),
        "notCopied": both(
            "The browser does not allow copying here; select the text instead.",
            "浏览器不允许在此复制，请手动选择文字。",
        ),
        "keysTitle": both("Keys", "快捷键"),
        "keys": [[key, both(english, chinese)] for key, english, chinese in KEYS],
        "close": both("Close", "关闭"),
    }

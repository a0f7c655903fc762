"""The box at the bottom of the chat: who answers, the question, and the files dropped with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from agents.ui.chat_settings import show_chips
from workbench.settings import Settings
from workbench.ui.uploads import Upload
from workbench.ui.widgets import both


@dataclass(frozen=True)
class Sent:
    """A question, and the files dropped with it."""

    text: str
    files: Sequence[Upload] = ()


def show_composer(settings: Settings, busy: bool) -> Sent | None:
    """Draw the chips and the box; what was just sent, if anything. `busy` shuts the box."""
    with st.bottom:
        show_chips(settings)
    # not inside st.bottom: placed there by Streamlit itself, it keeps the newest answer in view
    sent = st.chat_input(
        both("Ask a question, or drop files here", "输入问题，或将文件拖到这里"),
        accept_file="multiple",
        key="question",
        disabled=busy,
    )
    if not sent:
        return None
    return _as_question(sent.text.strip(), list(sent.files))


def _as_question(text: str, files: Sequence[Upload]) -> Sent:
    """Files without a word ask what is in them."""
    names = ", ".join(file.name for file in files)
    return Sent(text or both(f"What is in {names}?", f"{names} 里有什么内容？"), files)

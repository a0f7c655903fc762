"""The box at the bottom of the chat: who answers, the question, and the files dropped with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from agents.registry import AUTO, modes_on_offer
from workbench.settings import Settings
from workbench.ui.uploads import Upload
from workbench.ui.widgets import both, language


@dataclass(frozen=True)
class Sent:
    """A question, and the files dropped with it."""

    text: str
    files: Sequence[Upload] = ()


def show_composer(settings: Settings, busy: bool) -> Sent | None:
    """Draw mode selector and box; what was just sent, if anything. `busy` shuts the box."""
    labels = modes_on_offer(language())
    st.session_state.setdefault("mode", AUTO)  # another page may have chosen already
    with st.bottom:
        st.segmented_control(
            both("Who answers", "由谁回答"),
            list(labels),
            format_func=labels.__getitem__,
            key="mode",
            label_visibility="collapsed",
            required=True,
        )
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

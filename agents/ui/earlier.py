"""A long chat opens with its newest questions: drawing a hundred answers takes seconds."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from workbench.chat.conversations import Message
from workbench.ui.widgets import both

SHOWN = 10  # newest questions
MORE = 20  # earlier ones that a click adds
Exchange = tuple[Message, list[Message]]


def latest(asked: Sequence[Exchange], conversation: int | None) -> Sequence[Exchange]:
    """The newest questions with their answers; above them a button for earlier ones."""
    key = f"earlier-of-{conversation}"
    shown = SHOWN + st.session_state.get(key, 0)
    hidden = len(asked) - shown
    if hidden <= 0:
        return asked
    label = both(f"Show earlier questions ({hidden:,})", f"显示更早的问题（{hidden:,}）")
    if st.button(label, icon=":material/expand_less:", type="tertiary", key="earlier"):
        st.session_state[key] = shown - SHOWN + MORE
        st.rerun()
    return asked[-shown:]

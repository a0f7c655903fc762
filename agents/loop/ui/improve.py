"""Improve: what people said of answers is reviewed, learned, measured, published and put to use."""

from __future__ import annotations

import streamlit as st

from agents.loop.candidates import read_items
from agents.loop.ui.batches import show_batches
from agents.loop.ui.review import show_review
from workbench.ui.widgets import begin_page, both

CHAT = "agents/ui/chat.py"


def page() -> None:
    settings = begin_page(both("Improve", "改进"))
    if not read_items(settings):
        _show_empty()
        return
    show_batches(settings)
    show_review(settings)


def _show_empty() -> None:
    st.markdown(
        both(
            "Rate an answer in the chat, or write what would have been right: it appears here.  \n"
            "What you accept is taught to a model, measured against what is in use, published with "
            "proof, and put to use where it is better.",
            "在对话中评价回答，或写下正确的回答，它们会出现在这里。  \n"
            "采纳的内容会用来训练模型，与当前使用的模型对比，验证后发布；更好时才会启用。",
        )
    )
    to_chat = both("Go to the chat", "前往对话")
    if st.button(to_chat, type="primary", icon=":material/chat:", key="to_chat"):
        st.switch_page(CHAT)


page()

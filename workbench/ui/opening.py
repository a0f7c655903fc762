"""Go to another package's page for something, through what that package contributes."""

from __future__ import annotations

import streamlit as st

from workbench.contributions import contributions, load_place
from workbench.ui.session import both


def open_for(wish: str, name: str) -> None:
    """Have the package do it that contributes the wish; nothing happens where none does.

    `open_for("chat", "local:crew")` goes to the chat with that model asked by name, and
    `open_for("publish", "crew")` to the page that publishes that run. `open_for("choose", …)` only
    chooses the model in the chat.
    """
    for contribution in contributions():
        if wish in contribution.opens:
            load_place(contribution.opens[wish])(name)


def chat_button(model: str, key: str, *, first: bool = False) -> None:
    """The button that opens the chat with that model; `first` of the actions beside it."""
    pressed = st.button(
        both("Chat with it", "与它对话"),
        type="primary" if first else "secondary",
        icon=":material/chat:",
        key=key,
    )
    if pressed:
        open_for("chat", model)

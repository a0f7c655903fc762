"""Another page's wish to ask a model by name -> the chat page, in the mode of that agent."""

from __future__ import annotations

import streamlit as st

from agents.registry import AGENTS
from workbench.ui.widgets import choices

PAGE = "agents/ui/chat.py"


def chat_with(model: str) -> None:
    """Open a new chat in the mode of the agent that answers from its model alone."""
    choose_model(model)
    for mode, agent in AGENTS.items():
        if agent.from_memory:
            st.session_state["mode"] = mode
            st.switch_page(PAGE)


def choose_model(model: str) -> None:
    """Have the chat ask that model where it asks such an agent next; the page stays."""
    for agent in AGENTS.values():
        if agent.from_memory:
            choices()[agent.asset] = model

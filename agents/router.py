"""A question and a mode -> the agent that answers it, with the reason in one line for the person."""

from __future__ import annotations

from agents.registry import AGENTS
from rag.lexical import script
from workbench.errors import InvalidInput
from workbench.events import Routed
from workbench.settings import Settings


def route(question: str, settings: Settings, mode: str = "auto") -> Routed:
    """The chosen mode, or for `auto` the documents of the chosen collection. Raises InvalidInput for another mode."""
    if mode in AGENTS:
        return Routed(mode, "you chose it" if script(question) == "en" else "由你指定")
    if mode != "auto":
        raise InvalidInput(f"There is no mode {mode}.", f"Use auto or one of: {', '.join(AGENTS)}.")
    reason = f"searched the collection {settings.collection}"
    return Routed("documents", reason if script(question) == "en" else f"检索了知识库 {settings.collection}")

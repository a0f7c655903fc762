"""The choice of the tuned model in the chat's sidebar."""

from __future__ import annotations

import streamlit as st

from agents.tuned.agent import talking_runs
from workbench.settings import Settings
from workbench.ui.models import reachable_models, with_chosen
from workbench.ui.widgets import both, choices


def choose_tuned(settings: Settings, asked: bool) -> None:
    """Shown only where the tuned model is asked: which run, or which published model."""
    if not asked:
        return
    published = [name for name in reachable_models(settings) if name.startswith("ollama:")]
    options = list(dict.fromkeys(["auto", *talking_runs(settings), *published]))
    options = with_chosen(options, settings.tuned)
    # Streamlit keeps the text of a choice, so the newest run's name cannot stand in it
    newest = both("Newest run", "最新训练")
    choices()["tuned"] = st.selectbox(
        both("Tuned model", "微调模型"),
        options,
        index=options.index(settings.tuned),
        key="tuned",
        format_func=lambda name: newest if name == "auto" else name,
    )

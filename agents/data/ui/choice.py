"""The choice of the database in the chat's sidebar."""

from __future__ import annotations

import streamlit as st

from agents.databases.sources import list_sources
from workbench.settings import Settings
from workbench.ui.widgets import both, choices


def choose_source(settings: Settings, asked: bool) -> None:
    """Shown only where several databases exist: which one answers."""
    names = [source.name for source in list_sources(settings)]
    if len(names) < 2:
        return
    chosen = settings.source if settings.source in names else names[0]
    choices()["source"] = st.selectbox(
        both("Database", "数据源"),
        names,
        index=names.index(chosen),
        key="source",
    )

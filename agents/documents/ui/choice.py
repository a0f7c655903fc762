"""The choice of the collection in the chat's sidebar."""

from __future__ import annotations

import streamlit as st

from rag.catalogue import Catalogue
from workbench.settings import Settings
from workbench.ui.widgets import both, choices


def choose_collection(settings: Settings, asked: bool) -> None:
    """Always shown: dropped files go into the chosen collection too, whoever answers."""
    names = Catalogue(settings.folder() / "index.db").names()
    if settings.collection not in names:
        names.insert(0, settings.collection)
    choices()["collection"] = st.selectbox(
        both("Collection", "知识库"),
        names,
        index=names.index(settings.collection),
        key="collection",
    )

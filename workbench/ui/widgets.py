"""The shared pieces of a page, imported from here: how it begins, its language, errors and jobs."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from workbench.settings import Settings
from workbench.ui.appearance import arrange_sidebar, show_sidebar_foot
from workbench.ui.changes import announce, show_change
from workbench.ui.example import offer_example_model
from workbench.ui.jobs import cancel_button, show_job, show_jobs
from workbench.ui.selecting import choose, choose_view, fold, select
from workbench.ui.session import (
    both,
    choices,
    default_settings,
    language,
    language_switch,
    page_settings,
    signed_in,
    told,
)
from workbench.ui.text import blocks, place_name, plain, safe, sentence, show_error, shows_errors

__all__ = [
    "ICON",
    "announce",
    "arrange_sidebar",
    "begin_page",
    "blocks",
    "both",
    "cancel_button",
    "choices",
    "choose",
    "choose_view",
    "default_settings",
    "fold",
    "language",
    "language_switch",
    "offer_example_model",
    "page_settings",
    "place_name",
    "plain",
    "safe",
    "select",
    "sentence",
    "show_change",
    "show_error",
    "show_job",
    "show_jobs",
    "show_sidebar_foot",
    "shows_errors",
    "signed_in",
    "told",
    "translate_uploader",
]

# a Material icon here would be asked of a foreign host by the browser
ICON = str(Path(__file__).with_name("icon.svg"))
# Streamlit's upload field has its two texts in English only
CHINESE_UPLOADER = """
<style>
[data-testid=stFileUploaderDropzone] button p,
[data-testid=stFileUploaderDropzone] button div { font-size: 0 }
[data-testid=stFileUploaderDropzone] button p::after { content: '选择文件'; font-size: 1rem }
[data-testid=stFileUploaderDropzoneInstructions] { display: none }
</style>
"""
# a table's own buttons float over what stands above it, and on a phone a touch brings them up
PHONE = """
<style>
@media (max-width: 640px) { [data-testid=stElementToolbar] { display: none } }
</style>
"""


def begin_page(title: str) -> Settings:
    """Begin a page other than the chat: jobs and language at its side, its title; its settings."""
    settings = page_settings()
    translate_uploader()
    st.html(PHONE)
    with st.sidebar:
        arrange_sidebar()
        show_sidebar_foot(settings)
    st.title(title)
    show_change()
    return settings


def translate_uploader() -> None:
    """On a Chinese page, give Streamlit's upload field Chinese texts."""
    if language() == "zh":
        st.html(CHINESE_UPLOADER)

"""Another page's wish to publish a run -> the Models page with that run selected."""

from __future__ import annotations

import streamlit as st

from deploy.ui.made import PAGE
from workbench.ui.selecting import select

RUN = "publish_run"  # the selector of what is published


def publish_run(name: str) -> None:
    """Open the page with the run in the form."""
    select(RUN, name)
    st.switch_page(PAGE)

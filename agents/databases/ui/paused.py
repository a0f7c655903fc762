"""A source that is paused: why, and the button that goes on."""

from __future__ import annotations

import streamlit as st

from agents.databases.pausing import paused_sentence, resume
from agents.databases.sources import DataSource
from workbench.settings import Settings
from workbench.ui import text
from workbench.ui.widgets import announce, both, shows_errors


def show_paused(settings: Settings, source: DataSource) -> None:
    """A warning with a button; nothing where the source is not paused."""
    why = paused_sentence(source, settings)
    if why is None:
        return
    st.warning(text.sentence(why), icon=":material/pause_circle:")
    resumes = st.button(
        both("Ask it again now", "立即恢复提问"),
        icon=":material/play_arrow:",
        key="resume_source",
        help=both(
            "Without this it is asked again once that query has ended on the server.",
            "否则，待该查询在服务器上结束后自动恢复。",
        ),
    )
    if resumes:
        with shows_errors():
            resume(source, settings)
            announce(both(f"{source.name} is asked again", f"已恢复对 {source.name} 的提问"))
            st.rerun()

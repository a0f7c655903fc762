"""One answer as a person reads it: reason, thinking, table, text, notices, query, sources."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from agents.databases.ui.result import edit_query, show_rows
from agents.display import busy_text, last_of, of_kind, text_beside_tables
from agents.markdown import cited, safe
from agents.ui.sources import show_sources
from workbench.chat import events as kinds
from workbench.chat.events import Event
from workbench.settings import Settings
from workbench.ui.widgets import both, plain, show_error, told

CURSOR = " ▍"


def show_events(
    events: Sequence[Event], settings: Settings, key: str, growing: bool = False
) -> None:
    """The events of one answer, top to bottom."""
    text = text_beside_tables(events)
    sources = of_kind(events, kinds.Source)
    routed = last_of(events, kinds.Routed)
    if routed:
        st.caption(f":material/alt_route: {plain(routed.reason)}")
    _show_thinking(events, open_now=growing and not text)
    for number, event in enumerate(events):
        if isinstance(event, kinds.Table):  # the result stands before what is said about it
            show_rows(event.columns, event.rows, event.truncated, f"table-{key}-{number}")
    if text:
        numbers = {source.number for source in sources}
        cursor = CURSOR if growing else ""
        st.markdown(cited(safe(text), numbers) + cursor)
    elif growing:
        st.caption(both(*busy_text(events)))
    for notice in of_kind(events, kinds.Notice):
        st.caption(f":material/info: {plain(told(notice.text))}")
    for number, event in enumerate(events):
        _show_rest(event, settings, f"{key}-{number}", growing)
    if sources and not growing:
        show_sources(sources, text, settings, key)


def _show_thinking(events: Sequence[Event], open_now: bool) -> None:
    thoughts = "".join(thought.text for thought in of_kind(events, kinds.Thought))
    if not thoughts:
        return
    label = both("Thinking", "思考过程")
    with st.expander(label, expanded=open_now, icon=":material/psychology:"):
        st.markdown(safe(thoughts))


def _show_rest(event: Event, settings: Settings, key: str, growing: bool) -> None:
    """What stands below the text: query, chart, error."""
    if isinstance(event, kinds.Query):
        with st.expander(both("SQL", "SQL 语句"), icon=":material/database:"):
            if growing:  # a field to edit would lose its text at each redrawing
                st.code(event.sql, language="sql", wrap_lines=True)
            else:
                edit_query(event.sql, event.source, settings, f"sql-{key}")
    elif isinstance(event, kinds.Chart):
        st.vega_lite_chart(event.spec)
    elif isinstance(event, kinds.Failed):
        show_error(event.problem, event.fix)

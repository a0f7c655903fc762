"""One answer as a person reads it: reason, thinking, table, text, notices, query, sources."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import streamlit as st

from agents.databases.ui.result import edit_query, show_rows
from agents.display import busy_text, of_kind, text_beside_tables
from agents.markdown import citations, parts
from agents.registry import AGENTS
from agents.ui.sources import show_sources
from agents.ui.steps import show_steps
from workbench.chat import events as kinds
from workbench.chat.events import Event
from workbench.settings import Settings
from workbench.ui.charts import show_chart
from workbench.ui.widgets import blocks, both, plain, safe, sentence, show_error

CURSOR = " ▍"
READING_BLIND = ("The answer is being written…", "正在生成回答…")


def show_events(
    events: Sequence[Event],
    settings: Settings,
    key: str,
    growing: bool = False,
    said: Collection[str] = (),
    hidden: bool = False,
    place: int = 0,
) -> None:
    """The events of one answer, top to bottom. Notices that the chat has `said` are left out.

    `hidden` leaves out who answers. `place` is that of the question in the line, 0 for none.
    """
    text = text_beside_tables(events)
    sources = of_kind(events, kinds.Source)
    # a second one: the first agent found nothing
    for routed in [] if hidden else of_kind(events, kinds.Routed):
        st.caption(f":material/alt_route: {plain(routed.reason)}")
    _show_thinking(events, open_now=growing and not text)
    show_steps(events, key, growing, lambda nested, inner: show_events(nested, settings, inner))
    for number, event in enumerate(events):
        if isinstance(event, kinds.Table):  # the result stands before what is said about it
            show_rows(event.columns, event.rows, event.truncated, f"table-{key}-{number}")
    if text:
        numbers = {source.number for source in sources}
        _show_text(blocks(text, citations(numbers, key)), growing)
    elif growing and place:
        st.caption(f":material/hourglass: {both(*waiting_text(place))}")
    elif growing:
        st.caption(plain(both(*(READING_BLIND if hidden else busy_text(events)))))
    for notice in of_kind(events, kinds.Notice):
        if notice.text not in said:
            st.caption(f":material/info: {sentence(notice.text)}")
    for folded in of_kind(events, kinds.Folded):
        _show_folded(folded)
    for number, event in enumerate(events):
        _show_rest(event, settings, f"{key}-{number}", growing)
    if sources and not growing:
        show_sources(sources, text, settings, key)


def waiting_text(place: int) -> tuple[str, str]:
    """English and Chinese: what a question in the line is told."""
    if place == 1:
        return "Yours is the next question to be answered…", "排队中，您的问题排在第 1 位…"
    return (
        f"Yours is number {place} of the questions that wait…",
        f"排队中，您的问题排在第 {place} 位…",
    )


def standing_notices(events: Sequence[Event]) -> set[str]:
    """What the answer says about how things are: it need not be said again in this chat."""
    return {notice.text for notice in of_kind(events, kinds.Notice) if notice.standing}


def take_suggestion() -> tuple[str, str] | None:
    """(mode, question) of the suggestion that was just pressed."""
    return st.session_state.pop("suggestion", None)


def _show_text(shown: Sequence[str], growing: bool) -> None:
    """In parts: the browser draws those again that have changed, while an answer grows the last."""
    *whole, last = parts(shown)
    for part in whole:
        st.markdown(part)
    if growing:
        # after the end of code, a formula, a rule or a table there is no place in the same line
        last += CURSOR if not last.endswith(("`", "$", "_", "|")) else f"\n\n{CURSOR}"
    st.markdown(last)


def _show_thinking(events: Sequence[Event], open_now: bool) -> None:
    thoughts = "".join(thought.text for thought in of_kind(events, kinds.Thought))
    if not thoughts:
        return
    label = both("Thinking", "思考过程")
    with st.expander(label, expanded=open_now, icon=":material/psychology:"):
        for part in parts(blocks(thoughts)):
            st.markdown(part)


def _show_folded(folded: kinds.Folded) -> None:
    """What the model wrote and the answer leaves out."""
    label = f"{sentence(folded.reason)} {both('Show it', '点击查看')}"
    with st.expander(label, icon=":material/block:"):
        st.markdown(safe(folded.text))


def _show_rest(event: Event, settings: Settings, key: str, growing: bool) -> None:
    """What stands below the text: query, chart, suggestions, error."""
    if isinstance(event, kinds.Query):
        with st.expander(both("SQL", "SQL 语句"), icon=":material/database:"):
            if growing:  # a field to edit would lose its text at each redrawing
                st.code(event.sql, language="sql", wrap_lines=True)
            else:
                edit_query(event.sql, event.source, settings, f"sql-{key}")
    elif isinstance(event, kinds.Chart):
        show_chart(event.spec)
    elif isinstance(event, kinds.Suggestions):
        _show_suggestions(event, key, growing)
    elif isinstance(event, kinds.Failed):
        show_error(event.problem, event.fix)


def _show_suggestions(suggested: kinds.Suggestions, key: str, growing: bool) -> None:
    """Each a button that asks the question of the agent that knows it."""
    with st.container(key=f"suggestions-{key}"):
        for number, (mode, question) in enumerate(suggested.questions):
            st.button(
                plain(question),
                icon=AGENTS[mode].icon if mode in AGENTS else None,
                key=f"suggestion-{key}-{number}",
                disabled=growing,
                on_click=_suggest,
                args=(mode, question),
            )


def _suggest(mode: str, question: str) -> None:
    st.session_state["suggestion"] = (mode, question)

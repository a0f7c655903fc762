"""One message of a chat as a person reads it: reason, thinking, text, citations, table, chart, quiet actions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from agents.databases.ui.result import edit_query, show_rows
from agents.registry import AGENTS
from workbench.chat.conversations import Conversations, Message
from workbench.chat.events import (
    Chart,
    Done,
    Event,
    Failed,
    Query,
    Routed,
    Source,
    Table,
    Thought,
    Token,
)
from workbench.models.names import NONE
from workbench.settings import Settings
from workbench.ui.widgets import both, place_name, plain, show_error

FAILED_STATES = {
    "stopped": ("Stopped.", "已停止。"),
    "interrupted": (
        "The app was restarted while this was written.",
        "应用在生成过程中重启，回答不完整。",
    ),
}
CHOOSING = ("Choosing who answers…", "正在选择由谁回答…")
READING = ("Reading the sources…", "正在阅读来源…")
NEITHER = 0  # no message has this number


def show_events(
    events: Sequence[Event], settings: Settings, key: str, growing: bool = False
) -> None:
    """The events of one answer, top to bottom."""
    routed = next((event for event in events if isinstance(event, Routed)), None)
    if routed:
        st.caption(f":material/alt_route: {plain(routed.reason)}")
    thoughts = "".join(event.text for event in events if isinstance(event, Thought))
    text = _shown_text(events)
    if thoughts:
        with st.expander(
            both("Thinking", "思考过程"),
            expanded=growing and not text,
            icon=":material/psychology:",
        ):
            st.markdown(safe(thoughts))
    for number, event in enumerate(events):
        if isinstance(event, Table):  # the result stands before what is said of it
            show_rows(event.columns, event.rows, event.truncated, f"table-{key}-{number}")
    sources = [event for event in events if isinstance(event, Source)]
    if text:
        st.markdown(cited(safe(text), sources) + (" ▍" if growing else ""))
    elif growing:
        busy = AGENTS[routed.mode].busy if routed else CHOOSING
        st.caption(both(*READING) if sources else both(*busy))
    for number, event in enumerate(events):
        if isinstance(event, Query):
            with st.expander(both("SQL", "SQL 语句"), icon=":material/database:"):
                if growing:
                    st.code(event.sql, language="sql", wrap_lines=True)
                else:
                    edit_query(event.sql, event.source, settings, f"sql-{key}-{number}")
        elif isinstance(event, Chart):
            st.vega_lite_chart(event.spec)
        elif isinstance(event, Failed):
            show_error(event.problem, event.fix)
    if sources and not growing:
        show_sources(sources, text, settings, key)


def _shown_text(events: Sequence[Event]) -> str:
    """The text; a result stands in it for readers of text, and where it is drawn as a table it need not stand there twice."""
    parts = []
    for event, after in zip(events, [*events[1:], None], strict=False):
        if isinstance(event, Token):
            lines = (
                event.text.splitlines(keepends=True) if isinstance(after, Table) else [event.text]
            )
            parts += [
                line for line in lines if not (isinstance(after, Table) and line.startswith("|"))
            ]
    return "".join(parts)


def safe(text: str) -> str:
    """A model's Markdown without what reaches out or hides: pictures, raw HTML, accidental formulas."""
    text = re.sub(r"!\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("![", "[")
    text = re.sub(r"<(?=[a-zA-Z/!])", "&lt;", text)
    return re.sub(r"\$(?=\d)", r"\\$", text)


def cited(text: str, sources: Sequence[Source]) -> str:
    """Citations as small badges, so that they read apart from the text."""
    known = {event.number for event in sources}
    return re.sub(
        r"\[(\d+)\]",
        lambda match: f":primary-badge[{match[1]}]" if int(match[1]) in known else match[0],
        text,
    )


def show_sources(sources: Sequence[Source], text: str, settings: Settings, key: str) -> None:
    """The cited passages first, each opening in its place; the others that were read fold away."""
    named = {int(number) for number in re.findall(r"\[(\d+)\]", text)}
    first = [event for event in sources if event.number in named] or list(sources[:3])
    rest = [event for event in sources if event not in first]
    with st.container(horizontal=True, key=f"sources-{key}"):
        for event in first:
            _source_button(event, settings, key)
    if rest:
        with st.expander(
            both(f"{len(rest)} more passages were read", f"还参考了 {len(rest)} 个段落")
        ):
            for event in rest:
                _source_button(event, settings, key)


def _source_button(event: Source, settings: Settings, key: str) -> None:
    place = place_name(event.locator).split(" · ")[0].split(" › ")[-1] if event.locator else ""
    label = f"[{event.number}] {Path(event.source).name}" + (f" · {place}" if place else "")
    if st.button(
        plain(label),
        key=f"source-{key}-{event.number}",
        type="secondary",
        icon=":material/description:",
    ):
        open_passage(event, settings)


def open_passage(event: Source, settings: Settings) -> None:
    """The passage where it stands: what comes before and after it in the document."""
    title = plain(Path(event.source).name)
    st.dialog(title, width="large")(_passage)(event, settings)


def _passage(event: Source, settings: Settings) -> None:
    from rag.store import open_collection
    from workbench.errors import NotFound

    st.caption(plain(place_name(event.locator)))
    try:
        passages = open_collection(settings, event.collection).document(event.source)
    except NotFound:
        passages = []
    here = next(
        (row for row, passage in enumerate(passages) if passage.id == event.passage_id), None
    )
    if here is None:
        st.info(
            both(
                "The document has changed since; this is what was read.",
                "文档之后已变更，以下为当时引用的内容。",
            )
        )
        st.markdown(_highlighted(event.text))
        return
    for passage in passages[max(0, here - 2) : here + 3]:
        if passage.id == event.passage_id:
            with st.container(border=True, key="passage-here"):
                st.markdown(_highlighted(passage.text))
        else:
            st.markdown(_lines(passage.text))


def _highlighted(text: str) -> str:
    return "  \n".join(
        f":orange-background[{plain(line)}]" for line in text.splitlines() if line.strip()
    )


def _lines(text: str) -> str:
    return "  \n".join(plain(line) for line in text.splitlines() if line.strip())


def show_actions(message: Message, conversations: Conversations) -> str:
    """The quiet row under an answer; returns what is asked for: `again`, the mode of another agent, or nothing."""
    asked = ""
    with st.container(horizontal=True, vertical_alignment="center", key=f"actions-{message.id}"):
        with st.popover(
            "", icon=":material/content_copy:", type="tertiary", help=both("Copy", "复制")
        ):
            st.code(message.content, language=None, wrap_lines=True)
        st.feedback(
            "thumbs",
            key=f"rate-{message.id}",
            default={1: 1, -1: 0}.get(message.rating),
            on_change=_rate,
            args=(message, conversations),
        )
        if message.rating < 0:
            _correct(message, conversations)
        label = both("Answer again", "重新回答")
        if st.button(
            "", icon=":material/refresh:", type="tertiary", help=label, key=f"again-{message.id}"
        ):
            asked = "again"
        others = {mode: agent for mode, agent in AGENTS.items() if mode != message.agent}
        with st.popover(
            "",
            icon=":material/alt_route:",
            type="tertiary",
            help=both("Ask another instead", "改由其他方式回答"),
        ):
            for mode, agent in others.items():
                label = both(f"Ask {agent.english} instead", f"改由{agent.chinese}回答")
                if st.button(label, key=f"reroute-{message.id}-{mode}", type="tertiary"):
                    asked = mode
        if done := next((event for event in message.events if isinstance(event, Done)), None):
            _lineage(message, done)
    if message.state in FAILED_STATES:
        st.caption(both(*FAILED_STATES[message.state]))
    return asked


def show_vote(question: Message, answers: Sequence[Message], conversations: Conversations) -> None:
    """Which of the answers side by side was better; kept, and changeable."""
    names = {
        answer.id: both(f"{place} is better", f"{zh}更好")
        for answer, place, zh in zip(answers, ("Left", "Right"), ("左边", "右边"), strict=False)
    }
    names[NEITHER] = both("Neither", "难分高下")
    votes = conversations.votes()
    before = (votes[question.id] or NEITHER) if question.id in votes else None
    st.segmented_control(
        both("Which answer is better?", "哪个回答更好？"),
        list(names),
        format_func=names.__getitem__,
        default=before if before in names else None,
        key=f"vote-{question.id}",
        on_change=_vote,
        args=(question.id, conversations),
    )


def _vote(question: int, conversations: Conversations) -> None:
    chosen = st.session_state[f"vote-{question}"]
    if chosen is not None:
        conversations.vote(question, None if chosen == NEITHER else chosen)


def _rate(message: Message, conversations: Conversations) -> None:
    chosen = st.session_state.get(f"rate-{message.id}")
    conversations.rate(
        message.id, {1: 1, 0: -1}.get(chosen, 0) if chosen is not None else 0, message.correction
    )


def _correct(message: Message, conversations: Conversations) -> None:
    with st.popover(
        both("What would have been right?", "正确的回答是？"),
        icon=":material/edit_note:",
        type="tertiary",
    ):
        text = st.text_area(
            both("The right answer (optional)", "正确答案（可选）"),
            message.correction,
            key=f"correction-{message.id}",
        )
        if st.button(both("Save", "保存"), key=f"save-{message.id}", type="primary"):
            conversations.rate(message.id, -1, text)
            st.toast(both("Saved. It can become training data.", "已保存，可用作训练数据。"))


def _lineage(message: Message, done: Done) -> None:
    with st.popover(
        "",
        icon=":material/account_tree:",
        type="tertiary",
        help=both("What this rests on", "回答依据"),
    ):
        facts: dict[str, Any] = {"model": done.model, "mode": message.mode, **done.lineage}
        st.json(facts)
    speed = (
        f" · {done.tokens / done.seconds:.0f} {both('tokens/s', '词元/秒')}"
        if done.tokens and done.seconds
        else ""
    )
    model = both("no model", "无模型") if done.model == NONE else done.model
    st.caption(f"{model} · {done.seconds:.1f} {both('s', '秒')}{speed}")

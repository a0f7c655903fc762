"""The chat: a question, its streamed answer, and everything that can be done with both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from agents.asking import SIDE_BY_SIDE, ask, start_answers, warm, warm_tuned
from agents.examples import example_questions
from agents.registry import AGENTS
from agents.tuned.agent import talking_runs
from agents.ui.message import show_actions, show_events, show_vote
from agents.ui.sidebar import current_conversation, open_conversation, show_sidebar
from workbench.chat.conversations import Conversations, Message, exchanges
from workbench.chat.streams import OWNER, STREAMS
from workbench.jobs.job import Job, start
from workbench.settings import Settings
from workbench.ui.uploads import save_uploads
from workbench.ui.widgets import (
    both,
    language,
    offer_example_model,
    page_settings,
    plain,
    shows_errors,
)

TUNED_MODES = ("tuned", SIDE_BY_SIDE)
REDRAWN_EVERY = 0.25  # seconds, while an answer grows


def page() -> None:
    settings = page_settings()
    conversations = _conversations(str(settings.database))
    show_sidebar(settings, conversations)
    settings = page_settings()  # with what was just chosen
    _warm(settings, str(settings.home), settings.collection)
    if _mode() in TUNED_MODES and talking_runs(settings):
        _warm_tuned(settings, str(settings.home), settings.tuned)
    conversation = current_conversation()
    messages = conversations.messages(conversation) if conversation else []
    messages = STREAMS.as_they_ended(messages)
    if not messages:
        _show_welcome(settings, conversations)
    if (not messages or _mode() in TUNED_MODES) and not talking_runs(settings):
        _offer_tuned_model(settings)
    for question, answers in exchanges(messages):
        _show_question(question, settings, conversations)
        _show_answers(question, answers, settings, conversations)
    _show_composer(settings, conversations, conversation, messages)


@st.cache_resource(show_spinner=False)
def _conversations(path: str) -> Conversations:
    """Opened once per server; answers of an earlier run that never ended are marked."""
    conversations = Conversations(Path(path))
    conversations.interrupt_others(OWNER)
    return conversations


@st.cache_resource(show_spinner=False)
def _warm(_settings: Settings, _home: str, collection: str) -> None:
    """Once per server and collection."""
    warm(_settings)


@st.cache_resource(show_spinner=False)
def _warm_tuned(_settings: Settings, _home: str, tuned: str) -> None:
    """Once per server and model, as soon as its mode is chosen."""
    warm_tuned(_settings)


def _show_welcome(settings: Settings, conversations: Conversations) -> None:
    st.title(both("What would you like to know?", "想了解什么？"))
    st.markdown(
        both(
            "Your documents, your databases and the models you tune answer here, and each says what it rests on.  \n"
            "Drop files into the box below, or try one of these:",
            "文档、数据库和微调模型都在这里回答，并说明依据。  \n把文件拖进下方的输入框，或者先试试这些问题：",
        )
    )
    for number, (mode, question) in enumerate(example_questions(settings, language())):
        if st.button(plain(question), key=f"example-{number}", icon=AGENTS[mode].icon):
            _ask(question, settings, conversations, None)


def _offer_tuned_model(settings: Settings) -> None:
    """A first tuned model by one click; the question then goes to it and to the documents side by side."""
    with st.container(border=True, key="offer"):
        st.markdown(
            both(
                "**No model is tuned yet.** Teach a small one what an example holds, and compare it with your documents.",
                "**还没有微调模型。** 先用示例教一个小模型，再与文档对比。",
            )
        )
        if offer_example_model(settings):
            st.session_state["mode"] = SIDE_BY_SIDE
            st.rerun()


def _show_question(message: Message, settings: Settings, conversations: Conversations) -> None:
    with st.chat_message("user", avatar=":material/person:"):
        if st.session_state.get("editing") != message.id:
            shown, action = st.columns([12, 1])
            shown.markdown(plain(message.content).replace("\n", "  \n"))
            label = both("Edit and ask again", "修改后重新提问")
            if action.button(
                "", icon=":material/edit:", type="tertiary", help=label, key=f"edit-{message.id}"
            ):
                st.session_state["editing"] = message.id
                st.rerun()
            return
        text = st.text_area(
            both("Your question", "你的问题"), message.content, key=f"text-{message.id}"
        )
        with st.container(horizontal=True):
            if (
                st.button(both("Ask again", "重新提问"), type="primary", key=f"resend-{message.id}")
                and text.strip()
            ):
                conversations.supersede_from(message.id)
                _ask(text, settings, conversations, message.conversation)
            if st.button(both("Cancel", "取消"), key=f"keep-{message.id}"):
                del st.session_state["editing"]
                st.rerun()


def _show_answers(
    question: Message, answers: list[Message], settings: Settings, conversations: Conversations
) -> None:
    """One answer, or two in columns with a vote under them."""
    again = ""
    columns = st.columns(len(answers)) if len(answers) > 1 else [st.container()] * len(answers)
    for column, answer in zip(columns, answers, strict=True):
        with column:
            if len(answers) > 1:
                agent = AGENTS[answer.mode]
                st.markdown(f"**{both(agent.english, agent.chinese)}**")
            again = _show_answer(answer, settings, conversations) or again
    if len(answers) > 1 and all(answer.state != "streaming" for answer in answers):
        show_vote(question, answers, conversations)
    if again:
        conversations.supersede_from(answers[0].id)
        if again in AGENTS:
            conversations.reroute(question.content, again)
        same = SIDE_BY_SIDE if len(answers) > 1 else answers[0].mode
        start_answers(question.id, again if again in AGENTS else same, settings, conversations)
        st.rerun()


def _show_answer(message: Message, settings: Settings, conversations: Conversations) -> str:
    """Draw it; what is asked for: `again`, the mode of another agent, or nothing."""
    with st.chat_message("assistant", avatar=":material/forum:"):
        if message.state == "streaming":
            st.fragment(_growing, run_every=REDRAWN_EVERY)(message.id, settings, conversations)
            return ""
        show_events(message.events, settings, str(message.id))
        return show_actions(message, conversations)


def _growing(message: int, settings: Settings, conversations: Conversations) -> None:
    """Redraws only itself. The answer grows in its own thread, so nothing here can interrupt it."""
    stream = STREAMS.get(message)
    ended = stream.ended.is_set() if stream else conversations.message(message).state != "streaming"
    if ended:
        st.rerun()
    events = list(stream.events) if stream else conversations.message(message).events
    show_events(events, settings, f"growing-{message}", growing=True)
    if (
        st.button(both("Stop", "停止"), icon=":material/stop_circle:", key=f"stop-{message}")
        and stream
    ):
        stream.stop()


def _show_composer(
    settings: Settings,
    conversations: Conversations,
    conversation: int | None,
    messages: list[Message],
) -> None:
    labels = {"auto": both("Auto", "自动")}
    labels |= {mode: both(agent.english, agent.chinese) for mode, agent in AGENTS.items()}
    labels[SIDE_BY_SIDE] = both("Side by side", "并排对比")
    st.session_state.setdefault("mode", "auto")  # another page may have chosen already
    with st.bottom:
        st.segmented_control(
            both("Who answers", "由谁回答"),
            list(labels),
            format_func=labels.__getitem__,
            key="mode",
            label_visibility="collapsed",
            required=True,
        )
    sent = st.chat_input(  # not inside st.bottom: placed there by Streamlit itself, it keeps the newest answer in view
        both("Ask a question, or drop files here", "输入问题，或将文件拖到这里"),
        accept_file="multiple",
        key="question",
        disabled=any(message.state == "streaming" for message in messages),
    )
    if sent:
        with shows_errors():
            files: list[Any] = list(sent.files)
            job = _ingest(settings, files) if files else None
            names = ", ".join(file.name for file in files)
            text = sent.text.strip() or both(f"What is in {names}?", f"{names} 里有什么内容？")
            _ask(text, settings, conversations, conversation, job)


def _ingest(settings: Settings, files: list[Any]) -> Job:
    paths = save_uploads(settings, settings.collection, files)
    title = both(
        f"Reading {len(paths)} file{'s'[: len(paths) > 1]}", f"正在读取 {len(paths)} 个文件"
    )
    return start(
        settings,
        title,
        ["rag", "ingest", *map(str, paths), "--collection", settings.collection, "--json"],
    )


def _ask(
    text: str,
    settings: Settings,
    conversations: Conversations,
    conversation: int | None,
    job: Job | None = None,
) -> None:
    open_conversation(ask(text, _mode(), settings, conversations, conversation, job))


def _mode() -> str:
    return st.session_state.get("mode") or "auto"


page()

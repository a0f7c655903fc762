"""The chat page: a question, its streamed answer, and everything that can be done with both."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import streamlit as st

from agents.asking import answer_again, ask, ask_edited, warm_up
from agents.attached import forget_gone
from agents.beside import arm_label, arm_of, hides_names, modes_asked
from agents.display import context_fill, context_words
from agents.examples import example_questions
from agents.registry import AGENTS, AUTO, SIDE_BY_SIDE
from agents.replay import is_replay
from agents.ui.actions import show_actions, show_versions
from agents.ui.attachments import attach, show_attached
from agents.ui.chosen import beside, chat_settings, follow_chat, keep_choices
from agents.ui.composer import Sent, show_composer
from agents.ui.earlier import latest
from agents.ui.habits import show_habits
from agents.ui.message import show_events, standing_notices, take_suggestion
from agents.ui.presets import preset_cards
from agents.ui.rating import show_vote
from agents.ui.replay import show_replay
from agents.ui.sidebar import current_conversation, open_conversation, show_sidebar
from workbench.chat.conversations import Conversations, Message, exchanges
from workbench.chat.streams import OWNER, STREAMS
from workbench.room import check_room
from workbench.settings import Settings
from workbench.storage.place import Place
from workbench.ui.session import count_answer
from workbench.ui.uploads import size_of
from workbench.ui.widgets import both, language, page_settings, plain, show_change, shows_errors

# what stands over answers while the names of who gave them are hidden
SIDES = (("Left", "左边"), ("Right", "右边"))
REDRAWN_EVERY = 0.25  # seconds, while an answer grows
DRAWN_AT_ONCE = 4  # answers; more of them are redrawn less often, or they take all of the server


def page() -> None:
    settings = page_settings()
    conversations = _conversations(str(settings.database), settings.database)
    show_sidebar(settings, conversations)
    conversation = current_conversation()
    follow_chat(conversation, conversations, settings)
    settings = chat_settings()
    show_change()
    warm_up(_mode(), settings, beside())
    messages = conversations.messages(conversation) if conversation else []
    messages = STREAMS.as_they_ended(conversations, messages)
    if conversation and is_replay(messages):
        show_replay(conversation, conversations)
    if not messages:
        _show_welcome(settings, conversations)
    _show_offers(settings, begun=bool(messages))
    said: set[str] = set()  # what need not be said again in this chat
    shown = latest(exchanges(messages), conversation)
    for question, answers in shown:
        _show_question(question, settings, conversations)
        _show_answers(question, answers, settings, conversations, said)
    _show_fill(messages, settings)
    answered = [answer for _, answers in shown for answer in answers]
    show_habits(answered, st.session_state.get("editing"))
    busy = any(message.state == "streaming" for message in messages)
    sent = show_composer(settings, busy)
    if sent:
        with shows_errors():
            _ask_with_files(sent, settings, conversations, conversation)
    suggestion = take_suggestion()
    if suggestion and not busy:
        mode, text = suggestion
        with shows_errors():
            _ask(text, settings, conversations, conversation, mode)


@st.cache_resource(show_spinner=False)
def _conversations(name: str, _place: Place) -> Conversations:
    """Opened once per server; answers of an earlier run that never ended are marked."""
    conversations = Conversations(_place)
    conversations.interrupt_others(OWNER)
    forget_gone(page_settings(), conversations)
    return conversations


def _show_welcome(settings: Settings, conversations: Conversations) -> None:
    st.title(both("What would you like to know?", "想了解什么？"))
    st.markdown(
        both(
            "Your documents, your databases and the models you tune answer here, and each says "
            "what it rests on.",
            "文档、数据库和微调模型都在这里回答，并说明依据。",
        )
    )
    examples = example_questions(settings, language())
    if examples:
        st.markdown(
            both(
                "Drop files into the box below, or try one of these:",
                "把文件拖进下方的输入框，或者先试试这些问题：",
            )
        )
    else:  # nothing to ask about yet
        st.markdown(
            both(
                "Drop files into the box below, and ask what is in them.",
                "把文件拖进下方的输入框，然后提问。",
            )
        )
    for number, (mode, question) in enumerate(examples):
        if st.button(plain(question), key=f"example-{number}", icon=AGENTS[mode].icon):
            with shows_errors():
                _ask(question, settings, conversations, None)
    preset_cards(settings)
    st.caption(both("Press ? to see the keys.", "按 ? 查看快捷键。"))


def _show_offers(settings: Settings, begun: bool) -> None:
    """A first asset by one click, for agents without one: in an empty chat, or asked by name.

    The next question then goes to that agent, beside the others where it can stand there.
    """
    if settings.role == "reader":
        return
    arms = modes_asked(SIDE_BY_SIDE, beside())
    for mode, agent in AGENTS.items():
        if begun and mode not in modes_asked(_mode(), beside()):
            continue
        if agent.draw_offer(settings):
            st.session_state["mode"] = SIDE_BY_SIDE if mode in arms else mode
            st.rerun()


def _show_question(message: Message, settings: Settings, conversations: Conversations) -> None:
    with st.chat_message("user", avatar=":material/person:"):
        if st.session_state.get("editing") == message.id:
            _edit_question(message, settings, conversations)
            return
        with st.container(horizontal=True, key=f"asked-{message.id}"):
            st.markdown(plain(message.content).replace("\n", "  \n"))
            label = both("Edit and ask again", "修改后重新提问")
            pressed = st.button(
                label, icon=":material/edit:", type="tertiary", help=label, key=f"edit-{message.id}"
            )
        show_attached(message, settings, conversations)
        if pressed:
            st.session_state["editing"] = message.id
            st.rerun()
        show_versions(message, conversations)


def _edit_question(message: Message, settings: Settings, conversations: Conversations) -> None:
    label = both("Your question", "你的问题")
    with st.form(f"edited-{message.id}", border=False):
        text = st.text_area(label, message.content, key=f"text-{message.id}")
        with st.container(horizontal=True):
            again = both("Ask again", "重新提问")
            resend = st.form_submit_button(again, type="primary", key=f"resend-{message.id}")
            cancel = st.form_submit_button(both("Cancel", "取消"), key=f"keep-{message.id}")
    if resend and text.strip():
        with shows_errors():
            count_answer()
            asked = ask_edited(message, text, _mode(), settings, conversations, beside())
            open_conversation(asked)
    if cancel:
        del st.session_state["editing"]
        st.rerun()


def _show_answers(
    question: Message,
    answers: list[Message],
    settings: Settings,
    conversations: Conversations,
    said: set[str],
) -> None:
    """One answer, or several in columns with a vote under them."""
    if not answers:
        return
    several = len(answers) > 1
    vote = conversations.vote_on(answers[0].id) if several else None
    hidden = hides_names(answers, vote)
    columns = st.columns(len(answers)) if several else [st.container()]
    again: str | None = None
    for place, (column, answer) in enumerate(zip(columns, answers, strict=True)):
        with column:
            if several:
                name = both(*SIDES[place]) if hidden else arm_label(arm_of(answer), language())
                st.markdown(f"**{plain(name)}**")
            asked = _show_answer(
                answer, settings, conversations, frozenset(said), not several, hidden
            )
            if asked is not None:
                again = asked
    for answer in answers:
        said |= standing_notices(answer.events)
    if several and all(answer.state != "streaming" for answer in answers):
        show_vote(question, answers, conversations, vote)
        show_versions(answers[0], conversations)
    if again is not None:
        with shows_errors():
            count_answer()
            answer_again(question, answers, settings, conversations, instead=again)
            st.rerun()


def _show_answer(
    message: Message,
    settings: Settings,
    conversations: Conversations,
    said: Collection[str],
    alone: bool,
    hidden: bool,
) -> str | None:
    """Draw it; returns who is asked to answer again (see `show_actions`)."""
    with st.chat_message("assistant", avatar=":material/forum:"):
        if message.state == "streaming":
            crowd = max(1.0, STREAMS.growing() / DRAWN_AT_ONCE)
            growing = st.fragment(_growing, run_every=REDRAWN_EVERY * crowd)
            growing(message.id, settings, conversations, said, hidden)
            return None
        show_events(message.events, settings, str(message.id), said=said, hidden=hidden)
        return show_actions(message, conversations, settings, alone, hidden)


def _growing(
    message: int,
    settings: Settings,
    conversations: Conversations,
    said: Collection[str],
    hidden: bool,
) -> None:
    """Redraws only itself. The answer grows in its own thread, so nothing here can interrupt it."""
    stream = STREAMS.get(conversations, message)
    if stream:
        ended = stream.ended.is_set()
        events = list(stream.events)
        place = stream.place
    else:  # ended in this process, or growing in another one, which may have been killed
        conversations.interrupt_others(OWNER, message)
        stored = conversations.message(message)
        ended = stored.state != "streaming"
        events = stored.events
        place = 0
    if ended:
        st.rerun()
    key = f"growing-{message}"
    show_events(events, settings, key, growing=True, said=said, hidden=hidden, place=place)
    label = both("Stop", "停止")
    if st.button(label, icon=":material/stop_circle:", key=f"stop-{message}"):
        if stream:
            stream.stop()
        else:
            conversations.stop(message)
        st.rerun()


def _show_fill(messages: Sequence[Message], settings: Settings) -> None:
    """How full the context of the model is that has answered last, in small."""
    fill = context_fill(messages, settings.context_tokens)
    if fill:
        with st.container(key="fill"):
            st.caption(plain(context_words(fill, language())), text_alignment="right")


def _ask(
    text: str,
    settings: Settings,
    conversations: Conversations,
    conversation: int | None,
    mode: str = "",
) -> None:
    """Ask, and show the conversation; an empty mode is the one that is chosen. Raises UsedUp."""
    count_answer()
    asked = ask(text, mode or _mode(), settings, conversations, conversation, beside=beside())
    _go_to(asked, settings, conversations)


def _ask_with_files(
    sent: Sent, settings: Settings, conversations: Conversations, conversation: int | None
) -> None:
    if sent.files:  # before the answer is counted or a chat made
        check_room(settings, size_of(sent.files))
    count_answer()
    if conversation is None and sent.files:
        conversation = conversations.create(sent.text)
    note = attach(sent.files, conversation, settings) if conversation and sent.files else None
    asked = ask(sent.text, _mode(), settings, conversations, conversation, note, beside=beside())
    _go_to(asked, settings, conversations)


def _go_to(conversation: int, settings: Settings, conversations: Conversations) -> None:
    keep_choices(conversation, conversations, settings)  # a new chat has had no place for them
    open_conversation(conversation)


def _mode() -> str:
    return st.session_state.get("mode") or AUTO


page()

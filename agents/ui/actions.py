"""What a person can do with an answer: copy, rate, correct, ask again or another, see its basis."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from agents.display import effort, first_of, lineage_lines, vote_labels
from agents.registry import AGENTS
from workbench.chat.conversations import Conversations, Message
from workbench.chat.events import Done
from workbench.settings import Settings
from workbench.ui.widgets import announce, both, language, plain

ENDED_EARLY = {
    "stopped": ("Stopped.", "已停止。"),
    "interrupted": (
        "The app was restarted while this was written.",
        "应用在生成过程中重启，回答不完整。",
    ),
}
RATED = {
    1: ("Rated as good.", "已评为好。"),
    -1: (
        "Rated as bad. You can write what would have been right.",
        "已评为不好，可以写下正确的回答。",
    ),
    0: ("The rating is taken back.", "已取消评价。"),
}
TRAINING = "finetune/ui/training.py"  # the page's file
SAME_AGENT = ""  # asked for again, of the agent that has answered
NEITHER = 0  # no message has this number
# Streamlit's thumbs: 0 is down, 1 is up
THUMB_OF_RATING = {1: 1, -1: 0}
RATING_OF_THUMB = {1: 1, 0: -1}


def show_actions(message: Message, conversations: Conversations, settings: Settings) -> str | None:
    """The quiet row under an answer.

    Returns who is asked to answer again: the mode of another agent, SAME_AGENT, or None.
    """
    asked: str | None = None
    with st.container(horizontal=True, vertical_alignment="center", key=f"actions-{message.id}"):
        _icon("copy", message, ":material/content_copy:", both("Copy", "复制"))  # by chat.js
        _thumbs(message, conversations, settings)
        label = both("Answer again", "重新回答")
        if _icon("again", message, ":material/refresh:", label):
            asked = SAME_AGENT
        another = _another(message)
        if another:
            asked = another
        done = first_of(message.events, Done)
        if done:
            _lineage(message, done)
    if message.state in ENDED_EARLY:
        st.caption(both(*ENDED_EARLY[message.state]))
    return asked


def _icon(name: str, message: Message, icon: str, label: str) -> bool:
    """A button that shows its icon alone; its label is read out, and shown under the pointer."""
    return st.button(label, icon=icon, type="tertiary", help=label, key=f"{name}-{message.id}")


def _thumbs(message: Message, conversations: Conversations, settings: Settings) -> None:
    st.feedback(
        "thumbs",
        key=f"rate-{message.id}",
        default=THUMB_OF_RATING.get(message.rating),
        on_change=_rate,
        args=(message, conversations),
    )
    if message.rating < 0:
        _correct(message, conversations, settings)


def _rate(message: Message, conversations: Conversations) -> None:
    thumb: int | None = st.session_state.get(f"rate-{message.id}")
    rating = 0 if thumb is None else RATING_OF_THUMB[thumb]
    conversations.rate(message.id, rating, message.correction)

    def undo() -> None:
        conversations.rate(message.id, message.rating, message.correction)
        st.session_state.pop(f"rate-{message.id}", None)

    announce(both(*RATED[rating]), undo=undo)


def _correct(message: Message, conversations: Conversations, settings: Settings) -> None:
    label = both("What would have been right?", "正确的回答是？")
    with (
        st.popover(label, icon=":material/edit_note:", type="tertiary"),
        st.form(f"correct-{message.id}", border=False),
    ):
        text = st.text_area(
            both("The right answer (optional)", "正确答案（可选）"),
            message.correction,
            key=f"correction-{message.id}",
        )
        saved = st.form_submit_button(
            both("Save", "保存"), key=f"save-{message.id}", type="primary"
        )
    if saved:
        conversations.rate(message.id, -1, text)
        _announce_correction(bool(text.strip()), settings)
        st.rerun()


def _announce_correction(written: bool, settings: Settings) -> None:
    if not written:
        announce(both("The correction is empty now.", "更正已清空。"))
        return
    offer_as_data(settings)
    announce(
        both("Saved. It is among the training data.", "已保存，并已加入训练数据。"),
        opens=TRAINING,
    )


def _another(message: Message) -> str:
    """The mode of another agent that is asked to answer instead, or nothing."""
    label = both("Ask another instead", "改由其他方式回答")
    asked = ""
    with st.popover(label, icon=":material/alt_route:", type="tertiary", help=label):
        for mode, agent in AGENTS.items():
            if mode == message.agent:
                continue
            label = both(f"Ask {agent.english} instead", f"改由{agent.chinese}回答")
            if st.button(label, key=f"reroute-{message.id}-{mode}", type="tertiary"):
                asked = mode
    return asked


def _lineage(message: Message, done: Done) -> None:
    label = both("What this rests on", "回答依据")
    with st.popover(label, icon=":material/account_tree:", type="tertiary", help=label):
        for name, value in lineage_lines(message, done, language()):
            st.markdown(f"**{name}**  \n{plain(value)}")
    st.caption(effort(done, language()))


def show_vote(question: Message, answers: Sequence[Message], conversations: Conversations) -> None:
    """Which of the answers side by side was better; kept, and changeable."""
    labels = vote_labels(answers, language())
    labels[NEITHER] = both("Neither", "难分高下")
    votes = conversations.votes()
    chosen = None
    if question.id in votes:
        chosen = votes[question.id] or NEITHER
    st.segmented_control(
        both("Which answer is better?", "哪个回答更好？"),
        list(labels),
        format_func=labels.__getitem__,
        default=chosen if chosen in labels else None,
        key=f"vote-{question.id}",
        on_change=_vote,
        args=(question.id, conversations),
    )


def _vote(question: int, conversations: Conversations) -> None:
    chosen = st.session_state[f"vote-{question}"]
    if chosen is not None:
        conversations.vote(question, None if chosen == NEITHER else chosen)

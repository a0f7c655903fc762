"""What a person thinks of an answer: thumbs, the answer that would have been right, a vote."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from agents.display import vote_labels
from workbench.chat.conversations import Conversations, Message
from workbench.ui.widgets import announce, both, language

RATED = {
    1: ("Rated as good.", "已评为好。"),
    -1: (
        "Rated as bad. Below you can write what would have been right.",
        "已评为不好，可在下方写下正确的回答。",
    ),
    0: ("The rating is taken back.", "已取消评价。"),
}
IMPROVE = "agents/loop/ui/improve.py"  # the page's file
NEITHER = 0  # no message has this number
# Streamlit's thumbs: 0 is down, 1 is up
THUMB_OF_RATING = {1: 1, -1: 0}
RATING_OF_THUMB = {1: 1, 0: -1}


def show_thumbs(message: Message, conversations: Conversations) -> None:
    """Thumbs up and down, and below a thumb down the field for a correction."""
    key = f"rate-{message.id}-{_undone(message)}"
    st.feedback(
        "thumbs",
        key=key,
        default=THUMB_OF_RATING.get(message.rating),
        on_change=_rate,
        args=(message, conversations, key),
    )
    if message.rating < 0:
        _correct(message, conversations)


def _rate(message: Message, conversations: Conversations, key: str) -> None:
    thumb: int | None = st.session_state.get(key)
    rating = 0 if thumb is None else RATING_OF_THUMB[thumb]
    conversations.rate(message.id, rating, message.correction)
    announce(both(*RATED[rating]), undo=lambda: _restore(message, conversations))


def _restore(message: Message, conversations: Conversations) -> None:
    """Rating and correction as they were when the message was read."""
    conversations.rate(message.id, message.rating, message.correction)
    # Streamlit lets nobody change a widget that has been drawn: others take their places
    st.session_state[f"undone-{message.id}"] = _undone(message) + 1


def _undone(message: Message) -> int:
    """How often a rating or correction of this message was taken back in this session."""
    return st.session_state.get(f"undone-{message.id}", 0)


def _correct(message: Message, conversations: Conversations) -> None:
    label = both("What would have been right?", "正确的回答是？")
    with (
        st.popover(label, icon=":material/edit_note:", type="tertiary"),
        st.form(f"correct-{message.id}", border=False),
    ):
        text = st.text_area(
            both("The right answer (optional)", "正确答案（可选）"),
            message.correction,
            key=f"correction-{message.id}-{_undone(message)}",
        )
        save = both("Save", "保存")
        saved = st.form_submit_button(save, key=f"save-{message.id}", type="primary")
    if saved:
        conversations.rate(message.id, -1, text)
        _announce_correction(message, text, conversations)
        st.rerun()


def _announce_correction(message: Message, text: str, conversations: Conversations) -> None:
    def undo() -> None:
        _restore(message, conversations)

    if not text.strip():
        announce(both("The correction is empty now.", "更正已清空。"), undo=undo)
        return
    announce(
        both(
            "Saved. Review it on the page Improve, and a model can learn it.",
            "已保存。在“改进”页面审核后，模型就能学习它。",
        ),
        undo=undo,
        opens=IMPROVE,
    )


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
        announce(both("Your vote is kept.", "已记录你的选择。"))

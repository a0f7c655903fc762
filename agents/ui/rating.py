"""What a person thinks of an answer: thumbs, the answer that would have been right, a vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from agents.beside import can_be_voted_on
from agents.display import vote_labels
from workbench.chat.conversations import Conversations, Message, Vote
from workbench.ui.widgets import announce, both, language, plain

RATED = {
    1: ("Rated as good.", "已评为好。"),
    -1: (
        "Rated as bad. Below you can write what would have been right.",
        "已评为不好，可在下方写下正确的回答。",
    ),
    0: ("The rating is taken back.", "已取消评价。"),
}
IMPROVE = "agents/loop/ui/improve.py"  # the page's file
TIE, BOTH_BAD = 0, -1  # no message has these numbers
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


def show_vote(
    question: Message, answers: Sequence[Message], conversations: Conversations, vote: Vote | None
) -> None:
    """Which of the answers side by side was better; kept, and changeable.

    There is no vote where an answer is not whole.
    """
    if vote is None and not can_be_voted_on(answers):
        st.caption(both("No vote: an answer is not whole.", "有回答不完整，无法投票。"))
        return
    labels = vote_labels(answers, language())
    labels[TIE] = both("Tie", "平手")
    labels[BOTH_BAD] = both("Both bad", "都不好")
    version = answers[0].id
    key = f"vote-{version}"
    st.segmented_control(
        both("Which answer is better?", "哪个回答更好？"),
        list(labels),
        format_func=lambda one: plain(labels[one]),
        default=_chosen(vote, labels),
        key=key,
        on_change=_vote,
        args=(question.id, version, conversations, key),
    )


def _chosen(vote: Vote | None, labels: Mapping[int, str]) -> int | None:
    """The option that stands for the vote."""
    if vote is None:
        return None
    chosen = vote.winner or (BOTH_BAD if vote.both_bad else TIE)
    return chosen if chosen in labels else None


def _vote(question: int, version: int, conversations: Conversations, key: str) -> None:
    chosen = st.session_state[key]
    if chosen is None:
        return
    winner = chosen if chosen > 0 else None
    conversations.vote(question, winner, both_bad=chosen == BOTH_BAD, version=version)
    announce(both("Your vote is kept.", "已记录你的选择。"))

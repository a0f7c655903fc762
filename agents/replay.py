"""An old chat -> the same questions asked of today's models: a chat of its own, and what changed.

Each question is asked with the old turns before it, so that one answer that changed does not
change the questions after it. In the new chat each old answer stands as the version before the new
one. The old chat is only read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from agents.asking import answer_as
from agents.attached import chat_collection, sources_of
from agents.beside import ARM
from agents.choices import usable
from workbench.chat.conversations import Conversations, Message, Turn, exchanges
from workbench.chat.events import Beat, Event, Failed
from workbench.chat.examples import without_citations
from workbench.chat.why import Why, why_changed
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.scoring.answers import holds_facts, numbers_and_names, shared_words
from workbench.settings import Settings

NOTE = "replay_of"  # key in the settings of a question: which chat it is of, with which choices
FOLDER = "Replays"
ALIKE = 0.5  # share of words by which answers without numbers and names say the same
SAME, REWORDED, CHANGED, FAILED = "same", "reworded", "changed", "failed"
FIELDS = frozenset(Settings.model_fields)
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Replayed:
    """One turn: the old answer and today's.

    `similarity` is the F1 of their words. `state` is same (word for word), reworded (the numbers
    and names of the old answer are still said), changed, or failed. `good` says that a person
    found the old answer good.
    """

    question: str
    old: Message
    new: Message
    state: str
    similarity: float
    good: bool
    why: Why

    @property
    def lost(self) -> bool:
        """Whether an answer that was good no longer says the same."""
        return self.good and self.state in (CHANGED, FAILED)

    def as_row(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "question": self.question,
            "before": self.old.id,
            "after": self.new.id,
            "state": self.state,
            "similarity": round(self.similarity, 4),
            "good": self.good,
            "lost": self.lost,
            "changed": self.why.changed,
            "why": self.why.sentences,
        }


def replay(
    chat: int,
    settings: Settings,
    conversations: Conversations,
    report: Report,
    model: str = "",
    folder: str = FOLDER,
) -> int:
    """Ask every question of the chat again; returns the new chat.

    What the chat has chosen counts, with today's settings under it and `model` over it. A replay of
    the same chat and choices that was stopped goes on. Raises NotFound, and InvalidInput for a chat
    without answers.
    """
    old = conversations.conversation(chat)
    turns = conversations.counted(chat)
    if not turns:
        raise InvalidInput(
            say("The chat {chat} has no answers.", chat=chat), "Choose one that has."
        )
    chosen = {name: value for name, value in usable(old.settings).items() if name in FIELDS}
    chosen |= {"model": model} if model else {}
    asked = settings.model_copy(update=chosen)
    copy, done = _begun(chat, chosen, len(turns), folder, conversations)
    if copy is None:
        copy = conversations.create(old.title)
        conversations.rename(copy, f"↻ {old.title}")
        conversations.set_folder(copy, folder)
        conversations.set_settings(copy, dict(old.settings) | chosen)
    winners = set(conversations.votes().values())
    for number, (question, former) in enumerate(turns):
        if number < done:
            continue
        report({"event": "progress", "stage": "Asking again", "done": number, "of": len(turns)})
        history = conversations.history(chat, before=question.id)
        events = _ask_again(question, former, history, asked)
        good = former.rating > 0 or former.id in winners
        note = {NOTE: {"chat": chat, "chosen": chosen, "good": good}}
        _keep(copy, question, former, events, note, conversations)
    report({"event": "progress", "stage": "Asking again", "done": len(turns), "of": len(turns)})
    return copy


def read_replay(chat: int, conversations: Conversations) -> list[Replayed]:
    """The turns of a chat that replayed another one; none of any other chat."""
    found = []
    for question, old, new in _answered_again(chat, conversations):
        good = question.settings[NOTE].get("good") is True
        state, similarity = compare_texts(old.content, new)
        why = why_changed(old, new)
        found.append(Replayed(question.content, old, new, state, similarity, good, why))
    return found


def is_replay(messages: Sequence[Message]) -> bool:
    """Whether these are the messages of a replay."""
    return bool(messages) and isinstance(messages[0].settings.get(NOTE), dict)


def compare_texts(before: str, answer: Message) -> tuple[str, float]:
    """(state, similarity) of an answer beside the text that it was before."""
    old = without_citations(before).strip()
    new = without_citations(answer.content).strip()
    if answer.state == "failed" or not new:
        return FAILED, 0.0
    if old == new:
        return SAME, 1.0
    similarity = shared_words(new, old)
    says_it = numbers_and_names(new, old) == 1
    if not says_it and not holds_facts(old):
        says_it = similarity >= ALIKE
    return (REWORDED if says_it else CHANGED), similarity


def _ask_again(
    question: Message, former: Message, history: Sequence[Turn], settings: Settings
) -> list[Event]:
    """The events of today's answer, in the mode or by the arm of the old one."""
    attached = chat_collection(question.conversation)
    settings = settings.model_copy(update={"attached": attached})
    files = sources_of(question, settings)
    arm = str(former.settings.get(ARM, ""))
    events = answer_as(question.content, history, settings, former.mode, files, arm)
    with closing(events):
        return [event for event in events if not isinstance(event, Beat)]


def _begun(
    chat: int, chosen: dict[str, Any], turns: int, folder: str, conversations: Conversations
) -> tuple[int | None, int]:
    """A replay of that chat with these choices that has turns to go, and how many it has."""
    for other in conversations.recent(folder=folder):
        answered = list(_answered_again(other.id, conversations))
        if not answered or len(answered) >= turns:
            continue
        note = answered[0][0].settings[NOTE]
        if note.get("chat") == chat and note.get("chosen") == chosen:
            return other.id, len(answered)
    return None, 0


def _answered_again(
    chat: int, conversations: Conversations
) -> Iterator[tuple[Message, Message, Message]]:
    """(question, old answer, new answer) of each turn of a replay."""
    for question, answers in exchanges(conversations.messages(chat)):
        versions = answers[0].versions if answers else ()
        if is_replay([question]) and len(versions) > 1:
            yield question, conversations.message(versions[0]), conversations.message(versions[-1])


def _keep(
    copy: int,
    question: Message,
    former: Message,
    events: Sequence[Event],
    note: dict[str, Any],
    conversations: Conversations,
) -> None:
    """Add the question, the old answer, and the new one as the version that is shown."""
    conversations.add(copy, "user", question.content, settings=note)
    kept: dict[str, Any] = {"mode": former.mode, "settings": former.settings}
    old = conversations.add(copy, "assistant", "", **kept)
    conversations.save(old, former.events, former.state)
    new = conversations.add(copy, "assistant", "", instead_of=old, **kept)
    failed = bool(events) and isinstance(events[-1], Failed)
    conversations.save(new, events, "failed" if failed else "done")

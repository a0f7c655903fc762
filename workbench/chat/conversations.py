"""Conversations, messages, ratings and corrections in one SQLite file for threads and processes."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from workbench.chat.database import bring_up_to_date, connect
from workbench.chat.events import Beat, Event, Routed, Thought, Token, from_dict, to_dict
from workbench.errors import NotFound

State = Literal["streaming", "done", "stopped", "failed", "interrupted"]
TITLE_LENGTH = 60  # characters of a first question that make the title
LONGEST_TITLE = 120
COLUMNS = (
    "id, conversation, role, content, events, state, mode, settings, rating, correction, created"
)


@dataclass(frozen=True)
class Turn:
    """An earlier message as a model gets it: `role` is user or assistant, `mode` the agent."""

    role: str
    content: str
    mode: str = ""


@dataclass(frozen=True)
class Conversation:
    """A chat as the sidebar lists it; times are seconds since 1970."""

    id: int
    title: str
    created: float
    updated: float


@dataclass(frozen=True)
class Message:
    """A question or an answer; `settings` are the choices it was given, `rating` -1, 0 or 1."""

    id: int
    conversation: int
    role: str
    content: str
    events: list[Event] = field(default_factory=list)
    state: State = "done"
    mode: str = "auto"
    settings: dict[str, Any] = field(default_factory=dict)
    rating: int = 0
    correction: str = ""
    created: float = 0.0

    @property
    def agent(self) -> str:
        """The agent that answered, also where the router chose it: the last one that was asked."""
        for event in reversed(self.events):
            if isinstance(event, Routed):
                return event.mode
        return self.mode


class Conversations:
    """The conversations of a workspace.

    Nothing a person wrote is lost: edits supersede, and a deletion can be undone. Every method
    raises WorkbenchError where the file cannot be written or read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        bring_up_to_date(path)

    def recent(self, search: str = "", limit: int = 200) -> list[Conversation]:
        """Conversations, newest first; `search` looks into titles and texts, in any language."""
        pattern = f"%{_escaped(search)}%"
        query = """
            select id, title, created, updated from conversations c
            where deleted is null and (title like ?1 escape '\\' or exists (
                select 1 from messages
                where conversation = c.id and not superseded and content like ?1 escape '\\'))
            order by updated desc limit ?2"""
        with self._connect() as database:
            rows = database.execute(query, (pattern, limit))
            return [Conversation(*row) for row in rows]

    def create(self, title: str) -> int:
        """A new conversation; its title is cut from the first question."""
        now = time.time()
        short = " ".join(title.split())[:TITLE_LENGTH] or "…"
        query = "insert into conversations (title, created, updated) values (?, ?, ?)"
        with self._connect() as database:
            row = database.execute(query, (short, now, now)).lastrowid
        return int(row or 0)

    def rename(self, conversation: int, title: str) -> None:
        """Give the conversation another title; an empty one becomes an ellipsis."""
        short = title.strip()[:LONGEST_TITLE] or "…"
        self._execute("update conversations set title = ? where id = ?", short, conversation)

    def delete(self, conversation: int) -> None:
        """Hide the conversation; `restore` brings it back."""
        now = time.time()
        self._execute("update conversations set deleted = ? where id = ?", now, conversation)

    def restore(self, conversation: int) -> None:
        """Undo `delete`."""
        self._execute("update conversations set deleted = null where id = ?", conversation)

    def messages(self, conversation: int) -> list[Message]:
        """The messages that count, oldest first; superseded ones are left out."""
        query = (
            f"select {COLUMNS} from messages "  # noqa: S608 – a constant
            "where conversation = ? and not superseded order by id"
        )
        with self._connect() as database:
            return [_message(row) for row in database.execute(query, (conversation,))]

    def message(self, message: int) -> Message:
        """One message; raises NotFound."""
        query = f"select {COLUMNS} from messages where id = ?"  # noqa: S608 – a constant
        with self._connect() as database:
            row = database.execute(query, (message,)).fetchone()
        if row is None:
            raise NotFound("That message no longer exists.", "Reload the page.")
        return _message(row)

    def history(self, conversation: int, before: int | None = None) -> list[Turn]:
        """The turns before message `before` as a model gets them.

        Of several answers to a question one counts: that with the vote, else the best rated. A
        correction stands in for the answer.
        """
        votes = self.votes()
        turns: list[Turn] = []
        for question, answers in exchanges(self.messages(conversation)):
            if before is not None and question.id >= before:
                break
            turns.append(Turn("user", question.content))
            winner = votes.get(question.id)
            written = [answer for answer in answers if answer.content]
            if written:
                best = max(written, key=lambda answer: (answer.id == winner, answer.rating))
                turns.append(Turn("assistant", best.correction or best.content, best.agent))
        return turns

    def vote(self, question: int, winner: int | None) -> None:
        """Which of the answers side by side was better (a message's id), or that neither was."""
        query = "insert or replace into votes (question, winner, created) values (?, ?, ?)"
        self._execute(query, question, winner, time.time())

    def votes(self) -> dict[int, int | None]:
        """Question -> the answer that was voted for, or None where neither was better."""
        with self._connect() as database:
            return dict(database.execute("select question, winner from votes"))

    def add(
        self,
        conversation: int,
        role: str,
        content: str,
        *,
        state: State = "done",
        mode: str = "auto",
        settings: dict[str, Any] | None = None,
        owner: str = "",
    ) -> int:
        """Append a message and return its id. `owner` names the process that streams it."""
        now = time.time()
        row = {
            "conversation": conversation,
            "role": role,
            "content": content,
            "state": state,
            "mode": mode,
            "settings": json.dumps(settings or {}),
            "owner": owner,
            "created": now,
        }
        names = ", ".join(row)
        holes = ", ".join(f":{name}" for name in row)
        query = f"insert into messages ({names}) values ({holes})"  # noqa: S608
        touch = "update conversations set updated = ? where id = ?"
        # one transaction: the list is sorted by the newest message
        with self._connect() as database:
            database.execute(touch, (now, conversation))
            number = database.execute(query, row).lastrowid
        return int(number or 0)

    def save(self, message: int, events: Sequence[Event], state: State) -> None:
        """Store an answer as far as it has grown; neighbouring tokens become one."""
        stored = [to_dict(event) for event in joined(events)]
        as_json = json.dumps(stored, ensure_ascii=False, default=str)
        # the text once more by itself: for the search and for the next question's history
        text = "".join(event.text for event in events if isinstance(event, Token))
        query = "update messages set content = ?, events = ?, state = ? where id = ?"
        self._execute(query, text, as_json, state, message)

    def reroute(self, question: str, agent: str) -> None:
        """The person sent this question to another agent than the router did; keep that choice."""
        query = "insert or replace into reroutes (question, chosen, created) values (?, ?, ?)"
        self._execute(query, question.strip(), agent, time.time())

    def rerouted(self, question: str) -> str:
        """The agent that the person chose for this question before, or nothing."""
        query = "select chosen from reroutes where question = ?"
        with self._connect() as database:
            row = database.execute(query, (question.strip(),)).fetchone()
        return row[0] if row else ""

    def supersede_from(self, message: int) -> None:
        """Take this message and all after it out of the conversation, to edit or ask again."""
        query = """
            update messages set superseded = 1
            where id >= ?1 and conversation = (select conversation from messages where id = ?1)"""
        self._execute(query, message)

    def rate(self, message: int, rating: int, correction: str = "") -> None:
        """Thumbs up (1), down (-1) or none (0), with the answer that would have been right."""
        query = "update messages set rating = ?, correction = ? where id = ?"
        self._execute(query, rating, correction.strip(), message)

    def interrupt_others(self, owner: str) -> None:
        """Mark answers as interrupted that another process was streaming when it ended."""
        query = "update messages set state = 'interrupted' where state = 'streaming' and owner != ?"
        self._execute(query, owner)

    def _connect(self) -> AbstractContextManager[sqlite3.Connection]:
        return connect(self.path)

    def _execute(self, query: str, *values: Any) -> None:
        with self._connect() as database:
            database.execute(query, values)


def exchanges(messages: Sequence[Message]) -> list[tuple[Message, list[Message]]]:
    """Each question with its answers: one, or several side by side."""
    found: list[tuple[Message, list[Message]]] = []
    for message in messages:
        if message.role == "user":
            found.append((message, []))
        elif found:
            found[-1][1].append(message)
    return found


def joined(events: Sequence[Event]) -> list[Event]:
    """The events with runs of tokens (and of thoughts) put together; beats are left out."""
    found: list[Event] = []
    for event in events:
        if isinstance(event, Beat):
            continue
        last = found[-1] if found else None
        if isinstance(event, Token) and isinstance(last, Token):
            found[-1] = Token(last.text + event.text)
        elif isinstance(event, Thought) and isinstance(last, Thought):
            found[-1] = Thought(last.text + event.text)
        else:
            found.append(event)
    return found


def _escaped(text: str) -> str:
    """The text for `like … escape '\\'`: its own wildcards are taken as they stand."""
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, "\\" + sign)
    return text


def _message(row: tuple[Any, ...]) -> Message:
    fields = dict(zip(COLUMNS.split(", "), row, strict=True))
    fields["events"] = [from_dict(event) for event in json.loads(fields["events"])]
    fields["settings"] = json.loads(fields["settings"])
    return Message(**fields)

"""Conversations, their messages, ratings and corrections in one SQLite file that threads and processes share."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from workbench.chat.events import Event, Routed, Thought, Token, from_dict, to_dict
from workbench.errors import NotFound, WorkbenchError
from workbench.messages import say

SCHEMAS = [  # one more for each version of the file
    """
create table conversations (
    id integer primary key autoincrement, title text not null, created real not null, updated real not null,
    deleted real);
create table messages (
    id integer primary key autoincrement, conversation integer not null references conversations(id) on delete cascade,
    role text not null, content text not null, events text not null default '[]', state text not null default 'done',
    mode text not null default 'auto', settings text not null default '{}', owner text not null default '',
    rating integer not null default 0, correction text not null default '', superseded integer not null default 0,
    created real not null);
create index messages_in_order on messages (conversation, id);
""",
    """
create table votes (
    question integer primary key references messages(id) on delete cascade, winner integer, created real not null);
create table reroutes (question text primary key, chosen text not null, created real not null);
""",
]
State = Literal["streaming", "done", "stopped", "failed", "interrupted"]
COLUMNS = (
    "id, conversation, role, content, events, state, mode, settings, rating, correction, created"
)


@dataclass(frozen=True)
class Turn:
    """What a model is told of an earlier message: `role` is user or assistant, `mode` the agent that answered."""

    role: str
    content: str
    mode: str = ""


@dataclass(frozen=True)
class Conversation:
    id: int
    title: str
    created: float
    updated: float


@dataclass(frozen=True)
class Message:
    """One message. `settings` holds what the person had chosen (model, collection); `rating` is -1, 0 or 1."""

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
        """The agent that answered, also where the router chose it."""
        return next((event.mode for event in self.events if isinstance(event, Routed)), self.mode)


class Conversations:
    """The conversations of a workspace. Nothing a person wrote is lost: edits supersede, deletion can be undone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._connect() as database:
            version = database.execute("pragma user_version").fetchone()[0]
            if missing := "".join(SCHEMAS[version:]):
                database.executescript(
                    f"begin immediate; {missing} pragma user_version = {len(SCHEMAS)}; commit;"
                )

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as database:
                database.execute("pragma journal_mode = wal")
                database.execute("pragma foreign_keys = on")
                with database:
                    yield database
        except sqlite3.OperationalError as error:
            if "already exists" in str(error):  # two processes made the file at the same moment
                return
            raise WorkbenchError(
                say(
                    "The conversations in {name} cannot be written or read: {error}",
                    name=self.path.name,
                    error=error,
                ),
                "Free disk space or check the folder's permissions.",
            ) from error

    def recent(self, search: str = "", limit: int = 200) -> list[Conversation]:
        """Conversations, the newest first; `search` looks into titles and texts, in any language."""
        pattern = "%" + search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        query = """select id, title, created, updated from conversations c where deleted is null and (title like ?1
            escape '\\' or exists (select 1 from messages where conversation = c.id and not superseded
            and content like ?1 escape '\\')) order by updated desc limit ?2"""
        with self._connect() as database:
            return [Conversation(*row) for row in database.execute(query, (pattern, limit))]

    def create(self, title: str) -> int:
        """A new conversation; its title is cut from the first question."""
        now = time.time()
        short = " ".join(title.split())[:60] or "…"
        with self._connect() as database:
            query = "insert into conversations (title, created, updated) values (?, ?, ?)"
            return int(database.execute(query, (short, now, now)).lastrowid or 0)

    def rename(self, conversation: int, title: str) -> None:
        with self._connect() as database:
            database.execute(
                "update conversations set title = ? where id = ?",
                (title.strip()[:120] or "…", conversation),
            )

    def delete(self, conversation: int) -> None:
        """Hide the conversation; `restore` brings it back."""
        with self._connect() as database:
            database.execute(
                "update conversations set deleted = ? where id = ?", (time.time(), conversation)
            )

    def restore(self, conversation: int) -> None:
        with self._connect() as database:
            database.execute(
                "update conversations set deleted = null where id = ?", (conversation,)
            )

    def messages(self, conversation: int) -> list[Message]:
        """The messages that count, oldest first; superseded ones are left out."""
        query = (
            f"select {COLUMNS} from messages where conversation = ? and not superseded order by id"  # noqa: S608
        )
        with self._connect() as database:
            return [_message(row) for row in database.execute(query, (conversation,))]

    def message(self, message: int) -> Message:
        """One message; raises NotFound."""
        with self._connect() as database:
            row = database.execute(
                f"select {COLUMNS} from messages where id = ?", (message,)
            ).fetchone()
        if row is None:
            raise NotFound("That message is not there any more.", "Reload the page.")
        return _message(row)

    def history(self, conversation: int, before: int | None = None) -> list[Turn]:
        """The turns before message `before` as a model is told them: one answer a question, corrections applied."""
        votes = self.votes()
        turns = []
        for question, answers in exchanges(self.messages(conversation)):
            if before is not None and question.id >= before:
                break
            turns.append(Turn("user", question.content))
            told = [answer for answer in answers if answer.content]
            if told:
                best = max(
                    told, key=lambda answer: (votes.get(question.id) == answer.id, answer.rating)
                )
                turns.append(Turn("assistant", best.correction or best.content, best.agent))
        return turns

    def vote(self, question: int, winner: int | None) -> None:
        """Which of the answers side by side was better (a message's id), or that neither was."""
        with self._connect() as database:
            query = "insert or replace into votes (question, winner, created) values (?, ?, ?)"
            database.execute(query, (question, winner, time.time()))

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
        with self._connect() as database:
            database.execute(
                "update conversations set updated = ? where id = ?", (now, conversation)
            )
            query = """insert into messages (conversation, role, content, state, mode, settings, owner, created)
                values (?, ?, ?, ?, ?, ?, ?, ?)"""
            values = (
                conversation,
                role,
                content,
                state,
                mode,
                json.dumps(settings or {}),
                owner,
                now,
            )
            return int(database.execute(query, values).lastrowid or 0)

    def save(self, message: int, events: Sequence[Event], state: State) -> None:
        """Store an answer as far as it has grown; neighbouring tokens become one."""
        stored = [to_dict(event) for event in joined(events)]
        text = "".join(event.text for event in events if isinstance(event, Token))
        with self._connect() as database:
            database.execute(
                "update messages set content = ?, events = ?, state = ? where id = ?",
                (text, json.dumps(stored, ensure_ascii=False, default=str), state, message),
            )

    def reroute(self, question: str, agent: str) -> None:
        """The person sent this question to another agent than the router: the same question goes there again."""
        with self._connect() as database:
            query = "insert or replace into reroutes (question, chosen, created) values (?, ?, ?)"
            database.execute(query, (question.strip(), agent, time.time()))

    def rerouted(self, question: str) -> str:
        """The agent that the person chose for this question before, or nothing."""
        with self._connect() as database:
            row = database.execute(
                "select chosen from reroutes where question = ?", (question.strip(),)
            ).fetchone()
        return row[0] if row else ""

    def supersede_from(self, message: int) -> None:
        """Take this message and all after it out of the conversation, for an edited question or a new answer."""
        with self._connect() as database:
            database.execute(
                "update messages set superseded = 1 where id >= ?1 and conversation ="
                " (select conversation from messages where id = ?1)",
                (message,),
            )

    def rate(self, message: int, rating: int, correction: str = "") -> None:
        """Thumbs up (1), down (-1) or none (0), with the answer that would have been right."""
        with self._connect() as database:
            query = "update messages set rating = ?, correction = ? where id = ?"
            database.execute(query, (rating, correction.strip(), message))

    def interrupt_others(self, owner: str) -> None:
        """Answers that another process was streaming when it ended stay as they are, marked interrupted."""
        with self._connect() as database:
            query = (
                "update messages set state = 'interrupted' where state = 'streaming' and owner != ?"
            )
            database.execute(query, (owner,))


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
    """The events with runs of tokens (and of thoughts) put together."""
    found: list[Event] = []
    for event in events:
        last = found[-1] if found else None
        if isinstance(event, Token) and isinstance(last, Token):
            found[-1] = Token(last.text + event.text)
        elif isinstance(event, Thought) and isinstance(last, Thought):
            found[-1] = Thought(last.text + event.text)
        else:
            found.append(event)
    return found


def _message(row: tuple[Any, ...]) -> Message:
    data = dict(zip(COLUMNS.split(", "), row, strict=True))
    data["events"] = [from_dict(event) for event in json.loads(data["events"])]
    data["settings"] = json.loads(data["settings"])
    return Message(**data)

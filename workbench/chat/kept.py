"""A chat as a file holds it, whole: every version, event, rating and choice; and as it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from workbench.chat.database import add_row
from workbench.chat.events import check_event
from workbench.chat.records import LONGEST_TITLE, State
from workbench.storage.connecting import Database, connect
from workbench.storage.place import Place

FORMAT = "workbench chats"
LAST_TIME = 253_402_300_799  # the year 9999: later times are no dates
Time = Annotated[float, Field(ge=0, le=LAST_TIME)]
Name = Annotated[str, Field(max_length=LONGEST_TITLE)]
ADDRESSES = ("url", "href")  # keys of a chart's specification that name an address
MESSAGE = (
    "id, role, content, events, state, mode, settings, rating, correction, created, "
    "parent, beside, shown"
)
CHAT = "origin, title, created, updated, folder, pinned, settings"
VOTE = "question, version, winner, both_bad, created"


class Part(BaseModel):
    """A part of the file; a field that is misspelt or of another type is an error."""

    model_config = ConfigDict(extra="forbid")


class KeptMessage(Part):
    """A message; `parent` and `beside` are ids of earlier messages of the same chat."""

    id: int
    role: Literal["user", "assistant"]
    content: str
    events: list[dict[str, Any]] = []
    state: State = "done"
    mode: str = "auto"
    settings: dict[str, Any] = {}
    rating: int = Field(0, ge=-1, le=1)
    correction: str = ""
    created: Time = 0.0
    parent: int | None = None
    beside: int | None = None
    shown: bool = True

    @field_validator("events")
    @classmethod
    def _are_events(cls, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for event in events:
            try:
                check_event(event)
            except (ValueError, TypeError, AttributeError, LookupError) as error:
                raise ValueError("an event is not one of ours, or not whole") from error
            for one in (event, *event.get("events", ())):  # those of a step are inside it
                if one["event"] == "chart" and names_address(one):
                    raise ValueError("a chart must hold its data, not name an address")
        return events


class KeptVote(Part):
    """`version` is the first of the answers; older files leave it out."""

    question: int
    version: int | None = None
    winner: int | None = None
    both_bad: bool = False
    created: Time = 0.0


class KeptChat(Part):
    """`origin` is by what the chat is known again, wherever it goes."""

    origin: str = Field(min_length=1)
    title: Name
    created: Time
    updated: Time
    folder: Name = ""
    pinned: bool = False
    settings: dict[str, Any] = {}
    messages: list[KeptMessage] = []
    votes: list[KeptVote] = []

    @model_validator(mode="after")
    def _is_a_tree(self) -> KeptChat:
        earlier: dict[int, KeptMessage] = {}
        for message in self.messages:
            known = message.parent is None or message.parent in earlier
            if message.id in earlier or not known:
                raise ValueError(f"message {message.id} does not follow an earlier message")
            if message.beside is not None:
                first = earlier.get(message.beside)
                if first is None or first.parent != message.parent or first.beside is not None:
                    raise ValueError(f"message {message.id} does not stand beside an answer")
            earlier[message.id] = message
        for vote in self.votes:
            named = (vote.question, vote.version or vote.question, vote.winner or vote.question)
            if not set(named) <= earlier.keys():
                raise ValueError(f"the vote on message {vote.question} names no message")
        return self


class KeptFile(Part):
    format: Literal["workbench chats"] = "workbench chats"
    version: Literal[1] = 1
    chats: list[KeptChat]


def names_address(data: Any) -> bool:
    """Whether a key anywhere in the data names an address, from which a page would load."""
    if isinstance(data, dict):
        return any(key in ADDRESSES or names_address(value) for key, value in data.items())
    return isinstance(data, list) and any(names_address(value) for value in data)


def read_kept(place: Place, chats: Sequence[int]) -> Iterator[KeptChat]:
    """The chats with these ids, as the database has them."""
    with connect(place) as database:
        for chat in chats:
            of_chat = f"select {CHAT} from conversations where id = :chat"  # noqa: S608 – a constant
            row = database.execute(of_chat, {"chat": chat}).fetchone()
            if row is not None:
                yield _chat(database, chat, _named(CHAT, row))


def write_kept(place: Place, chats: Sequence[KeptChat]) -> int:
    """Add the chats, all or none of them; returns how many were new.

    One that is here already stays as it is, and comes back where it was deleted.
    """
    added = 0
    with connect(place) as database:
        for chat in chats:
            restore = "update conversations set deleted = null where origin = :origin"
            if database.execute(restore, {"origin": chat.origin}).rowcount == 0:
                _add(database, chat)
                added += 1
    return added


def _chat(database: Database, chat: int, fields: dict[str, Any]) -> KeptChat:
    of_chat = {"chat": chat}
    select = f"select {MESSAGE} from messages where conversation = :chat order by id"  # noqa: S608
    rows = database.execute(select, of_chat)
    messages = [_message(_named(MESSAGE, row)) for row in rows]
    select = f"""
        select {VOTE} from votes where question in (
            select id from messages where conversation = :chat) order by version"""  # noqa: S608
    votes = [KeptVote(**_named(VOTE, row)) for row in database.execute(select, of_chat)]
    fields["settings"] = json.loads(fields["settings"])
    fields["pinned"] = bool(fields["pinned"])
    return KeptChat.model_construct(**fields, messages=messages, votes=votes)


def _named(columns: str, row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(columns.split(", "), row, strict=True))


def _message(fields: dict[str, Any]) -> KeptMessage:
    """As it is stored: what an older version wrote must not stand in the way of an export."""
    fields["events"] = json.loads(fields["events"])
    fields["settings"] = json.loads(fields["settings"])
    fields["shown"] = bool(fields["shown"])
    return KeptMessage.model_construct(**fields)


def _add(database: Database, chat: KeptChat) -> None:
    row = chat.model_dump(exclude={"messages", "votes"})
    row["settings"] = json.dumps(chat.settings, ensure_ascii=False)
    conversation = add_row(database, "conversations", row)
    numbers: dict[int | None, int | None] = {None: None}  # id in the file -> id here
    for message in chat.messages:
        row = message.model_dump(exclude={"id"})
        row["conversation"] = conversation
        row["parent"] = numbers[message.parent]
        row["beside"] = numbers[message.beside]
        row["events"] = json.dumps(message.events, ensure_ascii=False)
        # a path of attached files is one of another workspace, or of somebody's choice
        chosen = {name: value for name, value in message.settings.items() if name != "attached"}
        row["settings"] = json.dumps(chosen, ensure_ascii=False)
        if message.state == "streaming":  # nothing streams it here
            row["state"] = "interrupted"
        numbers[message.id] = add_row(database, "messages", row)
    votes = {_voted_on(vote, chat.messages): vote for vote in chat.votes}
    for version, vote in votes.items():
        row = vote.model_dump()
        row |= {"question": numbers[vote.question], "winner": numbers[vote.winner]}
        row["version"] = numbers[version]
        add_row(database, "votes", row)


def _voted_on(vote: KeptVote, messages: Sequence[KeptMessage]) -> int:
    """The first of the answers that a vote is on."""
    if vote.version is not None:
        return vote.version
    first = vote.question
    for message in messages:
        if message.id == vote.winner:
            return message.beside or message.id
        if message.parent == vote.question and message.beside is not None:
            first = message.beside
    return first

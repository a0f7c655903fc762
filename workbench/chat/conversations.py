"""Conversations, messages, ratings and corrections in one place for threads and processes."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from workbench.chat.branches import Node, next_place, path_to, shown_path, versions
from workbench.chat.database import STORE, add_row
from workbench.chat.events import Event, Token, from_dict, to_dict
from workbench.chat.owners import gone
from workbench.chat.records import (
    LONGEST_TITLE,
    Conversation,
    Message,
    State,
    Turn,
    Vote,
    exchanges,
    joined,
)
from workbench.chat.searching import texts_with, title_like
from workbench.chat.votes import KEPT, cast_vote, read_votes, winners_in
from workbench.errors import Damaged, NotFound
from workbench.messages import say
from workbench.storage.connecting import Database, connect, numbers
from workbench.storage.place import Place

__all__ = [
    "Conversation",
    "Conversations",
    "Message",
    "State",
    "Turn",
    "Vote",
    "exchanges",
    "joined",
]

TITLE_LENGTH = 60  # characters of a first question that make the title
LISTED = "id, title, created, updated, folder, pinned, settings"
COLUMNS = (
    "id, conversation, role, content, events, state, mode, settings, rating, correction, created"
)


class Conversations:
    """The conversations of a workspace.

    Nothing a person wrote is lost: an edited question and an answer asked for again keep the former
    one as another version, and a deletion can be undone. Every method raises WorkbenchError where
    the file or the server cannot be written or read.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        STORE.bring_up_to_date(place)

    def recent(
        self, search: str = "", limit: int = 200, folder: str | None = None
    ) -> list[Conversation]:
        """Conversations, pinned ones first, then the newest; those of one folder, or all.

        `search` looks into titles and texts, of all versions, in any language. A single Latin
        letter looks into titles only: it is in nearly every text.
        """
        wanted = " ".join(search.split()).replace("\0", "")
        values = {"folder": folder, "limit": limit}
        in_folder = "true" if folder is None else "folder = :folder"
        with self._connect() as database:
            title, of_title = title_like(database, wanted)
            texts, of_texts = texts_with(database, wanted)
            query = f"""
                select {LISTED} from conversations
                where deleted is null and {in_folder} and (
                    {title} or id in (select conversation from messages where {texts}))
                order by pinned desc, updated desc limit :limit"""  # noqa: S608 – constants
            found = database.execute(query, values | of_title | of_texts)
            return [_conversation(row) for row in found]

    def folders(self) -> dict[str, int]:
        """Each folder with the number of its conversations, by name."""
        query = """
            select folder, count(*) from conversations
            where deleted is null and folder != '' group by folder order by folder"""
        with self._connect() as database:
            return dict(database.execute(query).fetchall())

    def conversation(self, conversation: int) -> Conversation:
        """One conversation, also a deleted one; raises NotFound."""
        query = f"select {LISTED} from conversations where id = :id"  # noqa: S608 – a constant
        with self._connect() as database:
            row = database.execute(query, {"id": conversation}).fetchone()
        if row is None:
            raise NotFound("That chat no longer exists.", "Choose another one, or begin a new one.")
        return _conversation(row)

    def create(self, title: str) -> int:
        """A new conversation; its title is cut from the first question."""
        now = time.time()
        short = " ".join(title.split())[:TITLE_LENGTH] or "…"
        # by its origin a chat is known again when it is imported
        origin = secrets.token_hex(16)
        row = {"title": short, "created": now, "updated": now, "origin": origin}
        with self._connect() as database:
            return add_row(database, "conversations", row)

    def rename(self, conversation: int, title: str) -> None:
        """Give the conversation another title; an empty one becomes an ellipsis."""
        short = title.strip()[:LONGEST_TITLE] or "…"
        self._set(conversation, "title", short)

    def set_settings(self, conversation: int, settings: dict[str, Any]) -> None:
        """Replace what was chosen for this chat; plain JSON values by name."""
        as_json = json.dumps(settings, ensure_ascii=False)
        self._set(conversation, "settings", as_json)

    def set_folder(self, conversation: int, folder: str) -> None:
        """Move the conversation to that folder; the empty name is none."""
        name = folder.strip()[:LONGEST_TITLE]
        self._set(conversation, "folder", name)

    def pin(self, conversation: int, pinned: bool) -> None:
        """Keep the conversation at the top of the list, or no longer."""
        self._set(conversation, "pinned", int(pinned))

    def delete(self, conversation: int) -> None:
        """Hide the conversation; `restore` brings it back."""
        self._set(conversation, "deleted", time.time())

    def restore(self, conversation: int) -> None:
        """Undo `delete`."""
        self._set(conversation, "deleted", None)

    def messages(self, conversation: int) -> list[Message]:
        """The messages of the versions that are shown, oldest first."""
        with self._connect() as database:
            nodes = _nodes(database, conversation)
            return _read(database, nodes, shown_path(nodes))

    def path_to(self, message: int) -> list[Message]:
        """The message and all that led to it, oldest first, shown or not. Raises NotFound."""
        with self._connect() as database:
            nodes = _nodes(database, _conversation_of(database, message))
            return _read(database, nodes, path_to(nodes, message))

    def message(self, message: int) -> Message:
        """One message; raises NotFound."""
        with self._connect() as database:
            nodes = _nodes(database, _conversation_of(database, message))
            return _read(database, nodes, [node for node in nodes if node.id == message])[0]

    def show(self, message: int) -> None:
        """Show that version, and what followed it. Raises NotFound."""
        query = """
            update messages set shown = case when coalesce(beside, id) = :version then 1 else 0 end
            where conversation = :conversation and coalesce(parent, 0) = :parent"""
        with self._connect() as database:
            conversation = _conversation_of(database, message)
            nodes = _nodes(database, conversation)
            for node in path_to(nodes, message):
                place = {"version": node.version, "parent": node.parent or 0}
                database.execute(query, place | {"conversation": conversation})

    def history(self, conversation: int, before: int | None = None) -> list[Turn]:
        """The turns before message `before` as a model gets them.

        Of several answers to a question one counts: that with the vote, else the best rated. A
        correction stands in for the answer. A question without an answer is left out: the next one
        does not follow on it, and models want the roles in turn.
        """
        turns: list[Turn] = []
        for question, best in self.counted(conversation):
            if before is not None and question.id >= before:
                break
            turns.append(Turn("user", question.content))
            turns.append(Turn("assistant", best.correction or best.content, best.agent))
        return turns

    def counted(self, conversation: int) -> list[tuple[Message, Message]]:
        """Each question that is shown, with the one of its answers that counts."""
        with self._connect() as database:
            winners = winners_in(database, conversation)
        found = []
        for question, answers in exchanges(self.messages(conversation)):
            written = [answer for answer in answers if answer.content]
            if written:
                best = max(written, key=lambda answer: (answer.id in winners, answer.rating))
                found.append((question, best))
        return found

    def vote(
        self,
        question: int,
        winner: int | None,
        *,
        both_bad: bool = False,
        version: int | None = None,
    ) -> None:
        """Which of the answers side by side was better (a message's id), or that neither was.

        `version` is the first of these answers; without it the winner's, else the shown ones.
        """
        with self._connect() as database:
            cast_vote(database, question, winner, both_bad, version)

    def votes(self) -> dict[int, int | None]:
        """Question -> the answer that was voted for last, or None where neither was better."""
        with self._connect() as database:
            return {vote.question: vote.winner for vote in read_votes(database)}

    def vote_on(self, version: int) -> Vote | None:
        """The vote on the answers whose first one that is."""
        with self._connect() as database:
            return next(iter(read_votes(database, "version = :version", version=version)), None)

    def voted(self) -> list[tuple[Vote, list[Message]]]:
        """Each vote with the answers that it is on, oldest first; none of deleted chats."""
        query = f"""
            select coalesce(beside, id), {COLUMNS} from messages
            where role = 'assistant' and coalesce(beside, id) in (select version from votes)
            order by id"""  # noqa: S608 – a constant
        answers: dict[int, list[Message]] = {}
        with self._connect() as database:
            kept = read_votes(database, KEPT)
            for version, *row in database.execute(query):
                answers.setdefault(version, []).append(_message(tuple(row)))
        return [(vote, answers.get(vote.version, [])) for vote in kept]

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
        instead_of: int | None = None,
    ) -> int:
        """Append a message to what is shown and return its id.

        An answer after an answer stands beside it. With `instead_of` the message becomes another
        version of that one and is shown in its place. `owner` names the process that streams it.
        """
        now = time.time()
        row = {
            "conversation": conversation,
            "role": role,
            "content": content,
            "state": state,
            "mode": mode,
            "settings": json.dumps(settings or {}, ensure_ascii=False),
            "owner": owner,
            "created": now,
            "saved": now,
        }
        touch = "update conversations set updated = :now where id = :id"
        # one transaction, which begins with a write: nobody appends between place and message
        with self._connect() as database:
            # the list is sorted by the newest message
            database.execute(touch, {"now": now, "id": conversation})
            nodes = _nodes(database, conversation)
            if instead_of is None:
                row["parent"], row["beside"] = next_place(nodes, role)
            else:
                row["parent"] = _make_room(database, nodes, instead_of)
            return add_row(database, "messages", row)

    def save(self, message: int, events: Sequence[Event], state: State) -> bool:
        """Store an answer as far as it has grown; neighbouring tokens become one.

        False where it is to grow on, but was stopped from another process or is gone.
        """
        stored = [to_dict(event) for event in joined(events)]
        as_json = json.dumps(stored, ensure_ascii=False, default=str)
        # the text once more by itself: for the search and for the next question's history
        text = "".join(event.text for event in events if isinstance(event, Token))
        row = {"content": text, "events": as_json, "state": state, "now": time.time()}
        query = """
            update messages set content = :content, events = :events, state = :state, saved = :now
            where id = :id and not (state = 'stopped' and :state = 'streaming')"""
        with self._connect() as database:
            return database.execute(query, row | {"id": message}).rowcount > 0

    def stop(self, message: int) -> None:
        """End an answer that grows in another process, which sees it at its next save."""
        query = "update messages set state = 'stopped' where id = :id and state = 'streaming'"
        self._execute(query, {"id": message})

    def reroute(self, question: str, agent: str) -> None:
        """The person sent this question to another agent than the router did; keep that choice."""
        query = """
            insert into reroutes (question, chosen, created) values (:question, :agent, :now)
            on conflict (question) do update
            set chosen = excluded.chosen, created = excluded.created"""
        row = {"question": question.strip(), "agent": agent, "now": time.time()}
        self._execute(query, row)

    def rerouted(self, question: str) -> str:
        """The agent that the person chose for this question before, or nothing."""
        query = "select chosen from reroutes where question = :question"
        with self._connect() as database:
            row = database.execute(query, {"question": question.strip()}).fetchone()
        return row[0] if row else ""

    def rate(self, message: int, rating: int, correction: str = "") -> None:
        """Thumbs up (1), down (-1) or none (0), with the answer that would have been right."""
        query = "update messages set rating = :rating, correction = :correction where id = :id"
        row = {"rating": rating, "correction": correction.strip(), "id": message}
        self._execute(query, row)

    def rated(self) -> list[Message]:
        """The answers that were found good or corrected, oldest first, also in versions not shown.

        Those of deleted chats are left out.
        """
        query = """
            select id from messages where role = 'assistant' and content <> ''
            and (rating > 0 or correction <> '')
            and conversation in (select id from conversations where deleted is null) order by id"""
        with self._connect() as database:
            found = [number for (number,) in database.execute(query)]
        return [self.message(number) for number in found]

    def judged(self) -> list[list[Message]]:
        """All answers to each question of which one is rated, corrected or voted for, oldest first.

        Those of deleted chats are left out.
        """
        query = """
            select id, parent from messages where role = 'assistant' and content <> ''
            and conversation in (select id from conversations where deleted is null)
            and parent in (
                select parent from messages where rating <> 0 or correction <> ''
                union select question from votes where winner is not null
            ) order by parent, id"""
        answers: dict[int, list[int]] = {}
        with self._connect() as database:
            for answer, question in database.execute(query):
                answers.setdefault(question, []).append(answer)
        return [[self.message(answer) for answer in group] for group in answers.values()]

    def interrupt_others(self, owner: str, message: int = 0) -> None:
        """Mark answers as interrupted whose process has ended; those of `owner` go on.

        All of them, or the one answer that is named.
        """
        growing = "select id, owner, saved from messages where state = 'streaming'"
        if message:
            growing += " and id = :id"
        with self._connect() as database:
            rows = database.execute(growing, {"id": message}).fetchall()
            lost = [number for number, other, saved in rows if gone(other, saved, owner)]
            query = f"""
                update messages set state = 'interrupted'
                where state = 'streaming' and id in {numbers(database, "lost")}"""  # noqa: S608
            database.execute(query, {"lost": json.dumps(lost)})

    def _connect(self) -> AbstractContextManager[Database]:
        return connect(self.place)

    def _execute(self, query: str, values: dict[str, Any]) -> None:
        with self._connect() as database:
            database.execute(query, values)

    def _set(self, conversation: int, column: str, value: Any) -> None:
        query = f"update conversations set {column} = :value where id = :id"  # noqa: S608 – ours
        self._execute(query, {"value": value, "id": conversation})


def _nodes(database: Database, conversation: int) -> list[Node]:
    query = (
        "select id, role, parent, beside, shown from messages where conversation = :id order by id"
    )
    rows = database.execute(query, {"id": conversation})
    return [
        Node(number, role, parent, beside, bool(shown))
        for number, role, parent, beside, shown in rows
    ]


def _conversation_of(database: Database, message: int) -> int:
    query = "select conversation from messages where id = :id"
    row = database.execute(query, {"id": message}).fetchone()
    if row is None:
        raise NotFound("That message no longer exists.", "Reload the page.")
    return int(row[0])


def _make_room(database: Database, nodes: Sequence[Node], instead_of: int) -> int | None:
    """Hide all versions at the message's place; returns the parent of a new one."""
    place = next((node for node in nodes if node.id == instead_of), None)
    if place is None:
        raise NotFound("That message no longer exists.", "Reload the page.")
    hidden = [{"id": node.id} for node in nodes if node.parent == place.parent]
    database.executemany("update messages set shown = 0 where id = :id", hidden)
    return place.parent


def _read(database: Database, nodes: Sequence[Node], wanted: Sequence[Node]) -> list[Message]:
    """The messages at these places, with the ids of their versions."""
    query = f"""
        select {COLUMNS} from messages
        where id in {numbers(database, "wanted")} order by id"""  # noqa: S608 – constants
    of_places = {"wanted": json.dumps([node.id for node in wanted])}
    read = {row[0]: _message(row) for row in database.execute(query, of_places)}
    of_message = versions(nodes)
    return [replace(read[node.id], versions=of_message[node.id]) for node in wanted]


def _conversation(row: tuple[Any, ...]) -> Conversation:
    number, title, created, updated, folder, pinned, settings = row
    chosen = json.loads(settings)
    return Conversation(number, title, created, updated, folder, bool(pinned), chosen)


def _message(row: tuple[Any, ...]) -> Message:
    fields = dict(zip(COLUMNS.split(", "), row, strict=True))
    try:
        fields["events"] = [from_dict(event) for event in json.loads(fields["events"])]
        fields["settings"] = json.loads(fields["settings"])
    except json.JSONDecodeError as error:
        number = fields["id"]
        raise Damaged(
            say("The message {number} is damaged: {error}", number=number, error=error)
        ) from error
    return Message(**fields)

"""Chats as Open WebUI and ChatGPT export them -> chats as we keep them.

Both keep a tree of messages by id. Open WebUI: `chat.history.messages`, where a message has
`parentId` and `currentId` names the shown end. ChatGPT: `mapping`, where a node has `parent` and
`current_node` names the shown end; texts are the `parts` of its content.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.chat.kept import KeptChat, KeptMessage
from workbench.chat.records import LONGEST_TITLE

ROLES = ("user", "assistant")
MILLISECONDS = 1e11  # a time above it is not in seconds
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Branch:
    """A message of a foreign tree; `parent` is the foreign id of the message before it."""

    id: str
    parent: str | None
    role: str
    text: str
    created: float
    rating: int = 0


def is_open_webui(entry: Any) -> bool:
    """Whether the entry is a chat of Open WebUI."""
    return isinstance(entry, dict) and isinstance(entry.get("chat"), dict)


def is_chatgpt(entry: Any) -> bool:
    """Whether the entry is a chat of ChatGPT."""
    return isinstance(entry, dict) and isinstance(entry.get("mapping"), dict)


def from_open_webui(entry: Entry) -> KeptChat:
    """Raises ValueError, TypeError, LookupError or AttributeError for an entry of another form."""
    chat = entry["chat"]
    history = chat["history"]
    branches = [_of_open_webui(str(key), node) for key, node in history["messages"].items()]
    created = _seconds(entry.get("created_at") or chat.get("timestamp")) or time.time()
    return KeptChat(
        origin=f"open-webui:{entry['id']}",
        title=_title(entry.get("title") or chat.get("title")),
        created=created,
        updated=_seconds(entry.get("updated_at")) or created,
        pinned=bool(entry.get("pinned")),
        messages=_messages(branches, history.get("currentId")),
    )


def from_chatgpt(entry: Entry) -> KeptChat:
    """Raises ValueError, TypeError, LookupError or AttributeError for an entry of another form."""
    branches = [_of_chatgpt(str(key), node) for key, node in entry["mapping"].items()]
    created = _seconds(entry.get("create_time")) or time.time()
    return KeptChat(
        origin=f"chatgpt:{entry.get('conversation_id') or entry['id']}",
        title=_title(entry.get("title")),
        created=created,
        updated=_seconds(entry.get("update_time")) or created,
        messages=_messages(branches, entry.get("current_node")),
    )


READERS: list[tuple[Callable[[Any], bool], Callable[[Entry], KeptChat]]] = [
    (is_open_webui, from_open_webui),
    (is_chatgpt, from_chatgpt),
]


def _of_open_webui(key: str, node: Entry) -> Branch:
    given = (node.get("annotation") or {}).get("rating")
    rating = int(given) if given in (-1, 1) else 0
    text = str(node.get("content") or "")
    created = _seconds(node.get("timestamp"))
    return Branch(key, node.get("parentId"), node["role"], text, created, rating)


def _of_chatgpt(key: str, node: Entry) -> Branch:
    message = node.get("message") or {}
    role = (message.get("author") or {}).get("role", "")
    metadata = message.get("metadata") or {}
    to_a_tool = message.get("recipient", "all") != "all"
    hidden = bool(metadata.get("is_visually_hidden_from_conversation"))
    content = message.get("content") or {}
    shown = content.get("content_type") in ("text", "multimodal_text")
    text = _text(content.get("parts") or []) if shown else ""
    if to_a_tool or hidden or not text:
        role = ""  # the text between, which the person never saw
    return Branch(key, node.get("parent"), role, text, _seconds(message.get("create_time")))


def _text(parts: Iterable[Any]) -> str:
    """The parts that are text; pictures and sounds are not in the file."""
    return "\n".join(part for part in parts if isinstance(part, str)).strip()


def _messages(branches: Sequence[Branch], current: str | None) -> list[KeptMessage]:
    """Questions and answers in their tree, parents first."""
    asked_and_answered = _joined(_without_between(_parents_first(branches)))
    on_path = _leading_to(current, branches)
    shown: dict[str | None, str] = {}  # place, by its parent -> the version that is shown
    for branch in asked_and_answered:
        if branch.id in on_path or shown.get(branch.parent) not in on_path:
            shown[branch.parent] = branch.id
    numbers: dict[str | None, int | None] = {None: None}
    messages: list[KeptMessage] = []
    for number, branch in enumerate(asked_and_answered, 1):
        numbers[branch.id] = number
        token = {"event": "token", "text": branch.text}
        message = KeptMessage(
            id=number,
            role=branch.role,  # type: ignore[arg-type]
            content=branch.text,
            events=[token] if branch.role == "assistant" else [],
            rating=branch.rating,
            created=branch.created,
            parent=numbers[branch.parent],
            shown=shown[branch.parent] == branch.id,
        )
        messages.append(message)
    return messages


def _parents_first(branches: Sequence[Branch]) -> list[Branch]:
    """The tree from its roots on. Raises ValueError where messages follow in a circle."""
    known = {branch.id for branch in branches}
    children: dict[str | None, list[Branch]] = {}
    for branch in branches:
        parent = branch.parent if branch.parent in known else None
        children.setdefault(parent, []).append(replace(branch, parent=parent))
    ordered = list(children.get(None, []))
    for branch in ordered:  # grows while it is read
        ordered += children.get(branch.id, [])
    if len(ordered) < len(branches):
        raise ValueError("messages follow each other in a circle")
    return ordered


def _without_between(branches: Sequence[Branch]) -> list[Branch]:
    """Questions and answers alone; what hung on another message hangs on the one above that."""
    above: dict[str | None, str | None] = {None: None}  # any message -> the nearest that is kept
    kept: list[Branch] = []
    for branch in branches:
        before = above[branch.parent]
        if branch.role in ROLES:
            kept.append(replace(branch, parent=before))
            above[branch.id] = branch.id
        else:
            above[branch.id] = before
    return kept


def _joined(branches: Sequence[Branch]) -> list[Branch]:
    """An answer that follows an answer continues it: both become one."""
    found: dict[str, Branch] = {}
    goes_on: set[str] = set()
    asked_after = {branch.parent for branch in branches if branch.role == "user"}
    for branch in branches:
        before = found.get(branch.parent or "")
        if before is not None and before.role == branch.role == "assistant":
            goes_on.add(before.id)
            text = f"{before.text}\n\n{branch.text}"
            branch = replace(branch, parent=before.parent, text=text)
        found[branch.id] = branch
    begun_only = goes_on - asked_after
    return [branch for branch in found.values() if branch.id not in begun_only]


def _leading_to(current: str | None, branches: Sequence[Branch]) -> set[str]:
    """The ids from the first message to the one that was shown last."""
    parents = {branch.id: branch.parent for branch in branches}
    path: set[str] = set()
    while current in parents and current not in path:
        path.add(str(current))
        current = parents[str(current)]
    return path


def _title(title: Any) -> str:
    return " ".join(str(title or "").split())[:LONGEST_TITLE] or "…"


def _seconds(given: Any) -> float:
    """A time in seconds since 1970; 0 where none is given."""
    seconds = float(given or 0)
    return seconds / 1000 if seconds > MILLISECONDS else seconds

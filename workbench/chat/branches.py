"""The tree of a conversation: places with versions, each of which has its own continuation.

A message hangs on the version before it (`parent`). Versions of one place have the same parent and
role; one of them is shown. Answers side by side are one version: all but the first of them name the
first in `beside`, and what follows hangs on the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

TOGETHER = 2.0  # seconds: answers side by side were asked for within them


@dataclass(frozen=True)
class Node:
    """Where a message stands in the tree; a parent is older than what hangs on it."""

    id: int
    role: str
    parent: int | None
    beside: int | None
    shown: bool

    @property
    def version(self) -> int:
        """The id of the version: that of the first of the answers side by side."""
        return self.beside or self.id


@dataclass(frozen=True)
class Former:
    """A message of a file that kept no tree; `superseded` ones were edited or asked again."""

    id: int
    role: str
    superseded: bool
    created: float


def shown_path(nodes: Iterable[Node]) -> list[Node]:
    """What a person reads, from the first question on."""
    shown_after: dict[int | None, list[Node]] = {}
    for node in nodes:
        if node.shown:
            shown_after.setdefault(node.parent, []).append(node)
    path: list[Node] = []
    here = shown_after.get(None)
    while here:
        path += here
        here = shown_after.get(here[0].version)
    return path


def path_to(nodes: Sequence[Node], message: int) -> list[Node]:
    """The message and what leads to it, oldest first, whether it is shown or not."""
    by_id = {node.id: node for node in nodes}
    path: list[Node] = []
    here: int | None = message
    while here is not None:
        path.append(by_id[here])
        here = by_id[here].parent
    return path[::-1]


def versions(nodes: Sequence[Node]) -> dict[int, tuple[int, ...]]:
    """Id of a message -> the ids of the versions at its place in order, with its own for itself."""
    places: dict[tuple[int | None, str], list[int]] = {}
    for node in nodes:
        if node.beside is None:
            places.setdefault((node.parent, node.role), []).append(node.id)
    found: dict[int, tuple[int, ...]] = {}
    for node in nodes:
        first_ones = places[(node.parent, node.role)]
        found[node.id] = tuple(node.id if one == node.version else one for one in first_ones)
    return found


def next_place(nodes: Sequence[Node], role: str) -> tuple[int | None, int | None]:
    """(parent, beside) of a message that is appended: an answer after an answer stands beside."""
    path = shown_path(nodes)
    if not path:
        return None, None
    last = path[-1]
    if role == last.role == "assistant":
        return last.parent, last.version
    return last.version, None


def grown(messages: Sequence[Former]) -> list[Node]:
    """The tree of a conversation that only marked what was superseded.

    Such a file does not say whether a superseded question followed the one before it or replaced
    it. It is taken to follow; no text is lost either way.
    """
    nodes: list[Node] = []
    counting: Node | None = None  # the last message that counts
    last: Node | None = None  # the last message at all
    asked_at = 0.0
    for message in messages:
        before = last if message.superseded else counting
        answer_again = before is not None and message.role == before.role == "assistant"
        together = not message.superseded or message.created - asked_at < TOGETHER
        if before is None:
            node = Node(message.id, message.role, None, None, True)
        elif answer_again:
            beside = before.version if together else None
            node = Node(message.id, message.role, before.parent, beside, True)
        else:
            node = Node(message.id, message.role, before.version, None, True)
        if node.beside is None:
            nodes = [_hidden_by(node, other) for other in nodes]
            asked_at = message.created
        nodes.append(node)
        last = node
        if not message.superseded:
            counting = node
    return nodes


def _hidden_by(newer: Node, other: Node) -> Node:
    return replace(other, shown=False) if other.parent == newer.parent else other

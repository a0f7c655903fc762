"""Judged answers of the chats -> items to review: what was asked, answered, and would be right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from workbench.chat.events import Done, Query, Source
from workbench.chat.examples import turns_before, without_citations
from workbench.chat.judged import Judged, read_judged
from workbench.chat.records import Message
from workbench.settings import Settings
from workbench.storage.connecting import changed, exists
from workbench.storage.place import Place

Signal = Literal["correction", "good", "bad", "vote"]
Kind = Literal["answer", "sql"]
Row = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """An answer that somebody judged; its id is the number of the message.

    `better` is what would be learned: the correction, else the answer that was liked. It is empty
    where nobody has said what would be right. `worse` are answers that `better` is preferred to.
    Of kind `sql` the texts are queries, and `database` is the source that they ask.
    """

    id: str
    kind: Kind
    signal: Signal
    question: str
    answer: str
    better: str
    worse: tuple[str, ...] = ()
    turns: tuple[Row, ...] = ()
    """What leads to the answer, the question last, as turns that are not learned."""

    conversation: int = 0
    title: str = ""
    sources: tuple[str, ...] = ()
    model: str = ""
    database: str = ""
    created: float = 0.0
    provenance: Row = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What identifies the texts that a reviewer has seen."""
        seen = "\0".join((self.question, self.answer, self.better, *self.worse))
        return hashlib.sha256(seen.encode()).hexdigest()[:16]


def read_items(settings: Settings) -> tuple[Item, ...]:
    """Every item of the workspace, the oldest first; read again where a conversation changed."""
    if not exists(settings.database):
        return ()
    return _read_items(settings.database, changed(settings.database))


@lru_cache(maxsize=2)
def _read_items(database: Place, _changed: int) -> tuple[Item, ...]:
    found: list[Item] = []
    for judged in read_judged(database):
        found += items_of(judged)
    return tuple(found)


def items_of(judged: Judged) -> Iterator[Item]:
    """One item for each answer that was rated, corrected or voted for."""
    for answer in judged.answers:
        signal = _signal(answer, judged)
        if signal:
            yield _item(answer, signal, judged)


def _signal(answer: Message, judged: Judged) -> Signal | None:
    if answer.correction:
        return "correction"
    if answer.id in judged.beaten:
        return "vote"
    if answer.rating:
        return "good" if answer.rating > 0 else "bad"
    return None


def _item(answer: Message, signal: Signal, judged: Judged) -> Item:
    query = next((event for event in reversed(answer.events) if isinstance(event, Query)), None)
    done = next((event for event in reversed(answer.events) if isinstance(event, Done)), None)
    lineage = done.lineage if done else {}
    said = query.sql if query else without_citations(answer.content)
    better = _better(answer, signal, said)
    sources = tuple(_places(answer))
    model = done.model if done else ""
    return Item(
        id=str(answer.id),
        kind="sql" if query else "answer",
        signal=signal,
        question=judged.question.content,
        answer=said,
        better=better,
        worse=() if query else tuple(_worse(answer, judged, better)),
        turns=tuple(turns_before(judged.before)),
        conversation=answer.conversation,
        title=judged.title,
        sources=sources,
        model=model,
        database=query.source if query else "",
        created=answer.created,
        provenance={
            "conversation": answer.conversation,
            "message": answer.id,
            "kind": signal,
            "sources": list(sources),
            "model": model,
            "digest": lineage.get("digest", ""),
        },
    )


def _better(answer: Message, signal: Signal, said: str) -> str:
    if signal == "correction":
        return without_citations(answer.correction).strip()
    return "" if signal == "bad" else said


def _worse(answer: Message, judged: Judged, better: str) -> Iterator[str]:
    """The texts that lost against `better`, each once."""
    lost: list[Message] = []
    for other in judged.answers:
        outvoted = other.id in judged.beaten.get(answer.id, ())
        disliked = other.rating < 0 or bool(other.correction)
        if outvoted or disliked:
            lost.append(other)
    texts = dict.fromkeys(without_citations(other.content) for other in lost)
    return (text for text in texts if text and text != better)


def _places(answer: Message) -> Sequence[str]:
    found = [event for event in answer.events if isinstance(event, Source)]
    return [f"{source.source} {source.locator}".strip() for source in found]

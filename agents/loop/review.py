"""Items and what reviewers decided on them: open, accepted, edited or rejected, with Undo.

loop/review.json    {"decided": {ID: decision}, "history": [{ID: what it was before}, …]}

A decision is of the texts that the reviewer saw. Where a correction was changed afterwards, the
item is open again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from agents.loop.candidates import Item, read_items
from agents.loop.personal import find_personal
from agents.loop.queries import check_query, forget_query, keep_query
from workbench.errors import InvalidInput, NotFound
from workbench.files import locked, read_json, write_json
from workbench.messages import pack, say, unpack
from workbench.settings import Settings
from workbench.who import who_acts

State = Literal["open", "accepted", "edited", "rejected"]
STATES: tuple[State, ...] = ("open", "accepted", "edited", "rejected")
TAKEN = ("accepted", "edited")
UNDONE_AT_MOST = 50  # actions


@dataclass(frozen=True)
class Decision:
    """What a person decided, on texts with that digest; `batch` has frozen it."""

    state: State = "open"
    digest: str = ""
    text: str = ""
    """The person's own text, of an edited item."""

    reason: str = ""
    who: str = ""
    when: float = 0.0
    batch: str = ""


@dataclass(frozen=True)
class Reviewed:
    """An item and where it stands."""

    item: Item
    decision: Decision

    @property
    def id(self) -> str:
        return self.item.id

    @property
    def state(self) -> State:
        return self.decision.state

    @property
    def taken(self) -> bool:
        """Whether it is data to learn from."""
        return self.state in TAKEN

    @property
    def text(self) -> str:
        """What would be learned."""
        return self.decision.text if self.state == "edited" else self.item.better

    @property
    def can_be_taken_unseen(self) -> bool:
        """Whether it is open, says what is right, and shows nothing that looks personal."""
        item = self.item
        said = [str(turn["content"]) for turn in item.turns]
        texts = (*said, self.text, *item.worse)
        personal = any(find_personal(text) for text in texts)
        return self.state == "open" and bool(self.text) and not personal


def read_review(settings: Settings) -> list[Reviewed]:
    """Every item with its decision, the newest first."""
    decided = _read(settings)["decided"]
    return [Reviewed(item, _decision(item, decided)) for item in reversed(read_items(settings))]


def accept(ids: Sequence[str], settings: Settings) -> list[str]:
    """Accept items as they stand; verified queries are used by their source at once.

    Raises NotFound, or InvalidInput for an item that says nothing to learn, or whose query the
    guard refuses; nothing is accepted then.
    """
    found = _find(ids, settings)
    for reviewed in found:
        _check(reviewed.item, reviewed.text, settings)
    return _decide(found, settings, lambda one: _accepted(one, settings))


def edit(number: str, text: str, settings: Settings) -> list[str]:
    """Accept the item with the reviewer's own text. Raises NotFound or InvalidInput."""
    found = _find([number], settings)
    own = text.strip()
    _check(found[0].item, own, settings)
    return _decide(found, settings, lambda one: _new("edited", one, settings, text=own))


def reject(ids: Sequence[str], settings: Settings, reason: str = "") -> list[str]:
    """Keep the items out of training. Raises NotFound."""
    found = _find(ids, settings)
    return _decide(
        found, settings, lambda one: _new("rejected", one, settings, reason=reason.strip())
    )


def undo(settings: Settings) -> list[str]:
    """Take the newest action back; returns the ids that it had changed, none where none is left."""
    with locked(_file(settings)):
        data = _read(settings)
        if not data["history"]:
            return []
        before = data["history"].pop()
        after = {number: data["decided"].get(number) for number in before}
        for number, decision in before.items():
            if decision is None:
                data["decided"].pop(number, None)
            else:
                data["decided"][number] = decision
        write_json(_file(settings), data)
    _use_queries(after, before, settings)
    return list(before)


def mark_frozen(
    ids: Iterable[str], batch: str, leaked: Mapping[str, str], settings: Settings
) -> None:
    """Say of accepted items that the batch holds them, and reject the `leaked` ones for a reason.

    That cannot be undone.
    """
    with locked(_file(settings)):
        data = _read(settings)
        for number in ids:
            data["decided"][number]["batch"] = batch
        for number, reason in leaked.items():
            data["decided"][number] |= {"state": "rejected", "reason": pack(reason)}
        data["history"] = []
        write_json(_file(settings), data)


def _accepted(one: Reviewed, settings: Settings) -> Decision:
    """An edited item stays as it was edited."""
    return one.decision if one.taken else _new("accepted", one, settings)


def _new(state: State, one: Reviewed, settings: Settings, **facts: str) -> Decision:
    who = who_acts(settings)
    return Decision(
        state, one.item.digest, who=who, when=time.time(), batch=one.decision.batch, **facts
    )


def _find(ids: Sequence[str], settings: Settings) -> list[Reviewed]:
    known = {reviewed.id: reviewed for reviewed in read_review(settings)}
    missing = [number for number in ids if number not in known]
    if missing or not ids:
        raise NotFound(
            say("There is no item {ids} to review.", ids=", ".join(missing) or "–"),
            "List them with: workbench loop review --list",
        )
    frozen = [number for number in ids if known[number].decision.batch]
    if frozen:
        raise InvalidInput(
            say("The items {ids} are in a batch already.", ids=", ".join(frozen)),
            "A batch is frozen; judge the answer again in its chat to correct it.",
        )
    return [known[number] for number in dict.fromkeys(ids)]


def _check(item: Item, text: str, settings: Settings) -> None:
    if not text.strip():
        raise InvalidInput(
            say("Nobody has said what would be right for item {id}.", id=item.id),
            say("Write it: workbench loop review --edit {id} TEXT, or reject it.", id=item.id),
        )
    if item.kind == "sql":
        check_query(item, text, settings)


def _decide(
    found: Sequence[Reviewed], settings: Settings, decide: Callable[[Reviewed], Decision]
) -> list[str]:
    """Keep the decisions as one action that can be undone."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    with locked(_file(settings)):
        data = _read(settings)
        for reviewed in found:
            before[reviewed.id] = data["decided"].get(reviewed.id)
            after[reviewed.id] = asdict(decide(reviewed))
        data["decided"] |= after
        data["history"] = [*data["history"], before][-UNDONE_AT_MOST:]
        write_json(_file(settings), data)
    _use_queries(before, after, settings)
    return list(after)


def _use_queries(before: dict[str, Any], after: dict[str, Any], settings: Settings) -> None:
    """Give sources the queries that are accepted now, and take back those that no longer are."""
    items = {item.id: item for item in read_items(settings) if item.kind == "sql"}
    for number in after.keys() & items.keys():
        item = items[number]
        old = Reviewed(item, _decision(item, before))
        new = Reviewed(item, _decision(item, after))
        if new.taken:
            keep_query(item, new.text, settings)
        elif old.taken:
            forget_query(item, settings)


def _decision(item: Item, decided: dict[str, Any]) -> Decision:
    kept = decided.get(item.id)
    if not kept:
        return Decision()
    decision = Decision(**kept | {"reason": unpack(kept["reason"])})
    if decision.digest != item.digest and not decision.batch:
        return Decision()  # its texts have changed since
    return decision


def _read(settings: Settings) -> dict[str, Any]:
    path = _file(settings)
    try:
        return {"decided": {}, "history": []} | read_json(path, {})
    except (ValueError, TypeError) as error:
        raise InvalidInput(
            say("{path} is not valid JSON.", path=path), "Restore it, or delete it."
        ) from error


def _file(settings: Settings) -> Path:
    return settings.own.folder("loop") / "review.json"  # of the person's own chats

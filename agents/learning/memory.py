"""The workspace's judgements, kept in one file that is read again only where they have changed.

learned_routes.json   {"on", "forgotten": [ids], "state", "judgements": […], "score"}

Chats and comparisons stay the truth. The file shows what was learned of them, and holds what a
person decided: whether it counts, and which judgements do not.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from agents.compare.kept import list_comparisons
from agents.evidence import hash_of
from agents.learning.judgements import Judgement, as_row, collect, from_row
from workbench.chat.database import STORE
from workbench.chat.reroutes import state_of_judgements
from workbench.errors import NotFound, Unwritable
from workbench.files import read_json, update_json
from workbench.messages import say
from workbench.settings import Settings

FILE = "learned_routes.json"
FORM = 1  # of the file: another one is read again from chats
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Learned:
    """All judgements; `forgotten` are the ids of those that a person took out.

    `score` is what was measured last with it, empty for nothing.
    """

    on: bool = True
    forgotten: frozenset[str] = frozenset()
    judgements: tuple[Judgement, ...] = ()
    state: str = ""
    score: Row = field(default_factory=dict)

    @property
    def counting(self) -> tuple[Judgement, ...]:
        """The judgements that were not taken out."""
        return tuple(one for one in self.judgements if one.id not in self.forgotten)


def learned(settings: Settings) -> Learned:
    """What was learned, brought up to date. Raises WorkbenchError for unreadable conversations."""
    STORE.bring_up_to_date(settings.database)
    state = _state(settings)
    kept = kept_as_it_is(settings)
    if kept.state == state:
        return kept
    judgements = collect(settings)
    rows = [as_row(one) for one in judgements]
    with suppress(Unwritable):  # a full disk: it is read again with the next question
        _change(settings, lambda content: content | {"state": state, "judgements": rows})
        return kept_as_it_is(settings)
    return Learned(kept.on, kept.forgotten, tuple(judgements), state, kept.score)


def kept_as_it_is(settings: Settings) -> Learned:
    """What the file says, without a look at chats and comparisons."""
    path = settings.own.home / FILE
    try:
        status = path.stat()
    except OSError:
        return Learned()
    return _read(path, status.st_mtime_ns, status.st_size)


def switch(on: bool, settings: Settings) -> None:
    """Let what was learned count, or not."""
    _change(settings, lambda content: content | {"on": on})


def forget(name: str, settings: Settings) -> Judgement:
    """Take one judgement out; `remember` brings it back. Raises NotFound."""
    found = _find(name, settings)
    _change(settings, lambda content: content | {"forgotten": [*_forgotten(content), found.id]})
    return found


def remember(name: str, settings: Settings) -> Judgement:
    """Undo `forget`. Raises NotFound."""
    found = _find(name, settings)

    def without(content: Row) -> Row:
        left = [one for one in _forgotten(content) if one != found.id]
        return content | {"forgotten": left}

    _change(settings, without)
    return found


def keep_score(score: Row, settings: Settings) -> None:
    """Keep what was measured last."""
    _change(settings, lambda content: content | {"score": score})


def _find(name: str, settings: Settings) -> Judgement:
    for judgement in learned(settings).judgements:
        if judgement.id == name:
            return judgement
    raise NotFound(
        say("There is no judgement {name}.", name=name),
        "List them with: workbench router evidence --list",
    )


def _change(settings: Settings, change: Callable[[Row], Row]) -> None:
    path = settings.own.folder() / FILE
    with suppress(ValueError):
        update_json(path, lambda content: change(_whole(content)), {})
        return
    path.unlink(missing_ok=True)  # damaged: what chats and comparisons say is read again
    update_json(path, change, {})


def _whole(content: Any) -> Row:
    """The content, or nothing where it is of another form."""
    fits = isinstance(content, dict) and content.get("form", FORM) == FORM
    return (content if fits else {}) | {"form": FORM}


def _forgotten(content: Row) -> list[str]:
    return [str(one) for one in content.get("forgotten", [])]


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int, _size: int) -> Learned:
    try:
        content = _whole(read_json(path, {}))
        judgements = tuple(from_row(row) for row in content.get("judgements", []))
        forgotten = frozenset(_forgotten(content))
        on = bool(content.get("on", True))
        return Learned(
            on, forgotten, judgements, str(content.get("state", "")), dict(content.get("score", {}))
        )
    except (OSError, ValueError, TypeError, KeyError):  # damaged: made again
        return Learned()


def _state(settings: Settings) -> str:
    """What was judged and compared, as a short text that changes with it."""
    texts = [str(FORM), state_of_judgements(settings.database)]
    for comparison in list_comparisons(settings):
        status = comparison.card_file.stat()
        texts.append(f"{comparison.name} {status.st_mtime_ns} {status.st_size}")
    return hash_of(texts)

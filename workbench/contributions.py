"""What each package adds to the whole, found by the entry points of the group `workbench`.

A package declares one `Contribution` in its `contributes.py` and names it in pyproject.toml.
Nothing here, and nothing in `workbench`, knows a package by its name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from workbench.sqlite_store import Store

GROUP = "workbench"


@dataclass(frozen=True)
class FirstStart:
    """A command that fills a new workspace."""

    words: Sequence[str]
    """What stands after `workbench` on the command line."""

    unless: str
    """A path in the workspace that exists once the package has been used: the command never runs
    again then, so that an example a person deleted does not come back."""


@dataclass(frozen=True)
class JobKind:
    """What the panel of jobs has to know of a command."""

    made: str = ""
    """Place of a function `job -> Made | None`: what a finished job has made."""

    loses: tuple[str, str] | None = None
    """In English and in Chinese: what is lost where it is cancelled. None: nothing."""

    heavy: bool = False
    """Whether it takes all of the machine, so that another one beside it slows both down."""


@dataclass(frozen=True)
class Contribution:
    """Places are written `module:name` and imported only when they are used."""

    commands: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Name of a command -> (place of the click command, one line of help). "chats replay" is the
    command `replay` of the group `chats`."""

    checks: Sequence[str] = ()
    """Places of functions `settings -> Iterator[Finding]`, which `workbench doctor` runs."""

    repairs: Sequence[str] = ()
    """Places of functions `settings -> Iterator[Mended]`, which `workbench repair` runs in turn."""

    stores: Sequence[str] = ()
    """Places of each `Store`: an SQLite file of the workspace, for `workbench upgrade`."""

    moves: Sequence[str] = ()
    """Places of functions `Move -> Iterator[Message]`: a restored workspace's new place is written
    into what keeps paths; a sentence for each thing that needs files which do not exist here."""

    restored: Sequence[str] = ()
    """Places of functions `(settings, report) -> None`: make again what a backup has not."""

    carried: Mapping[str, str] = field(default_factory=dict)
    """Word for what can be carried to another workspace (run, collection) -> place of a `Kind`."""

    base_checks: Sequence[str] = ()
    """Places of functions `folder of a base -> Iterator[text]`: what a training on it should know
    before it begins."""

    first_start: Sequence[FirstStart] = ()
    """Commands that fill a new workspace."""

    demo: Mapping[int, str] = field(default_factory=dict)
    """Position in `workbench demo` -> place of a `DemoStep`."""

    loop_steps: Mapping[int, str] = field(default_factory=dict)
    """Position on the way of a batch of reviewed rows -> place of a `LoopStep`."""

    jobs: Mapping[str, JobKind] = field(default_factory=dict)
    """First words of a command that runs as a job -> what the panel has to know of it."""

    opens: Mapping[str, str] = field(default_factory=dict)
    """What a page of another package may wish -> place of a function `name -> None` that does it:
    `chat` with the model of that name, `choose` it in the chat, `publish` the run of that name."""

    modes: str = ""
    """Place of a function `language -> {mode of an answer: its name for a person}`."""

    training_cost: str = ""
    """Place of a function `(rows of {"question", "answer"}, settings) -> {"epochs", "minutes",
    "device", "base"}`: what a training on them would cost by default."""

    panels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Name of a page -> places of functions `settings -> None` that draw a part of it."""

    gguf: str = ""
    """Place of a function `(name, settings, file) -> None` that writes a run or a workspace model,
    merged with its base, as one GGUF file in 16 bits."""

    chinese: Path | None = None
    """The package's Chinese: a TOML file, English template -> Chinese template."""


@lru_cache(maxsize=1)
def contributions() -> tuple[Contribution, ...]:
    """The contributions of all installed packages: `workbench` first, then the others by name."""
    points = sorted(entry_points(group=GROUP), key=lambda point: (point.name != GROUP, point.name))
    return tuple(point.load() for point in points)


def load_in_order(field_name: str) -> list[Any]:
    """What all packages contribute to a field of position -> place, loaded, by position."""
    places: dict[int, str] = {}
    for contribution in contributions():
        places |= getattr(contribution, field_name)
    return [load_place(place) for _, place in sorted(places.items())]


def load_place(place: str) -> Callable[..., Any]:
    """The function or command at `module:name`."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def contributed_stores() -> list[Store]:
    """The databases of a workspace that packages contribute."""
    return [
        cast("Store", load_place(place))
        for contribution in contributions()
        for place in contribution.stores
    ]


def draw_panels(page: str, *arguments: Any) -> None:
    """Draw what packages add to that page."""
    for contribution in contributions():
        for place in contribution.panels.get(page, ()):
            load_place(place)(*arguments)


def mode_name(mode: str, language: str) -> str:
    """What a person calls the mode of an answer; the mode itself where no package names it."""
    names: dict[str, str] = {}
    for contribution in contributions():
        if contribution.modes:
            names |= load_place(contribution.modes)(language)
    return names.get(mode, mode)


# read once a process: a page looks up many sentences
@lru_cache(maxsize=1)
def chinese() -> Mapping[str, str]:
    """English template -> Chinese template, of all packages together."""
    catalogue: dict[str, str] = {}
    for contribution in contributions():
        if contribution.chinese:
            catalogue |= tomllib.loads(contribution.chinese.read_text("utf-8"))
    return catalogue

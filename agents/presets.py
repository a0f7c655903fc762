"""Presets ("assistants"): choices for a chat under a name, in one file of the workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from agents.choices import usable
from agents.names import checked_name
from workbench.confined import check_may_change
from workbench.errors import InvalidInput, NotFound
from workbench.files import read_json, update_json
from workbench.messages import say
from workbench.settings import Settings

LONGEST_NAME = 40  # characters
# names of Material icons, the first one for presets without any
ICONS = (
    "smart_toy",
    "translate",
    "edit_note",
    "code",
    "school",
    "gavel",
    "science",
    "query_stats",
    "lightbulb",
    "support_agent",
    "travel_explore",
    "star",
)


@dataclass(frozen=True)
class Preset:
    """`chosen` is what a chat chooses with it: fields of Settings and the mode."""

    name: str
    icon: str
    chosen: dict[str, Any]


@dataclass(frozen=True)
class Shelf:
    """The presets in the person's order; `default` names the one that new chats begin with."""

    presets: tuple[Preset, ...] = ()
    default: str = ""

    def named(self, name: str) -> Preset | None:
        """The preset of that name."""
        for preset in self.presets:
            if preset.name == name:
                return preset
        return None


def read_shelf(settings: Settings) -> Shelf:
    """All presets. Raises InvalidInput where the file is damaged."""
    path = _file(settings)
    try:
        return _shelf(read_json(path, {}))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidInput(
            say("The presets in {name} cannot be read: {error}", name=path.name, error=error),
            say("Correct {path}, or move it away.", path=path),
        ) from error


def find_preset(name: str, settings: Settings) -> Preset:
    """The preset of that name. Raises NotFound with the names there are."""
    shelf = read_shelf(settings)
    found = shelf.named(name.strip())
    if found is None:
        known = ", ".join(preset.name for preset in shelf.presets)
        raise NotFound(
            say("There is no preset “{name}”.", name=name),
            say("Choose one of: {known}", known=known)
            if known
            else "Save one in the chat: choose what you like, then “Assistants”.",
        )
    return found


def save_preset(preset: Preset, settings: Settings) -> None:
    """Keep it, in the place of one with the same name. Raises InvalidInput for a bad name."""
    preset = replace(preset, name=checked_name(preset.name, LONGEST_NAME))

    def change(shelf: Shelf) -> Shelf:
        if shelf.named(preset.name) is None:
            return replace(shelf, presets=(*shelf.presets, preset))
        return replace(shelf, presets=_replaced(shelf, preset.name, preset))

    _update(settings, change)


def rename_preset(before: str, name: str, settings: Settings) -> None:
    """Give it another name. Raises InvalidInput for a bad or taken one, NotFound."""
    name = checked_name(name, LONGEST_NAME)
    preset = find_preset(before, settings)
    if name == before:
        return

    def change(shelf: Shelf) -> Shelf:
        if shelf.named(name):
            raise InvalidInput(
                say("There is a preset “{name}” already.", name=name), "Choose another name."
            )
        default = name if shelf.default == before else shelf.default
        return Shelf(_replaced(shelf, before, replace(preset, name=name)), default)

    _update(settings, change)


def delete_preset(name: str, settings: Settings) -> Callable[[], None]:
    """Take it away; returns what brings it back to its place. Raises NotFound."""
    preset = find_preset(name, settings)
    before = read_shelf(settings)
    place = before.presets.index(preset)

    def change(shelf: Shelf) -> Shelf:
        presets = tuple(one for one in shelf.presets if one.name != name)
        return Shelf(presets, "" if shelf.default == name else shelf.default)

    def bring_back(shelf: Shelf) -> Shelf:
        presets = list(shelf.presets)
        presets.insert(place, preset)
        return Shelf(tuple(presets), name if before.default == name else shelf.default)

    def undo() -> None:
        _update(settings, bring_back)

    _update(settings, change)
    return undo


def set_default(name: str, settings: Settings) -> None:
    """Let new chats begin with that preset; with the last choices where the name is empty."""
    if name:
        find_preset(name, settings)
    _update(settings, lambda shelf: replace(shelf, default=name))


def _replaced(shelf: Shelf, name: str, preset: Preset) -> tuple[Preset, ...]:
    return tuple(preset if one.name == name else one for one in shelf.presets)


def _file(settings: Settings) -> Path:
    return settings.folder() / "presets.json"


def _shelf(data: Mapping[str, Any]) -> Shelf:
    presets = [_preset(entry) for entry in data.get("presets", [])]
    return Shelf(tuple(presets), str(data.get("default", "")))


def _preset(entry: Mapping[str, Any]) -> Preset:
    icon = entry.get("icon")
    return Preset(str(entry["name"]), icon if icon in ICONS else ICONS[0], usable(entry["chosen"]))


def _update(settings: Settings, change: Callable[[Shelf], Shelf]) -> None:
    check_may_change(settings)
    read_shelf(settings)  # a damaged file is said in our words, and left as it is
    update_json(_file(settings), lambda data: asdict(change(_shelf(data))), {})

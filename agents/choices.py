"""What a person has chosen for one chat: fields of Settings and the mode, checked before use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError, create_model

from agents.beside import read_beside
from agents.registry import AGENTS, AUTO, SIDE_BY_SIDE, asset_settings
from workbench.files import read_json, write_json
from workbench.settings import Settings

MODE = "mode"
SPOKEN = ("system_prompt", "temperature", "top_p", "answer_tokens", "context_tokens")
"""The settings of how a model speaks, as against what answers."""

LAST = "last_choices.json"


def fields() -> list[str]:
    """The settings that a chat may choose."""
    return list(dict.fromkeys(["model", *asset_settings(), *SPOKEN]))


def usable(chosen: Any) -> dict[str, Any]:
    """What a chat may choose of this, each value checked as Settings check it.

    A stored chat may come from another program, so anything else in it is left out.
    """
    if not isinstance(chosen, Mapping):
        return {}
    found = {name: chosen[name] for name in fields() if name in chosen}
    kept = {name: value for name, value in found.items() if _fits(name, value)}
    mode = chosen.get(MODE)
    if mode in {AUTO, SIDE_BY_SIDE, *AGENTS}:
        kept[MODE] = mode
    return kept | read_beside(chosen).chosen


def last_choices(settings: Settings) -> dict[str, Any]:
    """What was chosen last in this workspace, for a new chat to begin with."""
    try:
        return usable(read_json(settings.own.folder() / LAST, {}))
    except ValueError:  # a convenience: a damaged file is as good as none
        return {}


def keep_last(chosen: Mapping[str, Any], settings: Settings) -> None:
    """Remember these choices as the last ones."""
    write_json(settings.own.folder() / LAST, dict(chosen))


def _fits(name: str, value: Any) -> bool:
    try:
        _checker(name).model_validate({name: value}, strict=True)
    except ValidationError:
        return False
    return True


@cache
def _checker(name: str) -> Any:
    """A model of that one setting, with the bounds that Settings give it."""
    field = Settings.model_fields[name]
    fields: dict[str, Any] = {name: (field.annotation, field)}
    return create_model("Choice", **fields)

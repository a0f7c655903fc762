"""A published model's name in Ollama -> the version of this workspace behind it, and its host.

A version is a folder `deploy/NAME/vN` with a card.json; `deploy/NAME/latest` has the number that
NAME and NAME:latest mean. The package deploy writes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from workbench.files import read_json
from workbench.settings import Settings


@dataclass(frozen=True)
class Published:
    """One published version: the server it was published to, and the run it was made from."""

    name: str
    number: int
    host: str
    run: str


def find_published(tag: str, settings: Settings) -> Published | None:
    """The version that NAME, NAME:latest or NAME:vN means; None for a model of other origin."""
    name, _, version = tag.partition(":")
    if not re.fullmatch(r"[\w.-]+", name) or not re.fullmatch(r"v\d+|latest|", version):
        return None
    folder = settings.home / "deploy" / name
    number = int(version[1:]) if version.startswith("v") else _latest(folder)
    try:
        card = read_json(folder / f"v{number}" / "card.json")
        return Published(name, number, str(card["host"]), str(card["run"]))
    except (ValueError, KeyError, TypeError, OSError):  # missing or corrupt: not ours to use
        return None


def is_elsewhere(tag: str, settings: Settings) -> bool:
    """Whether another space of the same workspace has published the model of that name in Ollama.

    Spaces share the server, but what one has taught its model is no other's to ask for. An
    administrator sees all.
    """
    return tag.partition(":")[0] in published_elsewhere(settings)


def published_elsewhere(settings: Settings) -> frozenset[str]:
    """The names in Ollama of models that other spaces of the same workspace have published."""
    if settings.role == "admin":
        return frozenset()
    home = settings.home
    root = home.parents[2] if home.parent.parent.name == "spaces" else home
    others = [place for place in (root, *root.glob("spaces/*/*")) if place != home]
    theirs = {folder.name for place in others for folder in place.glob("deploy/*")}
    return frozenset(name for name in theirs if not (home / "deploy" / name).exists())


def _latest(folder: Path) -> int:
    """The number in the file `latest`; 0, which no version has, where it is missing."""
    try:
        return int((folder / "latest").read_text("utf-8"))
    except (OSError, ValueError):
        return 0

"""The versions of a published name, with their cards and proofs, and the one that `:latest` names.

A version is a folder `deploy/NAME/vN` with `card.json`, `proof.json` and `Modelfile`. Its weights
are in Ollama.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.ollama_registry import Registry, check_name
from workbench.confined import check_may_change
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.files import locked, read_json, write_text
from workbench.messages import read_messages, say
from workbench.settings import Settings


@dataclass(frozen=True)
class Version:
    """One published version.

    Its card has run, base, data, precision, digests, host and the proof's summary.
    """

    name: str
    number: int
    folder: Path
    card: dict[str, Any]

    @property
    def tag(self) -> str:
        """Its name in Ollama."""
        return f"{self.name}:v{self.number}"

    @property
    def latest(self) -> bool:
        return read_latest(self.folder.parent) == self.number

    @property
    def proof(self) -> dict[str, Any]:
        return read_json(self.folder / "proof.json")

    @property
    def registry(self) -> Registry:
        """The server that has it."""
        return Registry(self.card["host"])


def list_versions(settings: Settings, name: str = "*") -> list[Version]:
    """Published versions by name, the newest first."""
    cards = (settings.home / "deploy").glob(f"{name}/v*/card.json")
    versions = [_read(card.parent) for card in cards]
    return sorted(versions, key=lambda version: (version.name.lower(), -version.number))


def find_version(settings: Settings, tag: str) -> Version:
    """`NAME:v2`, or `NAME` for the latest. Raises NotFound with the versions that exist."""
    name, _, number = tag.partition(":")
    versions = list_versions(settings, check_name(name))
    if number and not re.fullmatch(r"v\d+|latest", number):
        raise InvalidInput(say("{tag!r} names no version.", tag=tag), "Name one as NAME:v2.")
    for version in versions:
        wants_latest = number in ("", "latest")
        if number == f"v{version.number}" or (wants_latest and version.latest):
            return version
    fix: str = "See: workbench deploy list"
    if versions:
        fix = say("Published: {tags}.", tags=", ".join(version.tag for version in versions))
    raise NotFound(say("{tag} is not published.", tag=tag), fix)


def compare_versions(one: Version, other: Version) -> dict[str, tuple[Any, Any]]:
    """Every fact that differs: of the cards and their parts, and the Modelfiles."""
    left = _facts(one)
    right = _facts(other)
    return {
        name: (left.get(name), right.get(name))
        for name in left | right
        if left.get(name) != right.get(name)
    }


def _facts(version: Version) -> dict[str, Any]:
    """The card with its parts as `name.part`, and the Modelfile."""
    facts: dict[str, Any] = {}
    for name, value in version.card.items():
        if name == "key":
            continue  # a hash of the others
        if isinstance(value, dict):
            for part, content in value.items():
                facts[f"{name}.{part}"] = content
        else:
            facts[name] = value
    facts["modelfile"] = (version.folder / "Modelfile").read_text("utf-8")
    return facts


def promote(version: Version, registry: Registry | None = None) -> Version:
    """Let `:latest` name this version."""
    (registry or version.registry).copy(version.tag, f"{version.name}:latest")
    write_latest(version.folder.parent, version.number)
    return version


def roll_back(settings: Settings, name: str) -> Version:
    """Let `:latest` name the version before the present one.

    Raises Conflict where none is older.
    """
    versions = list_versions(settings, check_name(name))
    now = find_version(settings, name)
    for version in versions:  # the newest first
        if version.number < now.number:
            return promote(version)
    raise Conflict(
        say("{tag} is the oldest version.", tag=now.tag),
        say("Remove it: workbench deploy remove {tag}", tag=now.tag),
    )


def remove(settings: Settings, version: Version) -> Version | None:
    """Remove a version from Ollama and from the workspace; returns the one that `:latest` names
    afterwards.
    """
    versions = list_versions(settings, version.name)
    rest = [other for other in versions if other.number != version.number]
    latest = next((other for other in rest if other.latest), None)
    if version.latest and rest:
        latest = promote(rest[0])
    elif version.latest:
        version.registry.delete(f"{version.name}:latest")
    version.registry.delete(version.tag)
    shutil.rmtree(version.folder)
    name_folder = version.folder.parent
    if not rest and not (name_folder / "candidate").exists():
        shutil.rmtree(name_folder)
    return latest


def read_latest(folder: Path) -> int:
    """The number of the version that `:latest` names; 0 before the first publish."""
    path = folder / "latest"
    return int(path.read_text()) if path.exists() else 0


def write_latest(folder: Path, number: int) -> None:
    """The inverse of `read_latest`."""
    write_text(folder / "latest", str(number))


@contextmanager
def publishing(settings: Settings, name: str) -> Iterator[Path]:
    """The name's folder, for one publish or removal at a time.

    Raises Conflict where another one is at work, Forbidden for a reader.
    """
    check_may_change(settings)
    from filelock import Timeout

    folder = settings.folder("deploy") / name
    try:
        with locked(folder, timeout=0):
            yield folder
    except Timeout as error:
        raise Conflict(
            say("{name} is being published right now.", name=name),
            "Wait for it: workbench jobs list",
        ) from error


def _read(folder: Path) -> Version:
    card = read_messages(read_json(folder / "card.json"))
    return Version(folder.parent.name, int(folder.name[1:]), folder, card)

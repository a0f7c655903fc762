"""What was published under a name: numbered versions with their cards and proofs, and the one that `:latest` means.

A version is a folder `deploy/NAME/vN` with `card.json`, `proof.json` and `Modelfile`; its weights are in Ollama.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.ollama_registry import Registry, check_name
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings


@dataclass(frozen=True)
class Version:
    """One published version. `card` tells run, base, data, precision, digests, host and the proof's summary."""

    name: str
    number: int
    folder: Path
    card: dict[str, Any]

    @property
    def tag(self) -> str:
        return f"{self.name}:v{self.number}"

    @property
    def latest(self) -> bool:
        return read_latest(self.folder.parent) == self.number

    @property
    def proof(self) -> dict[str, Any]:
        return json.loads((self.folder / "proof.json").read_text("utf-8"))

    @property
    def registry(self) -> Registry:
        return Registry(self.card["host"])


def list_versions(settings: Settings, name: str = "*") -> list[Version]:
    """Published versions by name, the newest first."""
    found = [_read(path.parent) for path in (settings.home / "deploy").glob(f"{name}/v*/card.json")]
    return sorted(found, key=lambda version: (version.name.lower(), -version.number))


def find_version(settings: Settings, tag: str) -> Version:
    """`NAME:v2`, or `NAME` for the one that `:latest` means. Raises NotFound with what there is."""
    name, _, number = tag.partition(":")
    versions = list_versions(settings, check_name(name))
    if number and not re.fullmatch(r"v\d+|latest", number):
        raise InvalidInput(say("{tag!r} names no version.", tag=tag), "Name one as NAME:v2.")
    for version in versions:
        if number == f"v{version.number}" or (number in ("", "latest") and version.latest):
            return version
    there = ", ".join(version.tag for version in versions)
    raise NotFound(
        say("There is no published {tag}.", tag=tag),
        f"There is: {there}." if there else "See: workbench deploy list",
    )


def compare_versions(one: Version, other: Version) -> dict[str, tuple[Any, Any]]:
    """Every fact that differs: of the cards and their parts, and the Modelfiles."""
    left, right = (_facts(version) for version in (one, other))
    names = [name for name in left | right if left.get(name) != right.get(name)]
    return {name: (left.get(name), right.get(name)) for name in names}


def _facts(version: Version) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name, value in version.card.items():
        facts |= (
            {f"{name}.{part}": what for part, what in value.items()}
            if isinstance(value, dict)
            else {name: value}
        )
    facts.pop("key")
    return facts | {"modelfile": (version.folder / "Modelfile").read_text("utf-8")}


def promote(version: Version, registry: Registry | None = None) -> Version:
    """Let `:latest` mean this version."""
    (registry or version.registry).copy(version.tag, f"{version.name}:latest")
    write_latest(version.folder.parent, version.number)
    return version


def roll_back(settings: Settings, name: str) -> Version:
    """Let `:latest` mean the version before the one it means now. Raises Conflict where there is none."""
    versions = list_versions(settings, check_name(name))
    now = find_version(settings, name)
    earlier = [version for version in versions if version.number < now.number]
    if not earlier:
        raise Conflict(
            say("There is no version before {tag}.", tag=now.tag),
            say("Remove it: workbench deploy remove {tag}", tag=now.tag),
        )
    return promote(earlier[0])


def remove(settings: Settings, version: Version) -> Version | None:
    """Remove a version from Ollama and from the workspace; returns the version that `:latest` means afterwards."""
    rest = [
        other for other in list_versions(settings, version.name) if other.number != version.number
    ]
    current: Version | None = next((other for other in rest if other.latest), None)
    if version.latest:
        current = promote(rest[0]) if rest else None
        if not rest:
            version.registry.delete(f"{version.name}:latest")
    version.registry.delete(version.tag)
    shutil.rmtree(version.folder)
    if not rest and not (version.folder.parent / "candidate").exists():
        shutil.rmtree(version.folder.parent)
    return current


def read_latest(folder: Path) -> int:
    """The number of the version that `:latest` means; 0 where none was published."""
    path = folder / "latest"
    return int(path.read_text()) if path.exists() else 0


def write_latest(folder: Path, number: int) -> None:
    part = folder / "latest.part"
    part.write_text(str(number))
    part.replace(folder / "latest")


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(data, ensure_ascii=False, indent=1), "utf-8")
    part.replace(path)


@contextmanager
def writing(settings: Settings, name: str) -> Iterator[Path]:
    """The name's folder, for one publish or removal at a time. Raises Conflict where another one is at work."""
    from filelock import FileLock, Timeout

    lock = FileLock(settings.folder("deploy") / f".{name}.lock")
    try:
        with lock.acquire(timeout=0):
            yield settings.folder("deploy") / name
    except Timeout as error:
        raise Conflict(
            say("{name} is being published right now.", name=name),
            "Wait for it: workbench jobs list",
        ) from error


def _read(folder: Path) -> Version:
    card = json.loads((folder / "card.json").read_text("utf-8"))
    return Version(folder.parent.name, int(folder.name[1:]), folder, card)

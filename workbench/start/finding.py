"""One line of `workbench doctor` or of `workbench repair`, and what most checks ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal
from urllib.request import urlopen

PATIENCE = 1.5  # seconds that a server may take to answer
State = Literal["ok", "missing", "broken"]


@dataclass(frozen=True)
class Finding:
    """One line of the report. `broken` means that the app cannot do its main job."""

    what: str
    state: State
    detail: str
    fix: str = ""


@dataclass(frozen=True)
class Mended:
    """One thing that `workbench repair` found damaged, and what became of it."""

    what: str
    """What was damaged, and what was done."""
    lost: bool = False
    """Whether something of it could not be brought back."""


def find_libraries(*names: str, extra: str = "") -> Iterator[Finding]:
    """A finding for each distribution; with `extra`, which installs it, it may be missing."""
    for name in names:
        try:
            yield Finding(name, "ok", version(name))
        except PackageNotFoundError:
            if extra:
                fix = f'Run: .venv/bin/uv pip install --python .venv/bin/python -e ".[{extra}]"'
                yield Finding(name, "missing", "not installed", fix)
            else:
                yield Finding(name, "broken", "not installed", "Run: make setup")


def ask_server(url: str) -> dict[str, Any] | None:
    """The JSON object at an address, {} where it is none, None where nothing answers in time."""
    if not url.startswith(("http://", "https://")):
        return None
    try:
        with urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 – the scheme is checked above
            data = json.load(answer)
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else {}

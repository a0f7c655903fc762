"""How much a workspace may hold: looked at when files arrive, by whichever door."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.errors import Unwritable
from workbench.messages import say
from workbench.settings import Settings

MEGABYTE = 1_000_000


def check_room(settings: Settings, arriving: int) -> None:
    """Raises Unwritable where that many bytes more would not fit into the workspace."""
    most = settings.space_megabytes
    if not most:
        return
    if _size_of(settings.home) + arriving > most * MEGABYTE:
        raise Unwritable(
            say("Your space of {most} MB is full.", most=most),
            "Remove what you do not need, or ask an admin for more.",
        )


def _size_of(folder: Path) -> int:
    """The bytes of all files in it."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            if path.is_file() and not path.is_symlink():
                total += path.stat().st_size
    return total

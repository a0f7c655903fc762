"""The databases of a workspace -> the versions that this program writes, after a backup."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from workbench.backup.making import make_backup
from workbench.backup.manifest import newer
from workbench.contributions import contributed_stores
from workbench.settings import Settings
from workbench.sqlite_store import Store
from workbench.terminal import Report


@dataclass(frozen=True)
class Upgraded:
    """A database of the workspace, and the version of its tables before and now."""

    name: str
    before: int
    now: int


def upgrade_workspace(
    settings: Settings, backup: Path | None = None, *, report: Report = lambda event: None
) -> tuple[list[Upgraded], Path | None]:
    """What became of each database, and the backup that was made before anything was changed.

    Where all are up to date, nothing is done. Raises Conflict for a newer workspace, and what
    `make_backup` raises.
    """
    found = [(store, store.version_of(settings.home / store.name)) for store in stores_of(settings)]
    for store, version in found:
        if version > store.newest:
            raise newer(store.name)
    file = None
    if any(version < store.newest for store, version in found):
        file = backup or _beside(settings.home)
        make_backup(settings, file, report=report)
    done = []
    for store, version in found:
        store.bring_up_to_date(settings.home / store.name)
        done.append(Upgraded(store.name, version, store.newest))
    return done, file


def stores_of(settings: Settings) -> list[Store]:
    """The databases that the workspace has, of those that packages contribute."""
    return [store for store in contributed_stores() if (settings.home / store.name).exists()]


def _beside(home: Path) -> Path:
    day = time.strftime("%Y%m%d-%H%M%S")
    return home.resolve().with_name(f"{home.name}.before-upgrade-{day}.zip")

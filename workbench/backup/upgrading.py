"""The databases of a workspace -> the versions that this program writes, after a backup."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.backup.making import make_backup
from workbench.backup.manifest import newer
from workbench.contributions import contributed_stores
from workbench.settings import Settings
from workbench.sqlite_store import Store
from workbench.storage.place import FOLDERS, Place
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
    found = [(one, one.store.version_of(one.place)) for one in kept_in(settings)]
    for one, version in found:
        if version > one.store.newest:
            raise newer(one.name)
    file = None
    if any(version < one.store.newest for one, version in found):
        file = backup or _beside(settings.home)
        make_backup(settings, file, report=report)
    done = []
    for one, version in found:
        one.store.bring_up_to_date(one.place)
        done.append(Upgraded(one.name, version, one.store.newest))
    return done, file


@dataclass(frozen=True)
class Kept:
    """A database of the workspace: its path below the folder, or its schema of a server."""

    store: Store
    place: Place
    name: str


def kept_in(settings: Settings) -> Iterator[Kept]:
    """The databases of the workspace and of the spaces in it, of those that packages contribute."""
    on_server = bool(settings.database_url.get_secret_value())
    for store in contributed_stores():
        if on_server and store.revisions and not store.held:
            continue
        for folder in FOLDERS:
            for path in sorted(settings.home.glob(f"{folder}{store.name}")):
                yield Kept(store, path, path.relative_to(settings.home).as_posix())
    if on_server:
        from workbench.backup.transfer import parts_on_server

        with parts_on_server(settings) as (_, parts):
            yield from [Kept(part.store, part.schema, str(part.schema)) for part in parts]


def _beside(home: Path) -> Path:
    day = time.strftime("%Y%m%d-%H%M%S")
    return home.resolve().with_name(f"{home.name}.before-upgrade-{day}.zip")

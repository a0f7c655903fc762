"""A backup -> a workspace in a folder, whole or not at all; what lay there before is kept aside."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.accounts.spaces import homes_in
from workbench.backup.manifest import Manifest, newer
from workbench.backup.moving import Move
from workbench.backup.reading import Reader, manifest_of, name_of, open_backup
from workbench.contributions import contributed_stores, contributions, load_place
from workbench.errors import Conflict, NotFound, Unwritable, WorkbenchError
from workbench.files import remove_parts, writing
from workbench.jobs.job import list_jobs
from workbench.messages import Message, listed, say
from workbench.settings import Settings
from workbench.terminal import Report


@dataclass(frozen=True)
class Restored:
    """Where the workspace is now, and where the one lies that it replaced."""

    folder: Path
    manifest: Manifest
    aside: Path | None
    told: list[Message]
    """What is not in the backup, and what needs files of another machine."""


def restore_backup(
    settings: Settings,
    place: Path | str,
    into: Path | None = None,
    *,
    replace: bool = False,
    report: Report = lambda event: None,
) -> Restored:
    """Make the folder `into`, else the workspace of the settings, from the backup in a file or at
    a URL.

    Chats and accounts go to the server that the settings name. Nothing is changed before every file
    is checked against its sum. Raises NotFound, InvalidInput for a damaged or foreign file,
    Conflict where the folder is in use or the server has rows, Unwritable, Unavailable where the
    server is away.
    """
    home = (into or settings.home).expanduser().absolute()
    target = home.resolve()  # a link to a folder of another disk stays one
    name = name_of(place)
    with open_backup(place) as archive:
        manifest = manifest_of(archive, name)
        _check_versions(name, manifest)
        _check_target(target, settings, replace)
        _check_server(home, settings, replace)
        _check_space(target, manifest)
        told = manifest.told()
        remove_parts(target)
        with _in_place_of(target) as (part, aside):
            Reader(name, archive, manifest, report).extract(part)
            for inner in homes_in(part):
                move = Move(inner, manifest.home, str(home))
                for follow in _contributed("moves"):
                    told += follow(move)
            _set_times(part, manifest)
    restored = settings.model_copy(update={"home": home})
    if settings.database_url.get_secret_value():
        told += _to_server(restored, replace)
    for inner in homes_in(home):
        told += _finish(restored.model_copy(update={"home": inner}), report)
    return Restored(home, manifest, aside if aside.exists() else None, told)


def _finish(restored: Settings, report: Report) -> Iterator[Message]:
    """Make again what the backup has not; what fails is told: the workspace itself is whole."""
    for build in _contributed("restored"):
        try:
            build(restored, report)
        except WorkbenchError as error:
            yield listed([error.problem, error.fix], " ")


@contextmanager
def _in_place_of(target: Path) -> Iterator[tuple[Path, Path]]:
    """A path to make the folder at, and one where the old folder lies after that."""
    aside = target.with_name(f"{target.name}.before-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        with writing(target) as part:
            yield part, aside
            if _is_used(target):
                target.rename(aside)
    except BaseException:
        if aside.exists() and not target.exists():
            aside.rename(target)
        raise


def _contributed(field: str) -> list[Callable]:
    return [load_place(one) for each in contributions() for one in getattr(each, field)]


def _check_versions(name: str, manifest: Manifest) -> None:
    """A database that this program is too old for would be of no use."""
    for store in contributed_stores():
        if manifest.databases.get(store.name, 0) > store.newest:
            raise newer(name)


def _check_target(target: Path, settings: Settings, replace: bool) -> None:
    if not _is_used(target):
        return
    if not replace:
        raise Conflict(
            say("{path} is not empty.", path=target),
            "Name another folder with --into, or give --replace: the old content is kept aside.",
        )
    running: list[str] = []
    for home in homes_in(target):
        jobs = list_jobs(settings.model_copy(update={"home": home}))
        running += [job.title for job in jobs if job.state == "running"]
    if running:
        raise Conflict(
            say("The job {title} is still running.", title=running[0]),
            "Wait for it, or cancel it first.",
        )


def _check_server(home: Path, settings: Settings, replace: bool) -> None:
    """Raise Conflict where the server has rows that those of the backup would replace."""
    if not settings.database_url.get_secret_value() or replace:
        return
    from workbench.backup.transfer import rows_on_server

    for place, count in rows_on_server(settings.model_copy(update={"home": home})):
        raise Conflict(
            say("{place} has {count} rows already.", place=place, count=count),
            "Give --replace: they are kept aside. Without WORKBENCH_DATABASE_URL those of the "
            "backup stay in files.",
        )


def _to_server(restored: Settings, replace: bool) -> list[Message]:
    """Copy the rows to the server, the files of which stay; a sentence for what was kept aside."""
    from workbench.backup.transfer import to_server

    try:
        moved = to_server(restored, replace=replace)
    except NotFound:  # a backup without them
        return []
    return [
        say("The server's rows of before are kept as {name}.", name=one.aside)
        for one in moved
        if one.aside
    ]


def _is_used(target: Path) -> bool:
    """Whether anything lies there besides locks and empty folders."""
    if not target.exists():
        return False
    if not target.is_dir():
        return True
    return any(not _is_lock(path) for path in target.rglob("*") if not path.is_dir())


def _is_lock(path: Path) -> bool:
    return path.name.startswith(".") and path.suffix == ".lock"


def _check_space(target: Path, manifest: Manifest) -> None:
    folder = target
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < manifest.size:
        raise Unwritable(
            say(
                "The workspace takes {needed} MB, and {path} has {free} MB.",
                needed=manifest.size // 1_000_000,
                free=free // 1_000_000,
                path=folder,
            ),
            "Free space, or restore into a folder of another disk with --into.",
        )


def _set_times(home: Path, manifest: Manifest) -> None:
    """As they were, so that what is the newest stays the newest; inner folders first."""
    for name, modified in sorted(manifest.folders.items(), reverse=True):
        os.utime(home / name, ns=(modified, modified))

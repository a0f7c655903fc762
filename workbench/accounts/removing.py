"""People and groups are removed, but not what they made: it moves to `<root>/removed`.

What moves goes before the name does: a later person of that name finds nothing of the former one.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from workbench.accounts.audit import note
from workbench.accounts.database import changing
from workbench.accounts.groups import Group, existing_group, list_groups
from workbench.accounts.people import Person, existing, keep_an_admin, new_epoch
from workbench.errors import Conflict
from workbench.jobs.job import list_jobs
from workbench.messages import say
from workbench.settings import Settings

PEOPLE = "people"  # in a shared space: a folder for each person's chats


def remove_person(root: Settings, name: str, *, by: str = "") -> Path | None:
    """Where their files are now, None where they had none.

    Raises NotFound, and Conflict for the last admin and while a job of theirs runs.
    """
    person = existing(root, name)
    own = root.home / "spaces" / PEOPLE / person.name
    _check_quiet(root, own)
    with changing(root) as database:
        query = "update people set disabled = 1, session_epoch = :epoch where name = :name"
        database.execute(query, {"epoch": new_epoch(), "name": person.name})
        keep_an_admin(database)
    moved = _move(root, person.name, {"own": own, **_chats(root, person)})
    with changing(root) as database:
        database.execute("delete from people where name = :name", {"name": person.name})
        note(database, by, "person_removed", person.name)
    return moved


def remove_group(root: Settings, name: str, *, by: str = "") -> Path | None:
    """Where its files are now. Raises NotFound, and Conflict while a job of it runs."""
    group = existing_group(root, name)
    space = group_folder(root, group)
    _check_quiet(root, space)
    with changing(root) as database:
        database.execute("delete from members where group_name = :name", {"name": group.name})
    moved = _move(root, group.name, {"group": space})
    with changing(root) as database:
        database.execute("delete from groups where name = :name", {"name": group.name})
        note(database, by, "group_removed", group.name)
    return moved


def group_folder(root: Settings, group: Group) -> Path:
    """The group's workspace."""
    return root.home / "spaces" / "groups" / group.name


def _chats(root: Settings, person: Person) -> dict[str, Path]:
    """The person's folders in the spaces that several share, also where they left the group."""
    found = {"main": root.home / PEOPLE / person.name}
    for group in list_groups(root):
        found[f"group-{group.name}"] = group_folder(root, group) / PEOPLE / person.name
    return found


def _move(root: Settings, name: str, folders: dict[str, Path]) -> Path | None:
    moved = None
    for part, folder in folders.items():
        if folder.is_dir():
            moved = moved or _new_place(root, name)
            shutil.move(folder, moved / part)
    return moved


def _new_place(root: Settings, name: str) -> Path:
    day = time.strftime("%Y%m%d-%H%M%S")
    return root.folder("removed", f"{name}-{day}")


def _check_quiet(root: Settings, home: Path) -> None:
    jobs = list_jobs(root.model_copy(update={"home": home})) if home.is_dir() else []
    running: Sequence[str] = [job.title for job in jobs if job.state == "running"]
    if running:
        raise Conflict(
            say("A job is still running there: {titles}", titles=", ".join(running)),
            "Cancel it, or wait until it has ended.",
        )

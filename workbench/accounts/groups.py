"""Groups: people who share a space, each with a role in it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.accounts.audit import note
from workbench.accounts.database import changing, has_accounts, reading
from workbench.accounts.names import MAIN, checked_name, folded
from workbench.accounts.people import Role, existing
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings

IN_A_GROUP: tuple[Role, ...] = ("reader", "editor")


@dataclass(frozen=True)
class Group:
    """`members` are people with their role in the group; `created` is in seconds since 1970."""

    name: str
    created: float
    members: Mapping[str, Role]


def add_group(root: Settings, name: str, *, by: str = "") -> None:
    """Raises InvalidInput, or Conflict for a taken name."""
    name = checked_name(name)
    with changing(root) as database:
        row = {"name": name, "folded": folded(name), "created": time.time()}
        query = (
            "insert into groups (name, folded, created) values (:name, :folded, :created) "
            "on conflict do nothing returning name"
        )
        if folded(name) == MAIN or database.execute(query, row).fetchone() is None:
            raise Conflict(
                say("There is a group {name} already.", name=name), "Choose another name."
            )
        note(database, by, "group_added", name)


def list_groups(root: Settings) -> list[Group]:
    """All groups by name."""
    if not has_accounts(root):
        return []
    with reading(root) as database:
        rows = database.execute("select name, created from groups order by folded").fetchall()
        query = "select group_name, person, role from members order by person"
        members = database.execute(query).fetchall()
    found = []
    for name, created in rows:
        inside = {person: role for group, person, role in members if group == name}
        found.append(Group(name, created, inside))
    return found


def existing_group(root: Settings, name: str) -> Group:
    """Raises NotFound."""
    for group in list_groups(root):
        if folded(group.name) == folded(name):
            return group
    raise NotFound(say("There is no group {name}.", name=name), "See: workbench groups list")


def join(root: Settings, group: str, person: str, role: str = "editor", *, by: str = "") -> None:
    """Let a person into a group, or change the role there. Raises NotFound, InvalidInput."""
    if role not in IN_A_GROUP:
        raise InvalidInput(
            say("There is no role “{role}” in a group.", role=role),
            say("Choose from: {known}", known=", ".join(IN_A_GROUP)),
        )
    row = {
        "group": existing_group(root, group).name,
        "person": existing(root, person).name,
        "role": role,
    }
    with changing(root) as database:
        database.execute(
            "insert into members (group_name, person, role) values (:group, :person, :role) "
            "on conflict (group_name, person) do update set role = :role",
            row,
        )
        note(database, by, "group_joined", f"{row['person']} → {row['group']} ({role})")


def leave(root: Settings, group: str, person: str, *, by: str = "") -> None:
    """Take a person out of a group; their chats there stay. Raises NotFound."""
    row = {"group": existing_group(root, group).name, "person": existing(root, person).name}
    with changing(root) as database:
        query = (
            "delete from members where group_name = :group and person = :person returning person"
        )
        if database.execute(query, row).fetchone() is None:
            raise NotFound(
                say("{person} is not in the group {group}.", **row), "See: workbench groups list"
            )
        note(database, by, "group_left", f"{row['person']} ← {row['group']}")

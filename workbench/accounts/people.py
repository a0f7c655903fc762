"""The people who may sign in: added, found, listed, changed."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.accounts.audit import note
from workbench.accounts.database import changing, has_accounts, reading
from workbench.accounts.names import checked_name, folded
from workbench.accounts.passwords import check_rules, hash_password
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings

Role = Literal["reader", "editor", "admin"]
ROLES: tuple[Role, ...] = ("reader", "editor", "admin")  # each may what those before it may


@dataclass(frozen=True)
class Quota:
    """What one person may take of the machine; 0 is without a limit."""

    answers_at_once: int = 2
    answers_a_day: int = 0
    megabytes: int = 0
    """Of the disk, by the person's own space."""


@dataclass(frozen=True)
class Person:
    """Times are seconds since 1970; `signed_in` is the last time, 0 for never."""

    name: str
    role: Role
    disabled: bool
    created: float
    signed_in: float
    session_epoch: str
    """What a session carries: it changes where all of a person's sessions are to end."""
    has_password: bool
    """Not so for who signs in elsewhere (OpenID Connect)."""
    quota: Quota
    was_first: bool
    """Whether the chats that were made before anybody signed in are theirs."""
    groups: Mapping[str, Role] = field(default_factory=dict, hash=False)
    """Group -> the role in it, before it is capped by the person's own."""


def find_person(root: Settings, name: str) -> Person | None:
    """The person of that name, also a disabled one; None for none."""
    found = _people(root, "where folded = :folded", {"folded": folded(name)})
    return found[0] if found else None


def existing(root: Settings, name: str) -> Person:
    """The same. Raises NotFound."""
    person = find_person(root, name)
    if person is None:
        raise NotFound(say("There is no person {name}.", name=name), "See: workbench users list")
    return person


def list_people(root: Settings) -> list[Person]:
    """All of them by name."""
    return _people(root, "order by folded", {})


def add_person(
    root: Settings, name: str, password: str | None, role: Role | None = None, *, by: str = ""
) -> Person:
    """A new person with a space of their own. Without a password they sign in elsewhere.

    The first one is an admin, later ones are editors where nothing is said. Raises InvalidInput,
    or Conflict for a name that is taken.
    """
    name = checked_name(name)
    if password is not None:
        check_rules(password, name)
    kept = "" if password is None else hash_password(password)
    with changing(root) as database:
        is_first = not database.execute("select 1 from people").fetchone()
        role = checked_role(role or ("admin" if is_first else "editor"))
        if is_first and role != "admin":
            raise InvalidInput(
                "The first person has to be an admin.", "Leave --role out, or say admin."
            )
        row = {
            "name": name,
            "folded": folded(name),
            "role": role,
            "password": kept,
            "epoch": new_epoch(),
            "created": time.time(),
            "first": int(is_first),
        }
        query = (
            "insert into people (name, folded, role, password, session_epoch, created, was_first) "
            "values (:name, :folded, :role, :password, :epoch, :created, :first) "
            "on conflict do nothing returning name"
        )
        if database.execute(query, row).fetchone() is None:
            raise Conflict(
                say("There is a person {name} already.", name=name), "Choose another name."
            )
        note(database, by, "person_added", f"{name} ({role})")
    return existing(root, name)


def change_role(root: Settings, name: str, role: Role, *, by: str = "") -> None:
    """Give a person another role. Raises NotFound, Conflict for the last admin."""
    name = existing(root, name).name
    with changing(root) as database:
        query = "update people set role = :role where name = :name"
        database.execute(query, {"role": checked_role(role), "name": name})
        keep_an_admin(database)
        note(database, by, "role_changed", f"{name} ({role})")


def disable(root: Settings, name: str, *, by: str = "") -> None:
    """Let a person in no more, at once; all that is theirs stays. Raises as `change_role`."""
    name = existing(root, name).name
    with changing(root) as database:
        query = "update people set disabled = 1, session_epoch = :epoch where name = :name"
        database.execute(query, {"epoch": new_epoch(), "name": name})
        keep_an_admin(database)
        note(database, by, "person_disabled", name)


def enable(root: Settings, name: str, *, by: str = "") -> None:
    """Let a disabled person in again. Raises NotFound."""
    name = existing(root, name).name
    with changing(root) as database:
        database.execute("update people set disabled = 0 where name = :name", {"name": name})
        note(database, by, "person_enabled", name)


def change_quota(root: Settings, name: str, quota: Quota, *, by: str = "") -> None:
    """Raises NotFound, InvalidInput for numbers below 0."""
    name = existing(root, name).name
    numbers = vars(quota)
    if min(numbers.values()) < 0:
        raise InvalidInput("A quota is 0 or more.", "0 is without a limit.")
    with changing(root) as database:
        query = (
            "update people set answers_at_once = :answers_at_once, "
            "answers_a_day = :answers_a_day, megabytes = :megabytes where name = :name"
        )
        database.execute(query, numbers | {"name": name})
        said = ", ".join(f"{key} {number}" for key, number in numbers.items())
        note(database, by, "quota_changed", f"{name} ({said})")


def checked_role(role: str) -> Role:
    """Raises InvalidInput for a word that is none."""
    for known in ROLES:
        if role == known:
            return known
    raise InvalidInput(
        say("There is no role “{role}”.", role=role),
        say("Choose from: {known}", known=", ".join(ROLES)),
    )


def new_epoch() -> str:
    """Random, so that a later person of the same name does not get an old session."""
    return secrets.token_hex(8)


def keep_an_admin(database: sqlite3.Connection) -> None:
    """Raises Conflict where the caller's transaction has left nobody who manages people."""
    query = "select 1 from people where role = 'admin' and disabled = 0"
    if database.execute(query).fetchone() is None:
        raise Conflict(
            "That would leave nobody who manages people.",
            "Make somebody else an admin first: workbench users role NAME admin",
        )


def _people(root: Settings, which: str, values: Mapping[str, Any]) -> list[Person]:
    """The people that the end of the query names, which is a text of our own."""
    if not has_accounts(root):
        return []
    found = f"select * from people {which}"  # noqa: S608
    joined = f"members join people on name = person {which}"
    inside = f"select person, group_name, members.role from {joined}"  # noqa: S608
    with reading(root) as database:
        rows = database.execute(found, values).fetchall()
        members = database.execute(inside, values).fetchall()
    groups: dict[str, dict[str, Role]] = {}
    for person, group, role in members:
        groups.setdefault(person, {})[group] = role
    return [_person(row, groups.get(row["name"], {})) for row in rows]


def _person(row: sqlite3.Row, groups: Mapping[str, Role]) -> Person:
    quota = Quota(row["answers_at_once"], row["answers_a_day"], row["megabytes"])
    return Person(
        row["name"],
        row["role"],
        bool(row["disabled"]),
        row["created"],
        row["signed_in"],
        row["session_epoch"],
        bool(row["password"]),
        quota,
        bool(row["was_first"]),
        groups,
    )

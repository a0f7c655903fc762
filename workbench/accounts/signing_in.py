"""A name and a password -> the person; other passwords, and the end of sessions."""

from __future__ import annotations

import time

from workbench.accounts.audit import note, write_down
from workbench.accounts.database import changing, has_accounts, reading
from workbench.accounts.passwords import check_rules, hash_password, is_outdated, is_right
from workbench.accounts.people import Person, existing, find_person, new_epoch
from workbench.accounts.throttle import TooOften, take_try, was_right
from workbench.errors import InvalidInput
from workbench.settings import Settings


class WrongPassword(InvalidInput):
    """The name or the password is wrong: it is not told which."""

    def __init__(self) -> None:
        super().__init__(
            "The name or the password is wrong.", "Try again, or ask an admin for a new password."
        )


def check_password(root: Settings, name: str, password: str) -> Person:
    """The person who signs in. Raises WrongPassword, TooOften, InvalidInput where disabled."""
    person = _with_password(root, name, password)
    if person.disabled:
        raise InvalidInput("This account is disabled.", "Ask an admin.")
    return signed_in(root, person)


def signed_in(root: Settings, person: Person) -> Person:
    """Write down that the person is here now, also one whom another server has let in."""
    with changing(root) as database:
        query = "update people set signed_in = :now where name = :name"
        database.execute(query, {"now": time.time(), "name": person.name})
        note(database, person.name, "signed_in")
    return existing(root, person.name)


def change_own_password(root: Settings, name: str, old: str, new: str) -> None:
    """Raises what `check_password` and `set_password` raise."""
    person = _with_password(root, name, old)
    set_password(root, person.name, new, by=person.name)


def set_password(root: Settings, name: str, password: str, *, by: str = "") -> None:
    """Give a person another password; every session of theirs ends. Raises InvalidInput."""
    name = existing(root, name).name
    check_rules(password, name)
    row = {"kept": hash_password(password), "epoch": new_epoch(), "name": name}
    with changing(root) as database:
        database.execute(
            "update people set password = :kept, session_epoch = :epoch where name = :name", row
        )
        note(database, by, "password_changed", name)


def end_sessions(root: Settings, name: str, *, by: str = "") -> None:
    """Sign a person out everywhere. Raises NotFound."""
    name = existing(root, name).name
    with changing(root) as database:
        query = "update people set session_epoch = :epoch where name = :name"
        database.execute(query, {"epoch": new_epoch(), "name": name})
        note(database, by, "sessions_ended", name)


def _with_password(root: Settings, name: str, password: str) -> Person:
    """The person whose password it is. A name that nobody has takes as long."""
    if not has_accounts(root):
        raise WrongPassword
    person = find_person(root, name)
    # a password in the wrong field must not be kept: only names that exist are
    known = person.name if person else ""
    try:
        take_try(root, name)
    except TooOften:
        write_down(root, known, "sign_in_held")
        raise
    kept = _kept(root, person)
    if not is_right(password, kept) or person is None:
        write_down(root, known, "sign_in_failed")
        raise WrongPassword
    was_right(root, name)
    if is_outdated(kept):
        _keep(root, person, password)
    return person


def _kept(root: Settings, person: Person | None) -> str:
    if person is None:
        return ""
    with reading(root) as database:
        query = "select password from people where name = :name"
        row = database.execute(query, {"name": person.name}).fetchone()
    return row[0] if row else ""


def _keep(root: Settings, person: Person, password: str) -> None:
    """The same password by today's parameters; sessions go on."""
    kept = hash_password(password)
    with changing(root) as database:
        query = "update people set password = :kept where name = :name"
        database.execute(query, {"kept": kept, "name": person.name})

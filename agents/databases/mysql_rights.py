"""A session of MySQL or MariaDB -> the account's rights beyond reading, those of its roles too."""

from __future__ import annotations

import re

from agents.databases.database import QueryFailed, Session

READING = {"USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES"}
# a name in its quotes, which may hold any word and any bracket
QUOTED = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|''|\\.)*'")
# GRANT SELECT (``, ``), UPDATE ON ``.`` TO ``@`` …
GRANT = re.compile(r"GRANT (?P<privileges>.+?) ON (?P<rest>.+)")
# MariaDB comes with a place where everybody may try things
SCRATCH = re.compile(r" ON `test(\\_%)?`\.\* TO PUBLIC$")
COLUMNS = re.compile(r"\([^)]*\)")


def mysql_powers(session: Session) -> set[str]:
    """The names of the rights, as `SHOW GRANTS` has them.

    A role counts though it is not active: `SET ROLE` is all that it takes.
    """
    [[version, database]] = session.fetch("SELECT VERSION(), DATABASE()")
    mariadb = "mariadb" in str(version).lower()
    lines = _of_mariadb(session) if mariadb else _of_mysql(session)
    found: set[str] = set()
    for line in lines:
        if SCRATCH.search(line) and not str(database).startswith("test"):
            continue
        found |= powers_in(line)
    return found


def powers_in(line: str) -> set[str]:
    """The rights beyond reading in one line of `SHOW GRANTS`; none in one that grants a role."""
    grant = GRANT.match(QUOTED.sub("``", line))
    if not grant:
        return set()
    names = COLUMNS.sub("", grant["privileges"]).split(",")
    found = {name.strip() for name in names} - READING
    if "WITH GRANT OPTION" in grant["rest"]:
        found.add("GRANT OPTION")
    return found


def _of_mariadb(session: Session) -> list[str]:
    """The account's grants, alone and with each of its roles; those bring the roles in them.

    The grants of a role are shown to those alone who have taken it on.
    """
    lines = _grants(session)
    roles = session.fetch(
        "SELECT DISTINCT ROLE_NAME FROM information_schema.APPLICABLE_ROLES"
        " WHERE GRANTEE = CURRENT_USER()"
    )
    for (role,) in roles:
        with session.cursor(f"SET ROLE {session.quote(role)}"):
            pass
        lines += _grants(session)
    return lines


def _of_mysql(session: Session) -> list[str]:
    """The account's grants, and those of each role that it may take on."""
    lines = _grants(session)
    try:
        roles = session.fetch(
            "SELECT DISTINCT ROLE_NAME, ROLE_HOST FROM information_schema.APPLICABLE_ROLES"
        )
    except QueryFailed:  # there are none before MySQL 8
        return lines
    for role, host in roles:
        lines += _grants(session, f"{session.quote(role)}@{session.quote(host)}")
    return lines


def _grants(session: Session, role: str = "") -> list[str]:
    statement = f"SHOW GRANTS FOR CURRENT_USER() USING {role}" if role else "SHOW GRANTS"
    return [str(line) for (line,) in session.fetch(statement)]

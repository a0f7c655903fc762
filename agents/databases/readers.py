"""A session of a server -> the statements by which an administrator makes an account that reads."""

from __future__ import annotations

import re

from agents.databases.database import Session

READER = "workbench_reader"
PASSWORD = "CHOOSE-A-PASSWORD"  # noqa: S105 - a place to write one
WILDCARDS = re.compile(r"[_%\\]")  # in the database's name of a GRANT of MySQL
SPACES = """
SELECT nspname FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND has_schema_privilege(oid, 'USAGE')
ORDER BY nspname
"""
# who owns the tables of a schema: what they make later is to be read as well
OWNERS = """
SELECT DISTINCT nspname, pg_get_userbyid(relowner) FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    AND has_schema_privilege(relnamespace, 'USAGE')
ORDER BY 1, 2
"""
OPEN_TO_ALL = """
SELECT nspname FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    AND has_schema_privilege('public', oid, 'CREATE')
ORDER BY nspname
"""


def reader_statements(session: Session) -> list[str]:
    """Exact statements for this database, its names quoted; only the password is left to choose."""
    if session.source.dialect == "mysql":
        return _mysql(session)
    return _postgres(session)


def _mysql(session: Session) -> list[str]:
    [[database, account]] = session.fetch("SELECT DATABASE(), CURRENT_USER()")
    # the same machines may enter as those of the account that is used now
    host = str(account).rpartition("@")[2]
    reader = f"'{READER}'@'{_escaped(host)}'"
    place = session.quote(WILDCARDS.sub(r"\\\g<0>", str(database)))
    return [
        f"CREATE USER {reader} IDENTIFIED BY '{PASSWORD}';",
        f"GRANT SELECT, SHOW VIEW ON {place}.* TO {reader};",
    ]


def _postgres(session: Session) -> list[str]:
    [[database]] = session.fetch("SELECT current_database()")
    statements = [
        f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}';",
        f"ALTER ROLE {READER} SET default_transaction_read_only = on;",
        f"GRANT CONNECT ON DATABASE {session.quote(database)} TO {READER};",
    ]
    for (name,) in session.fetch(SPACES):
        space = session.quote(name)
        statements += [
            f"GRANT USAGE ON SCHEMA {space} TO {READER};",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {space} TO {READER};",
        ]
    for name, owner in session.fetch(OWNERS):
        statements.append(
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {session.quote(owner)} "
            f"IN SCHEMA {session.quote(name)} GRANT SELECT ON TABLES TO {READER};"
        )
    for (name,) in session.fetch(OPEN_TO_ALL):
        statements.append(f"REVOKE CREATE ON SCHEMA {session.quote(name)} FROM PUBLIC;")
    return statements


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "''")

"""A session of PostgreSQL -> the account's rights beyond reading, those of its roles too."""

from __future__ import annotations

from agents.databases.database import Session

# Every role that this account is or can become, whether it inherits or has to SET ROLE.
MINE = "WITH mine AS (SELECT * FROM pg_roles WHERE pg_has_role(oid, 'MEMBER'))"
OWN_SPACES = "nspname !~ '^pg_' AND nspname <> 'information_schema'"
SUPERUSER = f"{MINE} SELECT 'SUPERUSER' FROM mine WHERE rolsuper"  # noqa: S608
# what each statement gives is the name of a right
STATEMENTS = (
    f"{MINE} SELECT 'CREATEROLE' FROM mine WHERE rolcreaterole",  # noqa: S608
    f"{MINE} SELECT 'CREATEDB' FROM mine WHERE rolcreatedb",  # noqa: S608
    f"{MINE} SELECT 'REPLICATION' FROM mine WHERE rolreplication",  # noqa: S608
    f"{MINE} SELECT 'BYPASSRLS' FROM mine WHERE rolbypassrls",  # noqa: S608
    # the server's own roles, such as pg_write_all_data, but for those that only read
    f"""{MINE} SELECT rolname FROM mine WHERE rolname ~ '^pg_' AND rolname NOT IN
    ('pg_monitor', 'pg_read_all_data', 'pg_read_all_settings', 'pg_read_all_stats',
     'pg_stat_scan_tables', 'pg_database_owner')""",  # noqa: S608
    f"""{MINE} SELECT 'CREATE' FROM mine
    WHERE has_database_privilege(mine.oid, current_database(), 'CREATE')""",  # noqa: S608
    f"""{MINE} SELECT 'CREATE' FROM mine, pg_namespace AS space
    WHERE {OWN_SPACES} AND has_schema_privilege(mine.oid, space.oid, 'CREATE')""",  # noqa: S608
    f"""{MINE} SELECT DISTINCT wanted FROM mine, pg_class AS item,
        pg_namespace AS space, unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) AS wanted
    WHERE item.relnamespace = space.oid AND {OWN_SPACES} AND relkind IN ('r', 'p', 'v', 'm', 'f')
        AND has_table_privilege(mine.oid, item.oid, wanted)""",  # noqa: S608
    f"""{MINE} SELECT DISTINCT wanted FROM mine, pg_class AS item,
        pg_namespace AS space, unnest(ARRAY['INSERT', 'UPDATE']) AS wanted
    WHERE item.relnamespace = space.oid AND {OWN_SPACES} AND relkind IN ('r', 'p', 'v', 'm', 'f')
        AND has_any_column_privilege(mine.oid, item.oid, wanted)""",  # noqa: S608
    # nextval and setval change a sequence
    f"""{MINE} SELECT 'USAGE of sequences' FROM mine, pg_class AS item, pg_namespace AS space
    WHERE item.relnamespace = space.oid AND {OWN_SPACES} AND relkind = 'S'
        AND (has_sequence_privilege(mine.oid, item.oid, 'USAGE')
             OR has_sequence_privilege(mine.oid, item.oid, 'UPDATE'))""",  # noqa: S608
)


def postgres_powers(session: Session) -> set[str]:
    """The names of the rights: attributes of roles, the server's own roles, privileges.

    A superuser may do everything, so nothing else is looked for.
    """
    found = {power for (power,) in session.fetch(SUPERUSER)}
    if found:
        return found
    for statement in STATEMENTS:
        found |= {power for (power,) in session.fetch(statement)}
    return found

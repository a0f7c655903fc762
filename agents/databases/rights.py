"""A source -> what its account may do beyond reading, asked of the server's catalogue alone.

Nothing is tried out: no statement writes, so none can leave a trace. The answer is kept as
`data/NAME/rights.json` for the pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from agents.databases.database import open_session
from agents.databases.mysql_rights import mysql_powers
from agents.databases.passwords import trying_password
from agents.databases.postgres_rights import postgres_powers
from agents.databases.readers import reader_statements
from agents.databases.sources import DataSource, parse_place, source_folder
from workbench.errors import WorkbenchError
from workbench.files import read_json, write_json
from workbench.messages import pack, say, unpack
from workbench.settings import Settings

NAMED = 8  # powers in the sentence; all of them are in the record
# What lets an account see or hold up more than tables, and yet changes no data.
CHANGES_NOTHING = {
    "PROCESS",
    "REFERENCES",
    "LOCK TABLES",
    "CREATE TEMPORARY TABLES",
    "REPLICATION CLIENT",
    "BINLOG MONITOR",
    "SLAVE MONITOR",
    "REPLICA MONITOR",
    "SHOW CREATE ROUTINE",
    "SHOW_ROUTINE",
    "BYPASSRLS",
    "pg_read_server_files",
    "pg_signal_backend",
}


@dataclass(frozen=True)
class Rights:
    """`can_write` is None where the server did not tell, and `problem` then says why.

    `powers` are the rights beyond reading, as the server calls them. `reader` are the statements
    that make an account which can only read.
    """

    can_write: bool | None
    powers: Sequence[str] = ()
    reader: Sequence[str] = ()
    problem: str = ""
    of_file: bool = False


def find_rights(source: DataSource, settings: Settings) -> Rights:
    """What the account may do, asked now. A server that does not tell is no error."""
    if source.file:
        return Rights(False, of_file=True)
    try:
        with open_session(source, settings, settings.query_seconds) as session:
            find_powers = mysql_powers if source.dialect == "mysql" else postgres_powers
            powers = sorted(find_powers(session))
            can_write = not CHANGES_NOTHING.issuperset(powers)
            reader = reader_statements(session) if can_write else ()
    except WorkbenchError as error:
        return Rights(None, problem=error.problem)
    return Rights(can_write, powers, reader)


def note_rights(source: DataSource, settings: Settings) -> Rights:
    """What the account may do, asked now and kept for the pages."""
    rights = find_rights(source, settings)
    record = asdict(rights) | {"problem": pack(rights.problem)}
    write_json(source_folder(settings, source) / "rights.json", record)
    return rights


def noted_rights(source: DataSource, settings: Settings) -> Rights | None:
    """What was kept last; None where nobody asked yet, or where the record is damaged."""
    try:
        record = read_json(source_folder(settings, source) / "rights.json")
        return Rights(**(record | {"problem": unpack(record["problem"])})) if record else None
    except (ValueError, KeyError, TypeError):
        return None


def try_rights(settings: Settings, name: str, place: str) -> Rights:
    """What the account of an address may do, without keeping anything."""
    source, password = parse_place(name or "new", place, settings)
    with trying_password(source.url, password):
        return find_rights(source, settings)


def sentence(rights: Rights) -> str:
    """What a person should know of it, in one sentence."""
    if rights.of_file:
        return say("The file is opened read-only: nothing in it can be changed from here.")
    if rights.can_write is None:
        return say("What this account may do could not be told: {problem}", problem=rights.problem)
    powers = _listed(rights.powers)
    if rights.can_write:
        return say("This account can write ({powers}): use a reader.", powers=powers)
    if powers:
        return say("This account changes no data; beyond reading it has: {powers}.", powers=powers)
    return say("This account can only read.")


def _listed(powers: Sequence[str]) -> str:
    shown = ", ".join(powers[:NAMED])
    return f"{shown}, …" if len(powers) > NAMED else shown

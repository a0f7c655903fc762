"""`workbench data add | list | schema | remove`, and the places of the other subcommands."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import LazyCommands, json_option, print_json, read_secret, reports_errors
from workbench.settings import load_settings

if TYPE_CHECKING:
    from agents.databases.schema import TableSchema
    from agents.databases.sources import DataSource

# subcommands that other files hold: name -> (place, help); the place is imported when it is called
ELSEWHERE = {
    "check": (
        "agents.databases.commands.queries:check",
        "Judge queries without running them.",
    ),
    "run": (
        "agents.databases.commands.queries:run",
        "Run one query through the guard, in a read-only transaction.",
    ),
    "link": (
        "agents.databases.commands.notes:link",
        "Show what of a schema goes into the prompt for a question.",
    ),
    "describe": (
        "agents.databases.commands.notes:describe",
        "Describe a table or column, or give synonyms.",
    ),
    "pair": (
        "agents.databases.commands.notes:pair",
        "Keep a verified question with its query.",
    ),
    "questions": (
        "agents.databases.commands.questions:questions",
        "Write question–SQL pairs to tune a small model on.",
    ),
    "writer": (
        "agents.databases.commands.questions:writer",
        "Name the tuned model that writes a source's queries.",
    ),
    "score": (
        "agents.data.score_command:score",
        "Ask the writer questions and count the right results.",
    ),
    "rights": (
        "agents.databases.commands.rights:rights",
        "Say what a source's account may do, and how to make one that reads.",
    ),
    "resume": (
        "agents.databases.commands.resume:resume",
        "Ask a paused source again.",
    ),
    "example": (
        "agents.databases.commands.notes:example",
        "Make the example database.",
    ),
}


@click.group(cls=LazyCommands, commands_by_name=ELSEWHERE)
def data() -> None:
    """Add databases and table files, look at their schemas, check and run queries."""


@data.command()
@click.argument("name")
@click.argument("place", metavar="URL|FILE")
@click.option(
    "--password", is_flag=True, help="Ask for the user's password (or read it from stdin)."
)
@json_option
@reports_errors
def add(name: str, place: str, password: bool, as_json: bool) -> None:
    """Add a database by its URL, or a file: SQLite, DuckDB, CSV, XLSX, Parquet, or a folder.

    A password goes to the machine's keyring, else to a file in your own configuration folder, never
    to the workspace. One in the URL is seen by who lists the processes: --password asks for it, and
    WORKBENCH_DATA_PASSWORD_NAME in the environment is kept nowhere. What the server's account may
    do is said, with the statements for one that only reads.

    \b
    Example:
      workbench data add shop mysql://reader@127.0.0.1:3306/shop --password
      workbench data add posts ./posts.csv
    """
    from agents.databases.commands.rights import facts_of, show_rights
    from agents.databases.introspect import add_and_read
    from agents.databases.rights import note_rights
    from agents.databases.sources import with_password

    if password:
        place = with_password(place, read_secret("Password"))
    settings = load_settings()
    source, schema = add_and_read(settings, name, place)
    rights = note_rights(source, settings)
    told = schema.sentences()
    tables = len(schema.tables)
    columns = schema.column_count()
    if as_json:
        counts = {"tables": tables, "columns": columns, "told": told}
        print_json({"event": "done"} | _facts(source) | counts | facts_of(rights))
    else:
        click.echo(f"Added {name} ({source.dialect}): {tables} tables, {columns} columns")
        for sentence in told:
            click.echo(sentence)
        show_rights(rights)


@data.command("list")
@json_option
@reports_errors
def list_(as_json: bool) -> None:
    """List the sources.

    \b
    Example:
      workbench data list --json
    """
    from agents.databases.notes import load_notes
    from agents.databases.sources import list_sources

    settings = load_settings()
    sources = list_sources(settings)
    for source in sources:
        writer = load_notes(source, settings).writer
        if as_json:
            print_json(_facts(source) | {"writer": writer})
        else:
            click.echo(f"{source.name:<20} {source.dialect:<9} {source.address}  {writer}".rstrip())
    if not sources and not as_json:
        click.echo("No source yet. Add one: workbench data add NAME URL|FILE")


@data.command()
@click.argument("name")
@click.option("--refresh", is_flag=True, help="Read it from the database again.")
@json_option
@reports_errors
def schema(name: str, refresh: bool, as_json: bool) -> None:
    """Show the tables, columns, keys, comments and samples that are known of a source.

    \b
    Example:
      workbench data schema shop --refresh
    """
    from agents.databases.introspect import load_schema
    from agents.databases.sources import find_source

    settings = load_settings()
    found = load_schema(find_source(settings, name), settings, refresh)
    if as_json:
        print_json(asdict(found))
        return
    for table in found.tables:
        _show_table(table)


def _show_table(table: TableSchema) -> None:
    rows = f", {table.rows} rows" if table.rows is not None else ""
    meaning = table.comment or table.description
    click.secho(f"{table.name} ({len(table.columns)} columns{rows})  {meaning}", bold=True)
    for column in table.columns:
        mark = "*" if column.primary else " "
        notes = [column.comment, column.description, *column.synonyms]
        note = " · ".join(text for text in notes if text)
        samples = ", ".join(column.samples[:4])
        click.echo(f"  {mark} {column.name}  {column.type}  {note}  [{samples}]")
    for key in table.foreign_keys:
        click.echo(f"    {key.column} -> {key.other_table}.{key.other_column}")


@data.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@reports_errors
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Forget a source with its notes; the database itself stays as it is.

    \b
    Example:
      workbench data remove shop --yes
    """
    from agents.databases.sources import find_source, remove_source

    settings = load_settings()
    find_source(settings, name)
    if not yes and not click.confirm(f"Forget {name}, with its descriptions and verified pairs?"):
        return
    remove_source(settings, name)
    if as_json:
        print_json({"removed": name})
    else:
        click.echo(f"Removed {name}")


def _facts(source: DataSource) -> dict[str, Any]:
    return {"name": source.name, "dialect": source.dialect, "address": source.address}

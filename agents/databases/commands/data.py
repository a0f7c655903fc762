"""`workbench data …`: databases that can be asked: add, look at, check a query, run one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import click

from workbench.cli import LazyCommands, json_option, print_json, reports_errors
from workbench.errors import InvalidInput
from workbench.settings import load_settings

DIALECTS = ("mysql", "postgres", "sqlite", "duckdb")
rows_option = click.option(
    "--rows", type=click.IntRange(1, 100_000), help="Rows that may be given out."
)

NOTING = {
    "link": (
        "agents.databases.commands.notes:link",
        "Show what of a schema goes into the prompt for a question.",
    ),
    "describe": (
        "agents.databases.commands.notes:describe",
        "Describe a table or column, or give synonyms.",
    ),
    "pair": ("agents.databases.commands.notes:pair", "Keep a verified question with its query."),
    "questions": (
        "agents.databases.commands.questions:questions",
        "Write question–SQL pairs to tune a small model on.",
    ),
    "writer": (
        "agents.databases.commands.questions:writer",
        "Name the tuned model that writes a source's queries.",
    ),
    "score": (
        "agents.databases.commands.questions:score",
        "Ask the writer questions and count the right results.",
    ),
    "example": ("agents.databases.commands.notes:example", "Make the example database."),
}


@click.group(cls=LazyCommands, commands_by_name=NOTING)
def data() -> None:
    """Add databases and table files, look at their schemas, check and run queries."""


@data.command()
@click.argument("name")
@click.argument("place", metavar="URL|FILE")
@json_option
@reports_errors
def add(name: str, place: str, as_json: bool) -> None:
    """Add a database by its URL, or a file: SQLite, DuckDB, CSV, XLSX, Parquet, or a folder of such tables.

    A password in the URL goes to a file in your own configuration folder, never to the workspace. It is better given
    as WORKBENCH_DATA_PASSWORD_NAME in the environment.

    \b
    Example:
      workbench data add shop mysql://reader@127.0.0.1:3306/shop
      workbench data add posts ./posts.csv
    """
    from agents.databases.introspect import load_schema
    from agents.databases.sources import add_source, remove_source
    from workbench.errors import WorkbenchError

    settings = load_settings()
    source = add_source(settings, name, place)
    try:
        schema = load_schema(source, settings)
    except WorkbenchError:
        remove_source(settings, name)  # nothing half added stays
        raise
    tables, columns = len(schema.tables), schema.column_count()
    if as_json:
        print_json(
            {
                "name": name,
                "dialect": source.dialect,
                "address": source.address,
                "tables": tables,
                "columns": columns,
            }
        )
    else:
        click.echo(f"Added {name} ({source.dialect}): {tables} tables, {columns} columns")


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
            print_json(
                {
                    "name": source.name,
                    "dialect": source.dialect,
                    "address": source.address,
                    "writer": writer,
                }
            )
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
        rows = f", {table.rows} rows" if table.rows is not None else ""
        click.secho(
            f"{table.name} ({len(table.columns)} columns{rows})  {table.comment or table.description}",
            bold=True,
        )
        for column in table.columns:
            note = " · ".join(
                text for text in (column.comment, column.description, *column.synonyms) if text
            )
            samples = ", ".join(column.samples[:4])
            click.echo(
                f"  {'*' if column.primary else ' '} {column.name}  {column.type}  {note}  [{samples}]"
            )
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
    print_json({"removed": name}) if as_json else click.echo(f"Removed {name}")


@data.command()
@click.argument("sql", required=False)
@click.option("--stdin", "from_stdin", is_flag=True, help='Read one {"sql": …} a line.')
@click.option(
    "--dialect", type=click.Choice(DIALECTS), help="Read the SQL so; else as the source speaks."
)
@click.option("--source", "name", help="The source whose tables are known.")
@rows_option
@json_option
@reports_errors
def check(
    sql: str | None,
    from_stdin: bool,
    dialect: str | None,
    name: str | None,
    rows: int | None,
    as_json: bool,
) -> None:
    """Judge queries without running them: the statement as it would run, or why it may not.

    \b
    Example:
      workbench data check "SELECT name FROM singer" --source concerts
      workbench data check --stdin --dialect mysql --source shop --json < statements.jsonl
    """
    from agents.databases.guard.guard import check as judge
    from agents.databases.guard.refused import Refused
    from agents.databases.introspect import load_schema
    from agents.databases.sources import find_source

    settings = load_settings()
    known = load_schema(find_source(settings, name or settings.source), settings)
    if not from_stdin and sql is None:
        raise InvalidInput(
            "There is nothing to check.", 'Give a statement, or --stdin with one {"sql": …} a line.'
        )
    refused = False
    for statement in _statements() if from_stdin else [sql or ""]:
        try:
            verdict = judge(statement, known, dialect or "", rows or settings.query_rows)
            answer: dict[str, Any] = {"allowed": True, "sql": verdict.sql, "problem": "", "fix": ""}
        except Refused as refusal:
            refused = True
            answer = {"allowed": False, "sql": None, "problem": refusal.problem, "fix": refusal.fix}
        if as_json:
            print_json(answer)
        else:
            click.echo(answer["sql"] or f"Refused: {answer['problem']} {answer['fix']}")
    sys.exit(1 if refused and not from_stdin else 0)


@data.command("run")
@click.argument("name")
@click.option("--sql", required=True, help="One SELECT; it goes through the guard.")
@rows_option
@json_option
@reports_errors
def run_(name: str, sql: str, rows: int | None, as_json: bool) -> None:
    """Run one query through the guard, in a read-only transaction.

    \b
    Example:
      workbench data run shop --sql "SELECT count(*) FROM orders" --json
    """
    from agents.databases.introspect import load_schema
    from agents.databases.runner import ask_database
    from agents.databases.sources import find_source

    settings = load_settings(**({"query_rows": rows} if rows else {}))
    source = find_source(settings, name)
    verdict, result = ask_database(sql, load_schema(source, settings), source, settings)
    if as_json:
        print_json(
            {
                "columns": result.columns,
                "rows": result.rows,
                "truncated": result.truncated,
                "sql": verdict.sql,
            }
        )
        return
    click.secho(verdict.sql, dim=True, err=True)
    click.echo("\t".join(result.columns))
    for row in result.rows:
        click.echo("\t".join("" if value is None else str(value) for value in row))
    if result.truncated:
        click.echo(
            f"There are more than these {len(result.rows)} rows; --rows raises the limit.", err=True
        )


def _statements() -> Iterator[str]:
    """The "sql" of each line of standard input; a line that is no such object, or an empty one, is an empty statement."""
    for line in sys.stdin.buffer:
        sql: Any = ""
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            sql = json.loads(line.decode("utf-8", "replace"))["sql"]
        yield sql.encode("utf-8", "replace").decode() if isinstance(sql, str) else ""

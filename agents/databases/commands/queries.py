"""`workbench data check | run`: a query judged by the guard, or judged and run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import InvalidInput
from workbench.settings import load_settings

# the guard's own list, which is not imported for `--help`
DIALECTS = ("mysql", "postgres", "sqlite", "duckdb")
rows_option = click.option(
    "--rows", type=click.IntRange(1, 100_000), help="Rows that may be given out."
)


@click.command()
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
    from agents.databases.guard.guard import judge
    from agents.databases.guard.refused import Refused
    from agents.databases.introspect import load_schema
    from agents.databases.sources import find_source

    settings = load_settings()
    schema = load_schema(find_source(settings, name or settings.source), settings)
    if not from_stdin and sql is None:
        raise InvalidInput(
            "There is nothing to check.", 'Give a statement, or --stdin with one {"sql": …} a line.'
        )
    refused = False
    for statement in _statements() if from_stdin else [sql or ""]:
        answer: dict[str, Any] = {"allowed": True, "sql": None, "problem": "", "fix": ""}
        try:
            verdict = judge(statement, schema, dialect or "", rows or settings.query_rows)
            answer["sql"] = verdict.sql
        except Refused as refusal:
            refused = True
            answer |= {"allowed": False, "problem": refusal.problem, "fix": refusal.fix}
        if as_json:
            print_json(answer)
        else:
            click.echo(answer["sql"] or f"Refused: {answer['problem']} {answer['fix']}")
    sys.exit(1 if refused and not from_stdin else 0)


@click.command()
@click.argument("name")
@click.option("--sql", required=True, help="One SELECT; it goes through the guard.")
@rows_option
@json_option
@reports_errors
def run(name: str, sql: str, rows: int | None, as_json: bool) -> None:
    """Run one query through the guard, in a read-only transaction.

    \b
    Example:
      workbench data run shop --sql "SELECT count(*) FROM orders" --json
    """
    from agents.databases.guard.bounds import MOST_ROWS
    from agents.databases.introspect import load_schema
    from agents.databases.runner import ask_database
    from agents.databases.sources import find_source

    settings = load_settings(query_rows=rows) if rows else load_settings()
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
        shown = len(result.rows)
        click.echo(f"There are more than these {shown} rows; --rows raises the limit.", err=True)
    if verdict.recursive:
        click.echo(f"A recursion is read up to {MOST_ROWS:,} rows.", err=True)


def _statements() -> Iterator[str]:
    """The "sql" of each line of standard input.

    A line without such an object gives an empty statement, so that answers and lines stay in step.
    """
    for line in sys.stdin.buffer:
        sql: Any = ""
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            sql = json.loads(line.decode("utf-8", "replace"))["sql"]
        # a lone surrogate, which JSON can hold, would break every print of it
        yield sql.encode("utf-8", "replace").decode() if isinstance(sql, str) else ""

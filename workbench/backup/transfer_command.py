"""`workbench chats move`."""

from __future__ import annotations

import click

from workbench.backup.transfer import to_files, to_server
from workbench.cli import json_option, print_json, reports_errors
from workbench.settings import load_settings


@click.command()
@click.option(
    "--to",
    type=click.Choice(["server", "files"]),
    required=True,
    help="Where they go; the server is that of WORKBENCH_DATABASE_URL.",
)
@click.option("--replace", is_flag=True, help="Keep rows that are in the way aside.")
@json_option
@reports_errors
def move(to: str, replace: bool, as_json: bool) -> None:
    """Copy chats and accounts to a PostgreSQL server, or back. Close the app before.

    \b
    Every row is compared after it was copied, and what it came from stays.
    Example:
      workbench chats move --to server
    """
    copy = to_server if to == "server" else to_files
    for one in copy(load_settings(), replace=replace):
        if as_json:
            facts = {"file": one.file, "rows": one.copied.rows, "sum": one.copied.sum}
            print_json({"event": "moved", **facts, "aside": one.aside})
            continue
        counts = ", ".join(f"{count} {table}" for table, count in one.copied.rows.items())
        click.echo(f"{one.file}  {counts}  sum {one.copied.sum[:16]}")
        if one.aside:
            click.echo(f"  Its rows of before are kept as {one.aside}")

"""`workbench data resume`: a source that is paused is asked again."""

from __future__ import annotations

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.settings import load_settings


@click.command()
@click.argument("name")
@json_option
@reports_errors
def resume(name: str, as_json: bool) -> None:
    """Ask a source again that was paused, because a query could not be ended on its server.

    Without this it is asked again once that query has ended there.

    \b
    Example:
      workbench data resume shop
    """
    from agents.databases import pausing
    from agents.databases.sources import find_source

    settings = load_settings()
    was_paused = pausing.resume(find_source(settings, name), settings)
    if as_json:
        print_json({"event": "done", "resumed": was_paused})
    else:
        click.echo(f"{name} is asked again" if was_paused else f"{name} was not paused")

"""`workbench serve`: the HTTP API."""

from __future__ import annotations

import click

from workbench.cli import reports_errors
from workbench.settings import load_settings

PORT = 8600


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="As many share the port; each loads what it needs.",
)
@click.option("--insecure", is_flag=True, help="Listen where others reach it, without any key.")
@reports_errors
def serve(host: str, port: int, processes: int, insecure: bool) -> None:
    """Serve the agents to programs, as OpenAI's API; others reach it only with a key.

    \b
    Example:
      workbench serve --port 8600
      workbench serve --processes 4
      workbench keys create team --scopes chat,documents
    """
    from agents.api.serving import check_door, run_server

    settings = load_settings(host=host)
    check_door(settings, insecure)
    run_server(settings, port, processes)

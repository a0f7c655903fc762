"""`workbench run`: the workspace made ready, then the app on 127.0.0.1."""

from __future__ import annotations

import os
import runpy
import socket
import subprocess
import sys
import webbrowser
from pathlib import Path

import click

from workbench.accounts import has_accounts
from workbench.cli import reports_errors
from workbench.contributions import contributions
from workbench.errors import NotFound, Unavailable
from workbench.hosts import check_binding, is_loopback, url_of
from workbench.messages import say
from workbench.private import close_to_others
from workbench.settings import Settings, load_settings
from workbench.turns import take_short_turns

ROOT = Path(__file__).resolve().parents[2]
PORTS_TRIED = 50
HIGHEST_PORT = 65535


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, HIGHEST_PORT),
    help="First port tried; the next free one is taken.",
)
@click.option("--host", help="Address to listen on; without it 127.0.0.1, this machine alone.")
@click.option(
    "--insecure", is_flag=True, help="Listen where others can open the app, though nobody signs in."
)
@click.option("--api", is_flag=True, help="Answer the HTTP API too, under the same address.")
@click.option("--browser/--no-browser", default=True, help="Open the browser where there is one.")
@reports_errors
def run(port: int | None, host: str | None, insecure: bool, api: bool, browser: bool) -> None:
    """Open the app on 127.0.0.1, with examples in a new workspace.

    Once `workbench users add` has made an account, everybody has to sign in.

    \b
    Example:
      workbench run --port 8600
    """
    chosen_by_option = {"port": port, "host": host, "api": api}
    settings = load_settings(**{key: value for key, value in chosen_by_option.items() if value})
    asks_for_login = has_accounts(settings)
    check_binding(settings.host, insecure, asks_for_login)
    click.echo(f"Workspace  {settings.folder()}")
    mended = close_to_others(settings.home)
    if mended:
        what = f"{mended:,} files and folders of the workspace"
        click.echo(f"Others of this machine could read {what}; now only you can.")
    if not is_loopback(settings.host) and not asks_for_login:
        warning = f"{settings.host} is reachable by others, and nobody has to sign in."
        click.echo(f"Warning: {warning}", err=True)
    fill_new_workspace(settings)
    chosen = find_port(settings.host, settings.port)
    if chosen != settings.port:
        click.echo(f"Port {settings.port} is taken, using {chosen}.")
    url = url_of(settings.host, chosen)
    click.secho(f"Open       {url}   (Ctrl-C stops it)", bold=True)
    if browser and _has_screen():
        webbrowser.open(url)
    _serve(settings, chosen)


def fill_new_workspace(settings: Settings) -> None:
    """Add each package's example on its first start, so that the first question has an answer."""
    offered = [one for contribution in contributions() for one in contribution.first_start]
    fresh = [one for one in offered if not (settings.folder() / one.unless).exists()]
    if not fresh:
        return
    click.echo("First start: adding the examples…")
    # as programs: the memory of their libraries is free again before the app starts
    environment = os.environ | {"WORKBENCH_HOME": str(settings.home)}
    for first in fresh:
        done = subprocess.run(
            [sys.executable, "-m", "workbench.cli", *first.words],
            env=environment,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            problem = "An example could not be added; the app opens without it."
            click.echo(f"{problem} See: workbench doctor", err=True)


def find_port(host: str, first: int) -> int:
    """The first port from `first` on that nothing listens at. Raises Unavailable after fifty."""
    last = min(first + PORTS_TRIED - 1, HIGHEST_PORT)
    for port in range(first, last + 1):
        if _is_free(host, port):
            return port
    raise Unavailable(
        say("No port from {first} to {last} is free on {host}.", first=first, last=last, host=host),
        "Name another: workbench run --port 9000",
    )


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        if os.name == "posix":  # else a port of the app that just ended counts as taken
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _has_screen() -> bool:
    return bool(os.environ.get("DISPLAY")) or sys.platform in ("darwin", "win32")


def _serve(settings: Settings, port: int) -> None:
    """Streamlit in this process, so that whatever ends this command ends the app.

    The folder stays the person's: settings and jobs read its workbench.toml. Streamlit finds
    `.streamlit/config.toml` beside the script.
    """
    take_short_turns()
    app = ROOT / "app.py"
    if not app.exists():
        raise NotFound(
            say("{app} does not exist.", app=app), "Run this from a clone of the project: make run"
        )
    # what the app itself has to know of the options above
    os.environ |= {
        "WORKBENCH_HOME": str(settings.home),
        "WORKBENCH_HOST": settings.host,
        "WORKBENCH_API": str(settings.api).lower(),
    }
    sys.argv = f"""
        streamlit run {app.name} --server.address {settings.host} --server.port {port}
        --logger.hideWelcomeMessage true
    """.split()
    sys.argv[2] = str(app)  # its folder may have spaces
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)

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

from workbench.cli import reports_errors
from workbench.errors import NotFound, Unavailable
from workbench.messages import say
from workbench.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "handbook"
PORTS_TRIED = 50
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), help="First port tried; the next free one is taken."
)
@click.option("--browser/--no-browser", default=True, help="Open the browser where there is one.")
@reports_errors
def run(port: int | None, browser: bool) -> None:
    """Open the app on 127.0.0.1, with an example handbook in a new workspace.

    \b
    Example:
      workbench run --port 8600
    """
    settings = load_settings(**({"port": port} if port else {}))
    click.echo(f"Workspace  {settings.folder()}")
    if settings.host not in LOOPBACK:
        click.echo(
            f"Warning: {settings.host} is reachable by others, and the app asks for no password.",
            err=True,
        )
    load_example(settings)
    chosen = find_port(settings.host, settings.port)
    if chosen != settings.port:
        click.echo(f"Port {settings.port} is taken, using {chosen}.")
    url = f"http://{settings.host}:{chosen}"
    click.secho(f"Open       {url}   (Ctrl-C stops it)", bold=True)
    if browser and (os.environ.get("DISPLAY") or sys.platform in ("darwin", "win32")):
        webbrowser.open(url)
    _serve(settings, chosen)


def load_example(settings: Settings) -> None:
    """In a workspace that never had a collection, add the examples, so that the first question has an answer."""
    if (settings.folder() / "index.db").exists() or not EXAMPLE.is_dir():
        return
    click.echo(
        "First start: reading the example handbook (English and Chinese) and making the example database…"
    )
    for command in (
        ["rag", "ingest", str(EXAMPLE), "--collection", "handbook"],
        ["data", "example"],
    ):
        environment = {**os.environ, "WORKBENCH_HOME": str(settings.home)}
        done = subprocess.run(
            [sys.executable, "-m", "workbench.cli", *command],
            env=environment,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            click.echo(
                "An example could not be made; the app opens without it. See: workbench doctor",
                err=True,
            )


def find_port(host: str, first: int) -> int:
    """The first port from `first` on that nothing listens at. Raises Unavailable after fifty."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        with socket.socket(family) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise Unavailable(
        say(
            "No port from {first} to {first2} is free on {host}.",
            first=first,
            first2=first + PORTS_TRIED - 1,
            host=host,
        ),
        "Name another: workbench run --port 9000",
    )


def _serve(settings: Settings, port: int) -> None:
    """Streamlit in this process, so that whatever ends this command ends the app."""
    app = ROOT / "streamlit_app.py"
    if not app.exists():
        raise NotFound(
            say("{app} is not there.", app=app), "Run this from a clone of the project: make run"
        )
    os.environ["WORKBENCH_HOME"] = str(settings.home)
    # The folder stays the person's: settings and jobs read its workbench.toml. Streamlit finds
    # .streamlit/config.toml beside the script.
    sys.argv = [
        "streamlit",
        "run",
        str(app),
        "--server.address",
        settings.host,
        "--server.port",
        str(port),
        "--logger.hideWelcomeMessage",
        "true",
    ]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)

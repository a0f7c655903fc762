"""`workbench mcp`: serve the experts to other programs; add, list, test and remove theirs."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import json_option, print_json, read_secret, reports_errors
from workbench.settings import load_settings

if TYPE_CHECKING:
    from agents.mcp.kept import Server, Use

TOKEN = "WORKBENCH_MCP_TOKEN"  # noqa: S105 - the name of a variable


@click.group()
def mcp() -> None:
    """Serve the experts to other programs over MCP, and let the assistant use their tools."""


@mcp.command()
@click.option("--http", is_flag=True, help="Serve streamable HTTP on 127.0.0.1 instead of stdio.")
@click.option("--port", type=int, default=8790, show_default=True, help="Port for --http.")
@click.option(
    "--token", is_flag=True, help=f"Ask for a token: that of {TOKEN}, else a new one, shown here."
)
@reports_errors
def serve(http: bool, port: int, token: bool) -> None:
    """Serve documents, data and the other experts as tools.

    \b
    Example:
      workbench mcp serve
      workbench mcp serve --http --port 8790 --token
    """
    from agents.mcp.serving import serve_http, serve_stdio

    settings = load_settings()
    if not http:
        serve_stdio(settings)
        return
    wanted = os.environ.get(TOKEN, "")
    if token and not wanted:
        wanted = secrets.token_urlsafe(24)
        click.echo(f"Token: {wanted}", err=True)
    click.echo(f"http://127.0.0.1:{port}/mcp", err=True)
    serve_http(settings, port, wanted)


@mcp.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--url", default="", help="Address of a server that speaks streamable HTTP.")
@click.option(
    "--allow",
    multiple=True,
    metavar="TOOL[=always]",
    help="A tool that the assistant may call; each call is asked about, unless =always.",
)
@click.option("--env", "variables", multiple=True, help="A variable the program is given, by name.")
@click.option("--token", is_flag=True, help="Ask for the address's token, kept in the keyring.")
@click.option("--replace", is_flag=True, help="Replace a server of that name.")
@json_option
@reports_errors
def add(
    name: str,
    command: tuple[str, ...],
    url: str,
    allow: tuple[str, ...],
    variables: tuple[str, ...],
    token: bool,
    replace: bool,
    as_json: bool,
) -> None:
    """Add a server: a program that is started, or an address. Its tools are off until allowed.

    \b
    Example:
      workbench mcp add wiki --allow search -- wiki-mcp --read-only
      workbench mcp add tickets --url http://127.0.0.1:9000/mcp --allow find=always
    """
    from agents.mcp.adding import add_server

    allowed = dict(_allowed(one) for one in allow)
    secret = read_secret("Token") if token else ""
    added = add_server(
        name, command, url, allowed, load_settings(), variables, secret, replace=replace
    )
    _show(name, added, as_json)


@mcp.command("list")
@json_option
@reports_errors
def list_command(as_json: bool) -> None:
    """The servers and which of their tools are allowed. Example: workbench mcp list"""
    from agents.mcp.kept import read_servers

    for name, server in read_servers(load_settings()).items():
        _show(name, server, as_json)


@mcp.command()
@click.argument("name")
@click.argument("tool")
@click.option(
    "--use", type=click.Choice(["ask", "always", "off"]), default="ask", show_default=True
)
@reports_errors
def allow(name: str, tool: str, use: Use) -> None:
    """Allow a server's tool, or take it back. Example: workbench mcp allow wiki search"""
    from agents.mcp.kept import use_tool

    use_tool(name, tool, use, load_settings())
    click.echo(f"{name} {tool}: {use}")


@mcp.command()
@click.argument("name")
@json_option
@reports_errors
def test(name: str, as_json: bool) -> None:
    """Connect and list the tools again. Example: workbench mcp test wiki"""
    from agents.mcp.adding import refresh_server

    _show(name, refresh_server(name, load_settings()), as_json)


@mcp.command()
@click.argument("name")
@reports_errors
def remove(name: str) -> None:
    """Forget a server and its token. Example: workbench mcp remove wiki"""
    from agents.mcp.adding import remove_server

    remove_server(name, load_settings())
    click.echo(f"{name} is removed.")


def _allowed(written: str) -> tuple[str, Use]:
    tool, _, use = written.partition("=")
    return tool, "always" if use == "always" else "ask"


def _show(name: str, server: Server, as_json: bool) -> None:
    uses = {tool: kept.use for tool, kept in server.tools.items()}
    if as_json:
        row: dict[str, Any] = {"name": name, "place": server.place, "tools": uses}
        print_json(row)
        return
    click.echo(f"{name}  {server.place}")
    for tool, kept in server.tools.items():
        click.echo(f"  {kept.use:<6}  {tool}: {kept.description}")

"""A command or an address, and the tools to allow -> an MCP server that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from agents.mcp.client import list_tools
from agents.mcp.kept import (
    KeptTool,
    Server,
    Use,
    address_of,
    check_name,
    drop_server,
    find_server,
    keep_server,
    key_name,
    read_servers,
)
from workbench.confined import check_admin, check_may_change
from workbench.errors import InvalidInput
from workbench.machine_keyring import has_keyring, mark_of
from workbench.messages import say
from workbench.models.keys import forget_key, hold_key, keep_key
from workbench.settings import Settings


def add_server(
    name: str,
    command: Sequence[str],
    url: str,
    allowed: dict[str, Use],
    settings: Settings,
    variables: Sequence[str] = (),
    token: str = "",
    replace: bool = False,
) -> Server:
    """Connect, list the tools and keep them with those that are allowed; returns the server.

    The token goes to the keyring, else it is held for this process. Raises InvalidInput, and
    Unavailable where the server does not answer: nothing is kept then.
    """
    check_may_change(settings)
    check_name(name)
    if command:
        check_admin(settings)
    if bool(command) == bool(url):
        raise InvalidInput(
            "An MCP server is a command or an address.",
            "Give one of them: workbench mcp add NAME --url ADDRESS, or NAME -- COMMAND",
        )
    if name in read_servers(settings) and not replace:
        raise InvalidInput(
            say("There is an MCP server {name} already.", name=name),
            "Use another name, or add --replace.",
        )
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise InvalidInput(
            say("{url} is no address of a server.", url=url), "Begin it with http:// or https://."
        )
    server = Server(
        command=list(command),
        base_url=url,
        variables=list(variables),
        space=mark_of(settings.home),
    )
    if token:
        server = _with_token(name, server, token)
    tools = list_tools(name, server)
    server = server.model_copy(update={"tools": _allow(name, tools, allowed)})
    keep_server(name, server, settings)
    return server


def refresh_server(name: str, settings: Settings) -> Server:
    """List the tools again. A tool that is described in other words is no longer allowed.

    Raises NotFound, Unavailable.
    """
    server = find_server(name, settings)
    tools = {}
    for tool, told in list_tools(name, server).items():
        before = server.tools.get(tool)
        same = before is not None and before.model_copy(update={"use": "off"}) == told
        tools[tool] = before if before is not None and same else told
    refreshed = server.model_copy(update={"tools": tools})
    keep_server(name, refreshed, settings)
    return refreshed


def remove_server(name: str, settings: Settings) -> None:
    """Forget the server and its token. Raises NotFound."""
    forget_key(key_name(name), address_of(find_server(name, settings)))
    drop_server(name, settings)


def _allow(name: str, tools: dict[str, KeptTool], allowed: dict[str, Use]) -> dict[str, KeptTool]:
    unknown = allowed.keys() - tools.keys()
    if unknown:
        raise InvalidInput(
            say("{name} has no tool {tool}.", name=name, tool=", ".join(sorted(unknown))),
            say("There are: {names}", names=", ".join(tools) or "-"),
        )
    return {
        tool: kept.model_copy(update={"use": allowed.get(tool, "off")})
        for tool, kept in tools.items()
    }


def _with_token(name: str, server: Server, token: str) -> Server:
    if not has_keyring():
        hold_key(key_name(name), address_of(server), token)
        return server
    keep_key(key_name(name), address_of(server), token)
    return server.model_copy(update={"has_key": True})

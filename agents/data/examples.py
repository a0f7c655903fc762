"""The chosen database -> questions to begin with: those whose queries are verified."""

from __future__ import annotations

from agents.databases.notes import load_notes
from agents.databases.sources import find_source, list_sources
from agents.examples import quoted
from workbench.errors import WorkbenchError
from workbench.language import localized
from workbench.settings import Settings

MODE = "data"  # of the agent's row


def name_sources(settings: Settings, language: str) -> str:
    """The databases, the chosen one first; empty for none."""
    names = [source.name for source in list_sources(settings)]
    names.sort(key=lambda name: name != settings.source)
    listed = quoted(names, language)
    return localized(language, f"the data in {listed}", f"{listed}中的数据") if names else ""


def questions_about_data(settings: Settings) -> list[str]:
    """The verified questions; none where no database or no single one is chosen."""
    try:
        source = find_source(settings, settings.source)
        pairs = load_notes(source, settings).pairs
    except WorkbenchError:
        return []
    return [pair["question"] for pair in pairs]

"""The choice of the database, a chip above the chat's box."""

from __future__ import annotations

from agents.databases.sources import list_sources
from workbench.settings import Settings
from workbench.ui.chips import fall_back, menu_chip
from workbench.ui.widgets import both, choices


def choose_source(settings: Settings, asked: bool) -> None:
    """Shown only where several databases exist: which one answers."""
    names = [source.name for source in list_sources(settings)]
    chosen = choices().get("source", "")
    if chosen and chosen not in names:
        fall_back("source", _gone(chosen, names))
    if len(names) < 2:
        return
    menu_chip(
        "source",
        both("Database", "数据库"),
        {name: name for name in names},
        settings.source if settings.source in names else names[0],
        default=names[0],
        icon=":material/database:",
    )


def _gone(name: str, left: list[str]) -> str:
    if not left:
        return both(f"The database “{name}” no longer exists.", f"数据库“{name}”已不存在。")
    return both(
        f"The database “{name}” no longer exists; this chat now asks “{left[0]}”.",
        f"数据库“{name}”已不存在，此对话改为查询“{left[0]}”。",
    )

"""The chosen database -> questions about the future of its series."""

from __future__ import annotations

from agents.databases.introspect import load_schema
from agents.databases.sources import find_source
from agents.forecast.targets import Target, all_targets, spoken_name
from workbench.errors import WorkbenchError
from workbench.language import localized
from workbench.settings import Settings


def questions_about_future(settings: Settings) -> list[str]:
    """One for the first series in each language; none where no source has any."""
    try:
        schema = load_schema(find_source(settings, settings.source), settings)
    except WorkbenchError:
        return []
    targets = [target for target in all_targets(schema) if target.column.synonyms]
    if not targets:
        return []
    best = min(targets, key=_rows_missing)
    return [_question(best, "en"), _question(best, "zh")]


def _rows_missing(target: Target) -> int:
    """Less for a longer table."""
    return -(target.table.rows or 0)


def _question(target: Target, language: str) -> str:
    name = spoken_name(target, language)
    samples = target.table.by_name[target.time].samples
    if any(":" in sample for sample in samples):
        english, chinese = "the next 6 hours", "未来6小时"
    else:
        english, chinese = "the next 4 weeks", "未来4周"
    return localized(language, f"Forecast {name} for {english}", f"预测{chinese}的{name}")

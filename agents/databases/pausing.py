"""A source is paused while a query that could not be ended runs on its server.

The connections that still run one are kept as `paused.json` in the source's folder, so that every
process of the workspace knows. The pause ends with the last of them, or when a person resumes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.databases.sources import DataSource
from workbench.errors import Unavailable
from workbench.files import locked, read_json, update_json, write_json
from workbench.messages import Message, say
from workbench.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

RUNNING = {
    "mysql": "SELECT id FROM information_schema.processlist",
    "postgres": "SELECT pid FROM pg_stat_activity",
}


def pause(source: DataSource, settings: Settings, connection_id: int) -> None:
    """Ask the source nothing more while that connection of its server runs a query."""
    record = _record(source, settings)
    if record.parent.is_dir():  # else the place was only being tried
        update_json(record, lambda known: sorted({*known, connection_id}), default=[])


def resume(source: DataSource, settings: Settings) -> bool:
    """Ask the source again, whatever still runs there; returns whether it was paused."""
    record = _record(source, settings)
    was_paused = record.exists()
    record.unlink(missing_ok=True)
    return was_paused


def paused_sentence(source: DataSource, settings: Settings) -> Message | None:
    """What a person is told about the pause, as far as it was known last; None without one."""
    if not _connections(_record(source, settings)):
        return None
    return say(
        "{name} is paused: a query that could not be ended is still running on its server.",
        name=source.name,
    )


def refuse_paused(connection: Connection, source: DataSource, settings: Settings) -> None:
    """Raise Unavailable while a query that could not be ended runs; else end the pause."""
    record = _record(source, settings)
    if not record.exists():
        return
    with locked(record):
        running = still_running(connection, source, _connections(record))
        if running:
            write_json(record, running)
        else:
            record.unlink(missing_ok=True)
    sentence = paused_sentence(source, settings)
    if sentence:
        raise Unavailable(
            sentence,
            say(
                "Wait until it ends, end connection {numbers} on the server, or resume: workbench "
                "data resume {name}",
                numbers=", ".join(str(number) for number in running),
                name=source.name,
            ),
        )


def still_running(connection: Connection, source: DataSource, numbers: Iterable[int]) -> list[int]:
    """Which of these connections the server still has."""
    found = connection.exec_driver_sql(RUNNING[source.dialect])
    alive = {number for (number,) in found}
    return [number for number in numbers if number in alive]


def _record(source: DataSource, settings: Settings) -> Path:
    return settings.home / "data" / source.name / "paused.json"


def _connections(record: Path) -> list[int]:
    try:
        known: Any = read_json(record, [])
    except ValueError:  # damaged: it says nothing any more
        return []
    return known if isinstance(known, list) else []

"""A source -> a session that only reads, with errors of ours, whose query can be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.databases.database_errors import QueryFailed as QueryFailed
from agents.databases.database_errors import maps_database_errors
from agents.databases.file_session import open_file
from agents.databases.files import made_tables
from agents.databases.server_session import open_server
from agents.databases.session import Session
from agents.databases.sources import DataSource
from workbench.errors import NotFound
from workbench.messages import say
from workbench.settings import Settings


@contextmanager
def open_session(source: DataSource, settings: Settings, seconds: float) -> Iterator[Session]:
    """A session in which a statement may take `seconds`.

    Raises Unavailable, NotFound or Stopped.
    """
    if source.url:
        with open_server(source, settings, seconds) as session:
            yield session
        return
    path = made_tables(source, settings) if source.from_files else _existing(Path(source.file))
    with maps_database_errors(source), open_file(source, settings, path, seconds) as session:
        yield session


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise NotFound(say("{path} is gone.", path=path), "Put it back, or remove the source.")
    return path

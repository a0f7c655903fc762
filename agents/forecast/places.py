"""A file, a table of a source or a query -> the table that series are read from.

A query and a table go through the guard and the runner, as every query does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.databases.files import read_table
from agents.databases.guard.guard import first_query
from agents.databases.introspect import load_schema
from agents.databases.runner import Result, ask_database
from agents.databases.sources import FILES, find_source
from workbench.confined import inside
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings

if TYPE_CHECKING:
    import pandas

MOST_ROWS = 100_000  # that a query may give out
SECONDS = 120.0  # that it may take


@dataclass(frozen=True)
class Place:
    """Where a table comes from: `file`, or `source` with a `query` or a `table`."""

    file: str = ""
    source: str = ""
    table: str = ""
    query: str = ""


def find_place(settings: Settings, text: str, table: str = "", query: str = "") -> Place:
    """A path of a table file, else the name of a source. Raises Forbidden."""
    if Path(text).suffix.lower() in FILES:
        return Place(file=str(inside(text, settings)), table=table)
    return Place(source=text, table=table, query=query)


def read_place(place: Place, settings: Settings, columns: Sequence[str] = ()) -> pandas.DataFrame:
    """The table, of a source's table only these columns where some are named.

    Raises NotFound, InvalidInput, Refused or QueryFailed."""
    if place.file:
        path = Path(place.file)
        if not path.is_file():
            raise NotFound(say("There is no file {path}.", path=path), "Check the path.")
        return read_table(path, settings, place.table)
    return _from_source(place, settings, columns)


def _from_source(place: Place, settings: Settings, columns: Sequence[str]) -> pandas.DataFrame:
    import pandas

    source = find_source(settings, place.source)
    schema = load_schema(source, settings)
    wide = settings.model_copy(update={"query_rows": MOST_ROWS, "query_seconds": SECONDS})
    query = place.query
    if not query:
        table = _table_of(place, schema)
        known = [name for name in columns if name in table.by_name]
        query = first_query(schema, table.name, known)
    _, result = ask_database(query, schema, source, wide)
    check_whole(result)
    return pandas.DataFrame(result.rows, columns=result.columns)


def check_whole(result: Result) -> None:
    """Raises InvalidInput where a limit has cut the rows: the series would have holes."""
    if result.truncated:
        raise InvalidInput(
            say("The query has more than {most:,} rows.", most=MOST_ROWS),
            "Let it sum its rows by group and moment (GROUP BY), or choose fewer.",
        )


def _table_of(place: Place, schema: Any) -> Any:
    """The named table, or the only one. Raises InvalidInput."""
    names = list(schema.by_name)
    if not place.table and len(names) == 1:
        return schema.tables[0]
    table = schema.table(place.table) if place.table else None
    if table is None:
        raise InvalidInput(
            say("It is not clear which table of {source} is meant.", source=place.source),
            say("Name one with --table: {names}.", names=", ".join(names)),
        )
    return table

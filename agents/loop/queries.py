"""A verified question and its query -> the notes of its source, which uses it from then on."""

from __future__ import annotations

from agents.databases.guard.guard import judge
from agents.databases.introspect import load_schema
from agents.databases.notes import add_pair, remove_pair
from agents.databases.sources import find_source
from agents.loop.candidates import Item
from workbench.errors import InvalidInput, WorkbenchError
from workbench.messages import say
from workbench.settings import Settings


def check_query(item: Item, sql: str, settings: Settings) -> None:
    """Raises InvalidInput where the source is gone or its guard refuses the query."""
    try:
        source = find_source(settings, item.database)
        judge(sql, load_schema(source, settings))
    except WorkbenchError as error:
        problem = say("Item {id}: {problem}", id=item.id, problem=error.problem)
        raise InvalidInput(problem, error.fix) from error


def keep_query(item: Item, sql: str, settings: Settings) -> None:
    """Keep the pair with the source that was asked."""
    add_pair(find_source(settings, item.database), settings, item.question, sql)


def forget_query(item: Item, settings: Settings) -> None:
    """Take the pair away again."""
    remove_pair(find_source(settings, item.database), settings, item.question)

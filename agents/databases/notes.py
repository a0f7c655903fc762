"""What a person adds to a source: descriptions, synonyms, verified queries, and its writer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from agents.databases.schema import Schema, TableSchema
from agents.databases.sources import DataSource, source_folder
from workbench.confined import check_may_change
from workbench.errors import InvalidInput, NotFound
from workbench.files import read_json, update_json
from workbench.messages import say
from workbench.models.listing import NONE, describe_model
from workbench.settings import Settings


@dataclass(frozen=True)
class Notes:
    """`about` maps "table" or "table.column" to {"description", "synonyms"}.

    `pairs` are {"question", "sql"}. `writer` is the name of the tuned model that writes the
    source's queries, empty where it has none.
    """

    about: dict[str, dict[str, Any]] = field(default_factory=dict)
    pairs: list[dict[str, str]] = field(default_factory=list)
    writer: str = ""


def load_notes(source: DataSource, settings: Settings) -> Notes:
    """The notes of a source; none where nobody wrote any, or where the file is damaged."""
    try:
        return _from_dict(read_json(_file(source, settings), {}))
    except ValueError:  # a question is answered without notes; only a change says what is wrong
        return Notes()


def describe(
    source: DataSource,
    settings: Settings,
    schema: Schema,
    what: str,
    description: str | None,
    synonyms: list[str] | None,
) -> None:
    """Keep a description, synonyms or both for "table" or "table.column"; raises NotFound."""
    name = _real_name(schema, what)
    said: dict[str, Any] = {}
    if description is not None:
        said["description"] = description
    if synonyms is not None:
        said["synonyms"] = synonyms

    def change(notes: Notes) -> Notes:
        entry = notes.about.get(name, {}) | said
        return replace(notes, about=notes.about | {name: entry})

    _update(source, settings, change)


def add_pair(source: DataSource, settings: Settings, question: str, sql: str) -> None:
    """Keep a verified pair; a question that has one already gets the new query."""

    def change(notes: Notes) -> Notes:
        others = _without(notes.pairs, question)
        return replace(notes, pairs=[*others, {"question": question, "sql": sql}])

    _update(source, settings, change)


def remove_pair(source: DataSource, settings: Settings, question: str) -> None:
    _update(source, settings, lambda notes: replace(notes, pairs=_without(notes.pairs, question)))


def set_writer(source: DataSource, settings: Settings, model: str) -> None:
    """Name the tuned model that writes the source's queries; `none` takes it away.

    Raises InvalidInput or NotFound.
    """
    if model != NONE:
        describe_model(model, settings)
    writer = "" if model == NONE else model
    _update(source, settings, lambda notes: replace(notes, writer=writer))


def with_notes(schema: Schema, notes: Notes) -> Schema:
    """The schema with descriptions and synonyms on its tables and columns."""
    if not notes.about:
        return schema
    return replace(schema, tables=tuple(_noted_table(table, notes) for table in schema.tables))


def _noted_table(table: TableSchema, notes: Notes) -> TableSchema:
    columns = tuple(
        _noted(column, notes.about.get(f"{table.name}.{column.name}")) for column in table.columns
    )
    return _noted(replace(table, columns=columns), notes.about.get(table.name))


def _noted(item: Any, entry: dict[str, Any] | None) -> Any:
    if not entry:
        return item
    return replace(
        item, description=entry.get("description", ""), synonyms=tuple(entry.get("synonyms", ()))
    )


def _real_name(schema: Schema, what: str) -> str:
    """The name of a table or column as the database spells it; raises NotFound."""
    table = schema.table(what)
    if table is not None:
        return table.name
    first, _, last = what.rpartition(".")
    table = schema.table(first)
    column = table.real_name(last) if table is not None else None
    if table is None or column is None:
        raise NotFound(
            say("There is no table or column {what}.", what=what), "See: workbench data schema NAME"
        )
    return f"{table.name}.{column}"


def _without(pairs: list[dict[str, str]], question: str) -> list[dict[str, str]]:
    return [pair for pair in pairs if pair["question"] != question]


def _file(source: DataSource, settings: Settings) -> Path:
    return source_folder(settings, source) / "notes.json"


def _from_dict(data: dict[str, Any]) -> Notes:
    return Notes(data.get("about", {}), data.get("pairs", []), data.get("writer", ""))


def _update(source: DataSource, settings: Settings, change: Callable[[Notes], Notes]) -> None:
    """Change the notes while no other process does; damaged ones stay as they are."""
    check_may_change(settings)
    path = _file(source, settings)
    try:
        update_json(path, lambda data: asdict(change(_from_dict(data))), {})
    except ValueError as error:
        raise InvalidInput(
            say("{path} is not valid JSON.", path=path), "Correct it, or delete it."
        ) from error

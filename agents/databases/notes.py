"""What the person adds to a source: descriptions and synonyms, verified question–SQL pairs, the model that writes its SQL."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from agents.databases.schema import Column, Schema, Table
from agents.databases.sources import Source, read_json, source_folder, write_json
from workbench.errors import NotFound
from workbench.messages import say
from workbench.models.names import NONE, describe_model
from workbench.settings import Settings


@dataclass(frozen=True)
class Notes:
    """`about` maps "table" or "table.column" to {"description", "synonyms"}; `pairs` are {"question", "sql"}.

    `writer` is the name of the tuned model that writes the source's queries, empty where it has none.
    """

    about: dict[str, dict[str, Any]] = field(default_factory=dict)
    pairs: list[dict[str, str]] = field(default_factory=list)
    writer: str = ""


def load_notes(source: Source, settings: Settings) -> Notes:
    data = read_json(source_folder(settings, source) / "notes.json") or {}
    return Notes(data.get("about", {}), data.get("pairs", []), data.get("writer", ""))


def describe(
    source: Source,
    settings: Settings,
    schema: Schema,
    what: str,
    description: str | None,
    synonyms: list[str] | None,
) -> None:
    """Keep a description, synonyms or both for "table" or "table.column"; raises NotFound."""
    name = _real_name(schema, what)
    notes = load_notes(source, settings)
    entry = dict(notes.about.get(name, {}))
    entry |= {} if description is None else {"description": description}
    entry |= {} if synonyms is None else {"synonyms": synonyms}
    _save(source, settings, replace(notes, about={**notes.about, name: entry}))


def add_pair(source: Source, settings: Settings, question: str, sql: str) -> None:
    """Keep a verified pair; a question that is there already gets the new query."""
    notes = load_notes(source, settings)
    others = [pair for pair in notes.pairs if pair["question"] != question]
    _save(source, settings, replace(notes, pairs=[*others, {"question": question, "sql": sql}]))


def remove_pair(source: Source, settings: Settings, question: str) -> None:
    notes = load_notes(source, settings)
    _save(
        source,
        settings,
        replace(notes, pairs=[pair for pair in notes.pairs if pair["question"] != question]),
    )


def set_writer(source: Source, settings: Settings, model: str) -> None:
    """Name the tuned model that writes the source's queries; `none` takes it away. Raises InvalidInput or NotFound."""
    if model != NONE:
        describe_model(model, settings)
    _save(
        source,
        settings,
        replace(load_notes(source, settings), writer="" if model == NONE else model),
    )


def with_notes(schema: Schema, notes: Notes) -> Schema:
    """The schema with descriptions and synonyms on its tables and columns."""

    def noted_column(table: Table, column: Column) -> Column:
        entry = notes.about.get(f"{table.name}.{column.name}", {})
        return _noted(column, entry) if entry else column

    def noted_table(table: Table) -> Table:
        table = replace(
            table, columns=tuple(noted_column(table, column) for column in table.columns)
        )
        entry = notes.about.get(table.name, {})
        return _noted(table, entry) if entry else table

    return replace(schema, tables=tuple(map(noted_table, schema.tables))) if notes.about else schema


def _noted(item: Any, entry: dict[str, Any]) -> Any:
    return replace(
        item, description=entry.get("description", ""), synonyms=tuple(entry.get("synonyms", ()))
    )


def _real_name(schema: Schema, what: str) -> str:
    if table := schema.table(what):
        return table.name
    first, _, last = what.rpartition(".")
    table = schema.table(first)
    if table is None or (name := table.real_name(last)) is None:
        raise NotFound(
            say("There is no table or column {what}.", what=what), "See: workbench data schema NAME"
        )
    return f"{table.name}.{name}"


def _save(source: Source, settings: Settings, notes: Notes) -> None:
    write_json(source_folder(settings, source) / "notes.json", asdict(notes))

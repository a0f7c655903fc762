"""Recall of schema linking: gold tables and columns that are kept, and the share of columns kept.

python benchmarks/linking.py [--show]    reads ../shared/data

Large are schemas of 40 columns and more. Chinese: chase, each turn with the turns before it as the
agent gives them, and alone. English schemas: spider, asked in English and in Chinese, and all its
13 databases put together into one schema, in which one name may mean several things. Its own
schemas are small and go in whole; "narrowed" is what the choice of columns would keep of them.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from agents.databases.guard.guard import judge
from agents.databases.linking import link, narrow
from agents.databases.schema import Column, ForeignKey, Schema, TableSchema
from workbench.settings import Settings, load_settings

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
LARGE = 40  # columns
MOST = 0.6  # of the columns of a small schema, where it is narrowed all the same
ALONE, NARROWED, TOGETHER = "", ", narrowed", ", all databases together"


@dataclass
class Tally:
    """Gold names that were kept, and of all columns those that were kept."""

    questions: int = 0
    tables: list[int] = field(default_factory=lambda: [0, 0])
    columns: list[int] = field(default_factory=lambda: [0, 0])
    kept: list[int] = field(default_factory=lambda: [0, 0])

    def line(self, name: str) -> str:
        shares = [one / max(all_of, 1) for one, all_of in (self.tables, self.columns, self.kept)]
        return f"{name:<36}{self.questions:>9}{shares[0]:>9.3f}{shares[1]:>9.3f}{shares[2]:>9.3f}"


def read_schema(path: Path) -> Schema:
    """Schema of a SQLite file, with a few values as samples."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    found = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    names = [name for (name,) in found if not name.startswith("sqlite_")]
    tables = tuple(_read_table(connection, name) for name in names)
    connection.close()
    return Schema("sqlite", tables, "main")


def _read_table(connection: sqlite3.Connection, name: str) -> TableSchema:
    rows = connection.execute(f'SELECT * FROM "{name}" LIMIT 50').fetchall()
    columns = []
    for number, info in enumerate(connection.execute(f'PRAGMA table_info("{name}")').fetchall()):
        _, column, kind, _, _, primary = info
        samples = _samples(row[number] for row in rows)
        columns.append(Column(column, kind, primary=bool(primary), samples=samples))
    keys = []
    for key in connection.execute(f'PRAGMA foreign_key_list("{name}")').fetchall():
        _, _, other, own, theirs, *_ = key
        # SQLite leaves out the other column where it is called as the own one
        keys.append(ForeignKey(own, other, theirs or own))
    return TableSchema(name, tuple(columns), foreign_keys=tuple(keys))


def _samples(values: Iterable[object]) -> tuple[str, ...]:
    texts = [str(value) for value in values if value is not None]
    short = [text for text in texts if len(text) <= 60]
    return tuple(dict.fromkeys(short))[:8]


def measure(
    question: str,
    gold: str,
    schema: Schema,
    shown: Schema,
    linked: Schema,
    tallies: list[Tally],
    show: bool,
) -> None:
    """Count what was `linked` of `shown`, which may hold more than the database's own `schema`."""
    verdict = judge(gold, schema, rows=1_000_000)
    tables = set(linked.by_name)
    columns = {(table.name, column.name) for table in linked.tables for column in table.columns}
    for tally in tallies:
        tally.questions += 1
        tally.tables[0] += len(tables & verdict.tables)
        tally.tables[1] += len(verdict.tables)
        tally.columns[0] += len(columns & verdict.columns)
        tally.columns[1] += len(verdict.columns)
        tally.kept[0] += len(columns)
        tally.kept[1] += shown.column_count()
    missed = verdict.columns - columns
    if show and missed:
        print(f"{question}\n  missed {sorted(missed)}")


def chase(settings: Settings, with_history: bool, show: bool) -> tuple[Tally, Tally]:
    """(all schemas, large schemas)."""
    folder = SHARED / "nl2sql_chase_zh"
    schemas: dict[str, Schema] = {}
    every, large = Tally(), Tally()
    for line in (folder / "interactions.jsonl").read_text("utf-8").splitlines():
        dialogue = json.loads(line)
        name = dialogue["db_id"]
        before: list[str] = []
        schema = schemas.setdefault(name, read_schema(folder / f"database/{name}/{name}.sqlite"))
        for turn in dialogue["turns"]:
            question = " ".join([*before[-4:], turn["question_zh"]])
            before += [turn["question_zh"]] if with_history else []
            if schema.column_count() >= LARGE:
                tallies, missed = [every, large], show
            else:
                tallies, missed = [every], False
            linked = link(question, schema, settings).schema
            measure(question, turn["gold_sql"], schema, schema, linked, tallies, missed)
    return every, large


def spider(settings: Settings, language: str, way: str, show: bool, each: int = 1) -> Tally:
    """The questions in `en` or `zh`, or each n-th, against a WAY of showing their schemas."""
    folder = SHARED / "nl2sql_spider"
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
    questions.sort(key=lambda question: question["db_id"])  # so that a schema is embedded once
    schemas: dict[str, Schema] = {}
    for name in sorted({question["db_id"] for question in questions}):
        schemas[name] = read_schema(folder / f"database/{name}/{name}.sqlite")
    tally = Tally()
    for question in questions[::each]:
        own = schemas[question["db_id"]]
        asked = question[f"question_{language}"]
        shown = own
        if way == TOGETHER:
            shown = _together(own, [schema for schema in schemas.values() if schema is not own])
        if way == NARROWED:
            linked = narrow(asked, own, settings, share=MOST)
        else:
            linked = link(asked, shown, settings)
        measure(asked, question["gold_sql"], own, shown, linked.schema, [tally], show)
    return tally


def _together(own: Schema, others: list[Schema]) -> Schema:
    """All tables in one schema, except those that are called like one of the question's own."""
    tables = {table.name.lower(): table for table in own.tables}
    for schema in others:
        for table in schema.tables:
            tables.setdefault(table.name.lower(), table)
    return replace(own, tables=tuple(tables[name] for name in sorted(tables)))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--show", action="store_true", help="print what is missed in large schemas"
    )
    show = options.parse_args().show
    if not SHARED.is_dir():
        print("../shared/data is not beside this clone")
        return
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings(home=home, context_tokens=32_768)
        print(settings.embedder)
        print(f"{'':<36}{'questions':>9}{'tables':>9}{'columns':>9}{'kept':>9}")
        every, large = chase(settings, True, show)
        print(every.line("chase, with the turns before"))
        print(large.line(f"  of these {LARGE}+ columns"))
        every, large = chase(settings, False, False)
        print(every.line("chase, turns alone"))
        print(large.line(f"  of these {LARGE}+ columns"))
        for language in ("en", "zh"):
            for way in (ALONE, NARROWED, TOGETHER):
                print(spider(settings, language, way, show).line(f"spider, {language}{way}"))


if __name__ == "__main__":
    main()

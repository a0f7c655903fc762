"""Pairs made by rule: every query runs, every value is real, some wordings are never taught."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from databases import make_sqlite

from agents.databases.example import load_example
from agents.databases.guard.guard import judge
from agents.databases.introspect import load_schema
from agents.databases.notes import describe
from agents.databases.runner import ask_database
from agents.databases.schema import Column, Schema
from agents.databases.sources import DataSource, add_source
from agents.databases.teaching.agreement import differences
from agents.databases.teaching.facts import Composer
from agents.databases.teaching.kinds import KINDS
from agents.databases.teaching.lexicon import LANGUAGES
from agents.databases.teaching.nouns import nouns, plural, singular
from agents.databases.teaching.numbers import find_numbers
from agents.databases.teaching.queries import identifier
from agents.databases.teaching.questions import (
    Askable,
    find_askable,
    make_pairs,
    word_pairs,
    wordings,
)
from agents.databases.teaching.reading import Reader
from agents.databases.teaching.subjects import find_subjects
from agents.databases.teaching.tokens import fill
from workbench.cli import workbench
from workbench.language import language_of
from workbench.settings import Settings, load_settings


@dataclass(frozen=True)
class Example:
    """The example database and all that it can be asked."""

    settings: Settings
    source: DataSource
    schema: Schema
    askable: Askable


@pytest.fixture(scope="module")
def example(
    new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Example]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(new_workspace(tmp_path_factory.mktemp("asked"))))
        settings = load_settings()
        source = load_example(settings)
        askable = find_askable(source, settings)
        yield Example(settings, source, load_schema(source, settings), askable)


def test_every_query_of_the_example_passes_the_guard_and_runs(example: Example) -> None:
    facts = [fact for found in example.askable.facts.values() for fact in found]
    assert len({fact.example for fact in facts}) > 600
    assert len({fact.kind for fact in facts}) == len(wordings("en")) == len(KINDS) == 61
    by_kind = {fact.kind: fact.example for fact in facts}
    for sql in by_kind.values():
        judge(sql, example.schema)
        assert ask_database(sql, example.schema, example.source, example.settings)[1].rows, sql


def test_pairs_are_worded_anew_and_the_held_out_wordings_are_never_taught(
    example: Example,
) -> None:
    pairs = word_pairs(example.askable, 1500, 150)
    taught, held_out = pairs[:1500], pairs[1500:]
    assert len(pairs) == len({pair.asked for pair in pairs}) == 1650
    assert not {pair.plain for pair in taught} & {pair.plain for pair in held_out}
    meant = {(pair.plain, pair.sql) for pair in pairs}
    assert len(meant) == len({pair.plain for pair in pairs}), "the same words mean one query"
    assert not any(pair.held_out for pair in taught) and all(pair.held_out for pair in held_out)
    assert (
        {language_of(pair.asked) for pair in taught}
        == {language_of(pair.asked) for pair in held_out}
        == set(LANGUAGES)
    )
    few = word_pairs(example.askable, 200, 20)
    assert few == word_pairs(example.askable, 200, 20)
    assert few != word_pairs(example.askable, 200, 20, seed=1)
    connection = sqlite3.connect(example.source.file)
    posts = connection.execute("SELECT DISTINCT account FROM ads_summary").fetchall()
    named = [pair for pair in taught if "account = '" in pair.sql]
    assert len(named) > 50
    for pair in named:
        value = pair.sql.split("account = '")[1].split("'")[0]
        assert (value,) in posts and value.casefold() in pair.plain.casefold()


def test_every_kind_has_words_in_both_languages_and_marks_that_its_facts_fill(
    example: Example,
) -> None:
    for language, facts in example.askable.facts.items():
        known = wordings(language)
        for fact in facts:
            marks = {
                mark
                for text in known[fact.kind]
                for mark in ("measure", "category", "value", "n", "than", "when", "word")
                if f"{{{mark}}}" in text
            }
            assert marks <= fact.words.keys(), fact.kind
            assert len(known[fact.kind]) >= 3


def test_values_of_secret_columns_are_never_asked_and_a_query_that_fails_is_left_out(
    settings: Settings, tmp_path: Path
) -> None:
    path = make_sqlite(tmp_path / "shop.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE users SET password = 'open-sesame'")
        connection.execute("CREATE VIEW broken AS SELECT price FROM nowhere")
    source = add_source(settings, "shop", str(path))
    describe(
        source, settings, load_schema(source, settings), "orders.price", None, ["价格", "cost"]
    )
    pairs = make_pairs(source, settings, 300, 20)
    assert len(pairs) > 200
    assert not any("sesame" in pair.asked + pair.sql or "broken" in pair.sql for pair in pairs)
    assert any("cost" in pair.asked.lower() and "SUM(price)" in pair.sql for pair in pairs)
    assert any("价格" in pair.asked and "SUM(price)" in pair.sql for pair in pairs)
    roles = {
        field.column.name: field.role
        for subject in find_subjects(load_schema(source, settings), source, settings)
        for field in subject.fields
    }
    assert (
        roles["password"] == "key" and roles["price"] == "measure" and roles["note"] == "category"
    )


def test_the_command_writes_what_a_training_reads(settings: Settings, tmp_path: Path) -> None:
    load_example(settings)
    out, held_out = tmp_path / "pairs.jsonl", tmp_path / "eval.jsonl"
    arguments = [
        "data",
        "questions",
        "advertising",
        "--out",
        str(out),
        "--held-out",
        str(held_out),
        "--count",
        "200",
        "--json",
    ]
    shown = CliRunner().invoke(workbench, arguments)
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["pairs"] == 200 and json.loads(shown.stdout)["held_out"] > 190
    checked = CliRunner().invoke(
        workbench, ["finetune", "data", "check", str(out), "--test", str(held_out), "--json"]
    )
    told = json.loads(checked.stdout.splitlines()[-1])
    assert (
        checked.exit_code == 0
        and told["examples"] == 200
        and not told["problems"]
        and not told["overlap"]
    )
    again = CliRunner().invoke(workbench, arguments)
    assert again.exit_code == 1 and "--replace" in again.output


@pytest.mark.parametrize(
    ("noun", "one", "many"),
    [
        ("posts", "post", "posts"),
        ("category", "category", "categories"),
        ("class", "class", "class"),
        ("cities", "city", "cities"),
        ("帖子", "帖子", "帖子"),
    ],
)
def test_nouns_have_their_numbers(noun: str, one: str, many: str) -> None:
    assert singular(noun) == one and plural(noun) == many


def test_nouns_are_what_people_say_in_each_language() -> None:
    star = Column("star", synonyms=("likes", "点赞数"))
    assert nouns(star, "en") == ("likes", "star") and nouns(star, "zh") == ("点赞数",)
    assert nouns(Column("create_time", synonyms=("published",)), "en") == ("published",)
    assert nouns(Column("价格"), "en") == ("价格",)


@pytest.mark.parametrize("dialect", ["sqlite", "mysql", "postgres", "duckdb"])
def test_names_are_quoted_only_where_they_would_be_read_as_something_else(dialect: str) -> None:
    mark = "`" if dialect == "mysql" else '"'
    written = {
        "account": "account",
        "价格": "价格",
        "unit price": f"{mark}unit price{mark}",
        "values": f"{mark}values{mark}",
    }
    for name, text in written.items():
        assert identifier(name, dialect).sql(dialect) == text


def test_the_example_of_each_kind_is_one_of_its_queries_and_agrees_with_its_question(
    example: Example,
) -> None:
    written: dict[str, set[str]] = {}
    for fact in example.askable.facts["en"]:
        written.setdefault(fact.kind, set()).add(fact.sql)
    assert [kind.name for kind in KINDS] == list(wordings("en")) == list(wordings("zh"))
    reader = Reader(example.schema, ["Lumen Lights"])
    for kind in KINDS:
        assert kind.sql in written[kind.name], kind.name
        reading = reader.read(kind.question)
        found = differences(reading, fill(kind.sql, reading.marks), example.schema)
        assert not found, kind.question


def test_a_value_with_a_backslash_is_written_as_the_dialect_reads_it(
    settings: Settings, tmp_path: Path
) -> None:
    source = add_source(settings, "shop", str(make_sqlite(tmp_path / "shop.sqlite")))
    schema = load_schema(source, settings)
    checked = 0
    for subject in find_subjects(schema, source, settings):
        for fact in Composer(subject, "mysql", "en").facts():
            if "wool" in fact.sql:
                checked += 1
                assert r"'100% \\wool'" in fact.sql
    assert checked > 3


@pytest.mark.parametrize(
    ("question", "values"),
    [
        ("超过一万二千次激活的素材", ["12000"]),
        ("点赞少于三十的帖子", ["30"]),
        ("2万以上，前五名", ["20000", "5"]),
        ("at least eleven posts with over 3k likes", ["3000", "11"]),
        ("one post of a day", []),
    ],
)
def test_numbers_are_read_whole_in_digits_and_words(question: str, values: list[str]) -> None:
    assert [token.meaning for token in find_numbers(question)] == values

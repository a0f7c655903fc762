"""Of a large schema what a question is about goes into the prompt, and the keys that join it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from databases import make_sqlite
from retrieval_fakes import NoiseEmbedder, TopicEmbedder

from agents.databases.column_scores import column_scores
from agents.databases.linking import link
from agents.databases.schema import Column, ForeignKey, Schema, TableSchema
from agents.databases.sources import add_source
from agents.databases.spanning import KEPT, TRANSLATIONS, vectors_of
from rag import embeddings
from workbench.cli import workbench
from workbench.settings import Settings, load_settings


class Bilingual(NoiseEmbedder):
    """Puts the two languages of some phrases together."""

    name = "bilingual"

    def embed(self, texts: Sequence[str], role: str = "document") -> np.ndarray:
        english = {chinese: phrase for phrase, chinese in TRANSLATIONS}
        return super().embed([english.get(text, text) for text in texts], role)


EMBEDDERS = {"topic": TopicEmbedder(), "bilingual": Bilingual()}


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(embeddings, "_load", lambda name, *_: EMBEDDERS[name])
    monkeypatch.setenv("WORKBENCH_EMBEDDER", "topic")
    return load_settings()


TOPICS = [
    "customer",
    "invoice",
    "shipment",
    "employee",
    "warehouse",
    "supplier",
    "contract",
    "meeting",
]
PARTS = ["name", "created_at", "status", "weight", "city", "remark", "phone", "level"]


def large_schema() -> Schema:
    tables = [
        TableSchema(
            topic,
            (Column(f"{topic}_id", primary=True), *(Column(f"{topic}_{part}") for part in PARTS)),
        )
        for topic in TOPICS
    ]
    tables[1] = replace(
        tables[1],
        columns=(*tables[1].columns, Column("buyer"), Column("amount", comment="发票金额")),
        foreign_keys=(ForeignKey("buyer", "customer", "customer_id"),),
    )
    return Schema("mysql", tuple(tables), "shop")


def kept(question: str, schema: Schema, settings: Settings) -> set[str]:
    found = link(question, schema, settings)
    assert not found.whole
    columns = {
        f"{table.name}.{column.name}" for table in found.schema.tables for column in table.columns
    }
    assert len(columns) <= 0.4 * schema.column_count()
    return columns


def test_what_the_question_speaks_of_is_kept_with_the_keys_between(settings: Settings) -> None:
    columns = kept(
        "Which customers from the city of Bonn have an invoice with a high amount?",
        large_schema(),
        settings,
    )
    assert {
        "customer.customer_city",
        "invoice.amount",
        "invoice.buyer",
        "customer.customer_id",
    } <= columns


def test_comments_synonyms_and_sample_values_find_a_column(settings: Settings) -> None:
    schema = large_schema()
    odd = TableSchema(
        "zz",
        (
            Column("a1"),
            Column("a2", synonyms=("turnover",)),
            Column("a3", samples=("Reykjavik", "Oslo")),
        ),
    )
    schema = replace(schema, tables=(*schema.tables, odd))
    assert "zz.a2" in kept("How large is the turnover?", schema, settings)
    assert "zz.a3" in kept("How many are from Reykjavik?", schema, settings)


def test_a_small_schema_goes_in_whole(settings: Settings) -> None:
    schema = replace(large_schema(), tables=large_schema().tables[:3])
    found = link("Which supplier?", schema, settings)
    assert found.whole and found.schema == schema


def test_another_language_that_the_embedder_does_not_span_gets_the_whole_schema_up_to_the_budget(
    settings: Settings,
) -> None:
    found = link("哪些客户的发票金额最高？", large_schema(), settings)
    assert not found.spans and found.whole
    short = link("哪些客户的发票金额最高？", large_schema(), load_settings(context_tokens=512))
    assert (
        not short.spans
        and not short.whole
        and 0 < short.schema.column_count() < large_schema().column_count()
    )


def test_an_embedder_that_spans_both_languages_is_used_for_a_question_in_the_other(
    settings: Settings,
) -> None:
    spanning = load_settings(embedder="bilingual")
    found = link("客户", large_schema(), spanning)
    assert found.spans and not found.whole


def test_the_command_names_tables_and_columns(settings: Settings, tmp_path: Path) -> None:
    add_source(settings, "shop", str(make_sqlite(tmp_path / "shop.sqlite")))
    shown = CliRunner().invoke(workbench, ["data", "link", "shop", "Who spent most?", "--json"])
    data = json.loads(shown.stdout)
    assert (
        data["tables"] == ["orders", "users"]
        and "orders.price" in data["columns"]
        and len(data["columns"]) == 7
    )


@pytest.mark.data
def test_recall_on_real_schemas_of_forty_columns_and_more(
    shared_data: Path, settings: Settings
) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
    from linking import chase

    settings = load_settings(context_tokens=32_768)
    every, large = chase(settings, True, False)
    assert every.questions == 668 and large.questions == 66
    for tally, tables, columns in ((every, 0.98, 0.95), (large, 0.97, 0.95)):
        assert tally.tables[0] >= tables * tally.tables[1]
        assert tally.columns[0] >= columns * tally.columns[1]
    assert large.kept[0] <= 0.4 * large.kept[1]


def test_a_table_beside_the_one_that_is_named_goes_before_a_stranger() -> None:
    """A join leads through tables that the question hardly names."""
    students = TableSchema("students", (Column("student_name"), Column("born")))
    stranger = TableSchema("weather", (Column("day"), Column("place")))
    key = ForeignKey("student", "students", "student_name")
    beside = TableSchema(
        "loans", (Column("day"), Column("place"), Column("student")), foreign_keys=(key,)
    )
    schema = Schema("sqlite", (students, stranger, beside), "main")
    scores = column_scores("What is the name of each student?", schema, None)
    found = dict(
        zip(
            [(table.name, column.name) for table in schema.tables for column in table.columns],
            scores,
            strict=True,
        )
    )
    assert (
        found["loans", "day"] > found["weather", "day"]
        and found["loans", "place"] > found["weather", "place"]
    )
    assert found["students", "student_name"] == max(scores)


def test_answers_at_one_time_share_the_vectors_of_their_schemas() -> None:
    """More schemas than are kept, from several threads: each gets its own vectors."""
    embedder = NoiseEmbedder()
    wrong: list[object] = []

    def embed(thread: int) -> None:
        try:
            for number in range(KEPT * 40):
                texts = (f"{thread} {number}",)
                if not np.array_equal(vectors_of(texts, embedder), embedder.embed(texts)):
                    wrong.append(texts)
        except (KeyError, RuntimeError) as error:
            wrong.append(error)

    threads = [threading.Thread(target=embed, args=(number,)) for number in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # the threads meet in the middle of a line
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong

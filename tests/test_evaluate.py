"""Measuring retrieval: figures, faults of the input, commands, acceptance on real questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from rag import embeddings
from rag.commands.search import parse_where
from rag.evaluate import evaluate, rank
from rag.question_sets import Question, read_passages, read_questions
from rag.store import list_collections
from tests.retrieval_fakes import NoiseEmbedder, TopicEmbedder, make_collection, topics
from workbench.cli import workbench
from workbench.errors import InvalidInput, NotFound
from workbench.settings import Settings

EMBEDDERS = {"noise": NoiseEmbedder(), "topic": TopicEmbedder()}


@pytest.fixture
def known_embedders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "_load", lambda name, *_: EMBEDDERS[name])


def write(path: Path, *rows: Any) -> Path:
    path.write_text(
        "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8"
    )
    return path


def run(*arguments: object) -> Any:
    return CliRunner().invoke(workbench, ["rag", *map(str, arguments)])


def test_ranks_count_from_one_and_ties_go_to_the_earlier() -> None:
    scores = np.array([[0.1, 0.9, 0.9], [0.5, 0.5, 0.1], [0.0, 0.0, 0.0]])
    assert rank(scores, np.array([2, 1, 0])).tolist() == [2, 2, 1]


@pytest.mark.usefixtures("known_embedders")
def test_every_leg_and_the_fusion_are_measured(settings: Settings) -> None:
    texts = topics(60)
    questions = [
        Question(f"topic{row}x1 topic{row}x2 topic{row}x3", f"file{row:03}.md") for row in range(40)
    ]
    result = evaluate(texts, questions, settings.model_copy(update={"embedder": "noise"}))
    assert (result["questions"], result["passages"]) == (40, 60)
    assert result["lexical"]["recall@1"] == result["fused"]["recall@1"] == 1
    assert result["dense"]["recall@1"] < 0.2
    assert result["dense"]["recall@1"] < result["rrf"]["recall@1"]
    assert result["calibrated"] == {"en": 0.0}
    assert [row["weight"] for row in result["sweep"]] == [step / 10 for step in range(11)]
    assert result["sweep"][0]["recall@1"] == result["lexical"]["recall@1"]
    assert result["sweep"][-1]["recall@1"] == result["dense"]["recall@1"]
    assert result["best_fixed"]["recall@1"] == max(row["recall@1"] for row in result["sweep"])
    assert list_collections(settings) == []


@pytest.mark.usefixtures("known_embedders")
def test_a_question_that_no_passage_shares_a_word_with_is_not_found_by_words(
    settings: Settings,
) -> None:
    result = evaluate(
        topics(30),
        [Question("zzz", "file000.md")],
        settings.model_copy(update={"embedder": "noise"}),
    )
    assert result["lexical"]["recall@10"] == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"id": "b"}', "text is missing"),
        ('{"id": 3, "text": "x"}', "id is missing"),
        ('{"id": "b", "text": " "}', "text is missing"),
        ('{"id": "a", "text": "again"}', "was used before"),
    ],
)
def test_a_bad_line_is_named_with_its_file_and_number(
    tmp_path: Path, line: str, problem: str
) -> None:
    path = write(tmp_path / "p.jsonl", {"id": "a", "text": "first"}, "", line)
    with pytest.raises(InvalidInput, match=problem) as raised:
        read_passages(path)
    assert f"{path}:3" in raised.value.problem


def test_a_question_for_an_unknown_passage_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "q.jsonl", {"question": "Who?", "passage_id": "nobody"})
    with pytest.raises(InvalidInput, match="no passage nobody"):
        read_questions(path, {"a": "text"})


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00broken"])
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "p.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NotFound if content is None else InvalidInput):
        read_passages(path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "a", "text": "first"}\n')
    assert read_passages(path) == {"a": "first"}


@pytest.mark.usefixtures("known_embedders")
def test_the_command_prints_the_result_last(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_EMBEDDER", "noise")
    rows = list(topics(40).items())
    passages = write(
        tmp_path / "p.jsonl", *({"id": name, "text": text} for name, text in rows[:30])
    )
    more = write(tmp_path / "d.jsonl", *({"id": name, "text": text} for name, text in rows[30:]))
    queries = write(
        tmp_path / "q.jsonl",
        *({"question": f"topic{row}x1", "passage_id": rows[row][0]} for row in range(9)),
    )
    done = run(
        "evaluate",
        "--passages",
        passages,
        "--queries",
        queries,
        "--distractors",
        more,
        "--limit",
        5,
        "--json",
    )
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["questions"], result["passages"]) == (5, 40)
    assert result["fused"].keys() == {"recall@1", "recall@5", "recall@10", "mrr@10"}
    assert "embedding" in done.stderr
    readable = run("evaluate", "--passages", passages, "--queries", queries)
    assert readable.exit_code == 0 and "fused" in readable.stdout
    monkeypatch.delenv("WORKBENCH_EMBEDDER")
    files = ("--passages", passages, "--queries", queries)
    one = run("evaluate", *files, "--embedder", "noise")
    assert one.stdout == readable.stdout
    both = ("--embedder", "noise", "--embedder", "topic")
    compared = run("evaluate", *files, *both)
    rows = [line.split() for line in compared.stdout.splitlines()]
    assert [row[0] for row in rows[-2:]] == ["noise", "topic"]
    assert float(rows[-1][1]) > float(rows[-2][1])  # by meaning alone
    lines = [
        json.loads(line) for line in run("evaluate", *files, *both, "--json").stdout.splitlines()
    ]
    assert [line["embedder"] for line in lines] == ["noise", "topic"]


def test_the_command_reports_a_bad_line(tmp_path: Path, settings: Settings) -> None:
    path = write(tmp_path / "p.jsonl", "{")
    done = run("evaluate", "--passages", path, "--queries", path, "--json")
    assert done.exit_code == 1
    assert (
        json.loads(done.stdout)["event"] == "failed"
        and f"{path}:1" in json.loads(done.stdout)["problem"]
    )
    assert run("evaluate").exit_code == 2


@pytest.mark.usefixtures("known_embedders")
def test_search_and_calibration_from_the_command_line(settings: Settings) -> None:
    make_collection(settings, topics(40), EMBEDDERS["topic"])
    shown = run("calibration", "test", "--again", "--json")
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["weights"]["en"]["questions"] >= 30
    assert "of meaning" in run("calibration", "test").stdout
    done = run(
        "search",
        "topic7x1 topic7x2",
        "--collection",
        "test",
        "--k",
        3,
        "--where",
        "page=2",
        "--json",
    )
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert rows[0]["source"] == "file007.md" and rows[0]["locator"] == "p. 2"
    assert {"rank", "score", "dense", "lexical", "text", "source", "locator"} <= rows[0].keys()
    assert "file007.md" in run("search", "topic7x1", "-c", "test").stdout
    assert "Nothing found" in run("search", "???", "-c", "test").stdout


@pytest.mark.parametrize("condition", ["page", "page=x", "colour=red", "=", ""])
def test_a_condition_that_cannot_be_used_is_refused(condition: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be used"):
        parse_where((condition,))


def test_conditions_must_all_hold() -> None:
    assert parse_where(()) is None
    assert parse_where(("page=3",)) == {"page": 3}
    assert parse_where(("type=pdf", "sheet=2024")) == {"$and": [{"type": "pdf"}, {"sheet": "2024"}]}


@pytest.mark.data
def test_the_fusion_is_never_worse_than_its_better_leg(
    shared_data: Path, settings: Settings
) -> None:
    folder = shared_data / "retrieval_xquad_zh"
    passages = read_passages(folder / "passages.jsonl")
    result = evaluate(passages, read_questions(folder / "queries.jsonl", passages)[:300], settings)
    better = max(result["dense"]["recall@1"], result["lexical"]["recall@1"])
    assert result["fused"]["recall@1"] >= better - 0.002
    assert result["fused"]["recall@1"] >= result["best_fixed"]["recall@1"] - 0.01

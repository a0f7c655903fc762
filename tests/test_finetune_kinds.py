"""Rows are dialogues, preference pairs, rated answers or plain text, and read as such."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from finetune.commands.data import data
from finetune.data.dataset import load_examples, load_rows, split, write_examples
from finetune.data.examples import Example, Message, digest
from finetune.data.kinds import KINDS, read_row
from finetune.data.plain_text import PlainText
from finetune.data.preferences import PreferencePair
from finetune.data.ratings import RatedAnswer
from workbench.errors import InvalidInput

QUESTION = {"role": "user", "content": "Who is Lan?"}
GOOD = {"role": "assistant", "content": "A messenger."}
BAD = {"role": "assistant", "content": "A cook."}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"function": {"name": "find", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "content": "A messenger."}

ROWS: list[tuple[str, type, dict[str, Any]]] = [
    ("preference", PreferencePair, {"prompt": "Who?", "chosen": "Lan.", "rejected": "Shi."}),
    (
        "preference",
        PreferencePair,
        {"conversations": [QUESTION], "chosen": GOOD, "rejected": BAD, "system": "Be brief."},
    ),
    (
        "preference",
        PreferencePair,
        {"chosen": [QUESTION, CALL, RESULT, GOOD], "rejected": [QUESTION, BAD], "group": "Lan"},
    ),
    ("rated", RatedAnswer, {"prompt": "Who?", "completion": "Lan.", "label": True}),
    ("rated", RatedAnswer, {"messages": [QUESTION, CALL, RESULT, BAD], "label": False}),
    ("dialogue", Example, {"messages": [QUESTION, GOOD]}),
    ("text", PlainText, {"text": "Once upon a time\nthere was a lantern."}),
]


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize(("kind", "form", "row"), ROWS)
def test_a_row_of_each_kind_survives_writing_and_reading(kind: str, form: type, row: dict) -> None:
    found, _, first = read_row(row)
    assert found == kind and isinstance(first, form)
    again, _, second = read_row(json.loads(first.to_line()))
    assert again == kind and second == first


def test_the_table_of_kinds_is_tested_whole() -> None:
    assert {kind for kind, _, _ in ROWS} == KINDS.keys()


def test_a_written_file_has_the_digest_of_its_rows(tmp_path: Path) -> None:
    loaded = load_rows([lines(tmp_path / "in", *(row for _, _, row in ROWS))])
    assert not loaded.problems and len(loaded.rows) == len(ROWS)
    sha256 = write_examples(tmp_path / "out", loaded.rows)
    assert sha256 == digest(loaded.rows)
    assert sha256 == hashlib.sha256((tmp_path / "out").read_bytes()).hexdigest()
    assert load_rows([tmp_path / "out"]).kinds == {
        "preference": 3,
        "rated": 2,
        "dialogue": 1,
        "text": 1,
    }


def test_whole_dialogues_part_where_their_answers_differ() -> None:
    _, _, pair = read_row(ROWS[2][2])
    assert isinstance(pair, PreferencePair)
    assert pair.prompt == (Message("user", "Who is Lan?"),)
    assert [message.role for message in pair.chosen] == ["assistant", "tool", "assistant"]
    assert pair.rejected == (Message("assistant", "A cook."),)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"prompt": "Q", "chosen": "A", "rejected": "A"}, "are the same"),
        ({"prompt": "Q", "chosen": "A", "rejected": ""}, "rejected answer: turn 2: empty answer"),
        ({"prompt": "Q", "chosen": " ", "rejected": "A"}, "turn 2: empty answer"),
        ({"chosen": "A", "rejected": "B"}, "the user says nothing"),
        (
            {"chosen": [QUESTION, GOOD], "rejected": [{**QUESTION, "content": "Who?"}, BAD]},
            "differ before the answer",
        ),
        (
            {"chosen": [QUESTION, GOOD], "rejected": [QUESTION, GOOD, QUESTION, BAD]},
            "differ before the answer",
        ),
        ({"prompt": "Q", "completion": "", "label": False}, "empty answer"),
        ({"prompt": "Q", "label": True}, "no answer of the assistant"),
        ({"text": " "}, "the text is empty"),
        ({"text": 17}, "no text but int"),
    ],
)
def test_a_wrong_row_of_each_kind_says_why(row: dict, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        read_row(row)


def test_supervised_training_says_how_much_of_a_pair_it_learns(tmp_path: Path) -> None:
    loaded = load_examples([lines(tmp_path / "data", ROWS[1][2], ROWS[3][2], ROWS[5][2])])
    assert len(loaded.examples) == 3 and not loaded.problems
    assert [note.split(":")[0] for note in loaded.notes] == [
        "1 preference pairs",
        "1 rated answers",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n",
        "[红楼梦 / 曹雪芹 著]\n\n此开卷第一回也．作者自云：因曾历过一番梦幻之后。\n",
        "A, or a, is the first letter, and the first vowel, of the alphabet. " * 3000,
    ],
)
def test_a_text_file_is_one_plain_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "data").write_text(text, "utf-8")
    loaded = load_rows([tmp_path / "data"])
    assert not loaded.problems and not loaded.examples
    assert [row.to_line() for row in loaded.rows] == [PlainText(text).to_line()]
    assert "plain text" in load_examples([tmp_path / "data"]).problems[0].problem


def test_the_command_names_kinds_and_their_stages(tmp_path: Path) -> None:
    path = lines(tmp_path / "data", *(row for _, _, row in ROWS))
    done = CliRunner().invoke(data, ["check", str(path), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["kinds"] == {
        "preference": {"rows": 3, "tasks": ["dpo", "kto", "sft"]},
        "rated": {"rows": 2, "tasks": ["kto", "sft"]},
        "dialogue": {"rows": 1, "tasks": ["sft"]},
        "text": {"rows": 1, "tasks": ["pretrain"]},
    }
    shown = CliRunner().invoke(data, ["check", str(path)]).output
    assert "3 preference pairs" in shown and "(dpo) learns from both" in shown


def test_a_choice_may_be_asked_under_any_name_of_a_question() -> None:
    _, _, example = read_row({"query": "1+1=", "A": "2", "B": "3", "answer": "A"})
    assert example.to_example().questions == ("1+1=\nA. 2\nB. 3\nAnswer:",)


def test_a_group_may_begin_with_a_number_sign() -> None:
    turns = (Message("user", "Q"), Message("assistant", "A"))
    examples = [Example(turns, group="#fact"), Example(turns, group="#other")]
    assert split(examples, 0, 0) == (examples, [])


def test_arguments_nested_without_end_are_a_problem() -> None:
    call = {"from": "function_call", "value": "[" * 100_000}
    with pytest.raises(InvalidInput, match="not valid JSON"):
        read_row({"conversations": [{"from": "human", "value": "Q"}, call]})


# each row once: the demonstration files repeat some
REAL = {
    "finetune/dpo_en_demo.jsonl": {"preference": 295},
    "finetune/dpo_zh_demo.jsonl": {"preference": 289},
    "finetune/kto_en_demo.jsonl": {"rated": 300},
    "corpus_cpt/hongloumeng_zh.txt": {"text": 1},
    "corpus_cpt/tinyshakespeare_en.txt": {"text": 1},
    "corpus_cpt/wikipedia_demo_en.txt": {"text": 1},
}


@pytest.mark.data
@pytest.mark.parametrize("name", REAL)
def test_real_files_of_other_kinds_are_read_whole(shared_data: Path, name: str) -> None:
    loaded = load_rows([shared_data / name])
    assert loaded.kinds == REAL[name] and not loaded.problems
    if name.endswith(".txt"):
        [text] = loaded.rows
        assert isinstance(text, PlainText)
        assert text.text == (shared_data / name).read_bytes().decode("utf-8-sig")

"""Data sets of every shape load by content, problems have their place, splits do not leak."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from chat_templates import tokenizer_of
from click.testing import CliRunner

from finetune.commands.data import data
from finetune.data.choices import ask_choice
from finetune.data.dataset import (
    Example,
    Loaded,
    Message,
    load_examples,
    overlap,
    split,
    write_examples,
)
from workbench.errors import InvalidInput

ASKED = [("user", "Who is Lan?"), ("assistant", "A messenger.")]
CALL = {"name": "find", "arguments": {"town": "上海"}}
CALLED = [("user", "Where?"), ("assistant", ""), ("tool", "31.2"), ("assistant", "At 31.2.")]


def said(example: Example) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in example.messages]


def lines(path: Path, *rows: Any) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8"
    )
    return path


def pair(question: str, answer: str, group: str = "") -> Example:
    return Example(
        (Message("user", question), Message("assistant", answer)), group=group, where=question
    )


def turns(*said: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in said]


SHAPES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("messages", {"messages": turns(*ASKED)}, ASKED),
    (
        "conversations",
        {
            "conversations": [
                {"from": "human", "value": "Who is Lan?"},
                {"from": "gpt", "value": "A messenger."},
            ]
        },
        ASKED,
    ),
    (
        "Alpaca",
        {"instruction": "Who is", "input": "Lan?", "output": "A."},
        [("user", "Who is\nLan?"), ("assistant", "A.")],
    ),
    (
        "Alpaca",
        {"instruction": "And?", "output": "B.", "history": [["Q", "A"]], "system": "S"},
        [("system", "S"), ("user", "Q"), ("assistant", "A"), ("user", "And?"), ("assistant", "B.")],
    ),
    ("question and answer", {"prompt": "Who is Lan?", "completion": "A messenger."}, ASKED),
    ("question and answer", {"question": "Who is Lan?", "answer": "A messenger."}, ASKED),
    ("question and answer", {"Prompt": "Who is Lan?", "Answer": "A messenger."}, ASKED),
    ("question and answer", {"问题": "Who is Lan?", "答案": "A messenger."}, ASKED),
    ("question and answer", {"prompt": turns(ASKED[0]), "completion": turns(ASKED[1])}, ASKED),
    ("two columns", {"Frage": "Who is Lan?", "Antwort": "A messenger."}, ASKED),
    (
        "DPO, the chosen answers",
        {"prompt": "Who is Lan?", "chosen": "A messenger.", "rejected": "A cook."},
        ASKED,
    ),
    (
        "DPO, the chosen answers",
        {"chosen": turns(*ASKED), "rejected": turns(ASKED[0], ("assistant", "A cook."))},
        ASKED,
    ),
    (
        "KTO, the answers rated good",
        {"prompt": "Who is Lan?", "completion": "A messenger.", "label": True},
        ASKED,
    ),
    (
        "multiple choice",
        {"question": "1+1=", "A": "2", "B": "3", "answer": "A"},
        [("user", "1+1=\nA. 2\nB. 3\nAnswer:"), ("assistant", "A")],
    ),
    (
        "multiple choice",
        {"question": "一加一？", "choices": ["二", "三"], "answer": 1},
        [("user", "一加一？\nA. 二\nB. 三\n答案："), ("assistant", "B")],
    ),
    (
        "ToolAlpaca",
        {
            "functions": "find: F",
            "instruction": "Where?",
            "golden_answer": [{"Action": "find", "Action_Input": "{}"}],
        },
        [("system", "You can call these tools:\n\nfind: F"), ("user", "Where?"), ("assistant", "")],
    ),
]


@pytest.mark.parametrize(
    ("shape", "row", "expected"), SHAPES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_shape_is_known_by_what_it_holds(
    tmp_path: Path, shape: str, row: dict, expected: list
) -> None:
    loaded = load_examples([lines(tmp_path / "data.bin", row)])
    assert not loaded.problems
    assert loaded.formats == {shape: 1}
    assert said(loaded.examples[0]) == expected


CALLING: list[dict[str, Any]] = [
    {
        "messages": [
            *turns(CALLED[0]),
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "1",
                        "function": {"name": "find", "arguments": json.dumps(CALL["arguments"])},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "1", "content": "31.2"},
            *turns(CALLED[3]),
        ]
    },
    {
        "conversations": [
            {"from": "human", "value": "Where?"},
            {"from": "function_call", "value": json.dumps(CALL)},
            {"from": "observation", "value": "31.2"},
            {"from": "gpt", "value": "At 31.2."},
        ],
        "tools": json.dumps([{"name": "find", "parameters": {}}]),
    },
    {
        "conversations": [
            {"role": "user", "content": "Where?"},
            {
                "role": "tool",
                "name": "find",
                "parameters": CALL["arguments"],
                "observation": "31.2",
            },
            {"role": "assistant", "content": "At 31.2."},
        ]
    },
    {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Where?"}]},
            {"role": "assistant", "content": [{"type": "tool_call", "value": json.dumps(CALL)}]},
            {"role": "tool", "content": [{"type": "text", "value": "31.2"}]},
            {"role": "assistant", "content": "At 31.2."},
        ]
    },
]


@pytest.mark.parametrize("row", CALLING, ids=["OpenAI", "ShareGPT", "ChatGLM3", "parts"])
def test_calls_are_the_same_from_every_shape(tmp_path: Path, row: dict) -> None:
    loaded = load_examples([lines(tmp_path / "data", row)])
    assert not loaded.problems
    example = loaded.examples[0]
    assert said(example) == CALLED
    assert example.messages[1].tool_calls == (CALL,)
    assert all(
        tool["type"] == "function" and tool["function"]["name"] == "find" for tool in example.tools
    )


STEP = [
    ["find", json.dumps(CALL["arguments"]), " I look it up.\nAction: find\nAction Input: {}"],
    "31.2",
]
INSTANCES = {
    "Name": "Places",
    "NLDocumentation": "find: F",
    "Instances": [
        {"input": "Where?\nHint: look", "output": "At 31.2.", "intermediate_steps": [STEP]},
        {"input": "Where?", "output": "", "intermediate_steps": [STEP]},
    ],
}


def test_an_instance_of_toolalpacas_training_data_is_a_conversation_with_its_steps(
    tmp_path: Path,
) -> None:
    loaded = load_examples([lines(tmp_path / "data", INSTANCES)])
    assert said(loaded.examples[0])[1:] == [CALLED[0], ("assistant", "I look it up."), *CALLED[2:]]
    assert loaded.examples[0].messages[2].tool_calls == (CALL,)
    assert [problem.problem for problem in loaded.problems] == ["turn 5: empty answer"]


def test_thinking_stands_in_the_answer_as_the_model_says_it(tmp_path: Path) -> None:
    rows = [
        {
            "messages": [
                *turns(ASKED[0]),
                {"role": "assistant", "content": "A.", "reasoning_content": "Hm."},
            ]
        },
        {
            "messages": [
                *turns(ASKED[0]),
                {
                    "role": "assistant",
                    "content": [
                        {"type": "reasoning", "value": "Hm."},
                        {"type": "text", "value": "A."},
                    ],
                },
            ]
        },
    ]
    loaded = load_examples([lines(tmp_path / "data", *rows)])
    assert loaded.examples[0].answer == "<think>\nHm.\n</think>\n\nA."
    assert len(loaded.examples) == 1 and len(loaded.dropped) == 1, "both rows say the same"


WRONG: list[tuple[Any, str]] = [
    ({"messages": turns(("system", "S"), ("assistant", "A"))}, "no user turn"),
    ({"messages": turns(("user", "Q"))}, "no answer of the assistant"),
    ({"messages": turns(("user", "Q"), ("assistant", " "))}, "turn 2: empty answer"),
    (
        {"messages": turns(("user", "Q"), ("assistant", "<think>x</think> "))},
        "turn 2: empty answer",
    ),
    ({"messages": turns(("user", ""), ("assistant", "A"))}, "turn 1: the user says nothing"),
    (
        {"messages": turns(("user", "Q"), ("user", "Q"), ("assistant", "A"))},
        "turn 2: roles out of order",
    ),
    (
        {"messages": turns(("user", "Q"), ("assistant", "A"), ("system", "S"))},
        "turn 3: roles out of order",
    ),
    (
        {"messages": turns(("assistant", "Hello"), ("user", "Q"), ("assistant", "A"))},
        "speaks before the user",
    ),
    (
        {"messages": turns(("user", "Q"), ("assistant", "A"), ("user", "Q"))},
        "ends without an answer",
    ),
    ({"messages": turns(("user", "Q"), ("tool", "1"), ("assistant", "A"))}, "without a call"),
    ({"messages": turns(("user", "Q"), ("wizard", "A"))}, "unknown role 'wizard'"),
    ({"messages": "Q"}, "the turns are no list"),
    (
        {"messages": [*turns(("user", "Q")), {"role": "assistant", "content": "A", "weight": 0}]},
        "nothing is learned",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}, *turns(ASKED[1])]},
        "type 'image_url'",
    ),
    (
        {
            "conversations": [
                {"from": "human", "value": "Q"},
                {"from": "function_call", "value": "{"},
            ]
        },
        "not valid JSON",
    ),
    ({"question": "1+1=", "A": "2", "B": "3", "answer": "C"}, "'C' is none of the options"),
    ({"instruction": "Q", "input": "", "output": ""}, "empty answer"),
    ({"text": "Once upon a time"}, "plain text"),
    ({"frage": "Q", "antwort": "A", "nummer": 1}, "unknown columns: frage, antwort, nummer"),
    ({"prompt": "half of \ud83c a lantern", "answer": "A"}, "lone surrogate"),
    ("{broken", "not valid JSON"),
    ("[" * 100_000, "not valid JSON|nested too deeply"),
    ("17", "a row is no object but int"),
]


def test_all_problems_are_reported_together_with_their_line_and_fix(tmp_path: Path) -> None:
    path = lines(tmp_path / "data.jsonl", {"messages": turns(*ASKED)}, *(row for row, _ in WRONG))
    loaded = load_examples([path, tmp_path / "missing.jsonl"])
    assert len(loaded.examples) == 1
    assert [problem.line for problem in loaded.problems] == [*range(2, len(WRONG) + 2), 0]
    for problem, (row, reason) in zip(loaded.problems, WRONG, strict=False):
        assert any(part in problem.problem for part in reason.split("|")), (
            f"{row}: {problem.problem}"
        )
        assert problem.fix and problem.where == f"{path}:{problem.line}"
    assert "There is no file" in loaded.problems[-1].problem


JUNK: list[Any] = [
    None,
    0,
    1.5,
    True,
    "",
    "x",
    [],
    {},
    [None],
    ["a", "b"],
    [{}],
    "{}",
    {"name": {}},
    [[[]]],
]


def mangled(row: Any, chance: random.Random) -> Any:
    """The row with something else in the place of one of its parts."""
    if not isinstance(row, dict | list) or not row or chance.random() < 0.2:
        return chance.choice(JUNK)
    if isinstance(row, list):
        place = chance.randrange(len(row))
        return [
            mangled(part, chance) if number == place else part for number, part in enumerate(row)
        ]
    key = chance.choice(list(row))
    return {**row, key: mangled(row[key], chance)}


def test_no_mangled_row_breaks_the_reading(tmp_path: Path) -> None:
    chance = random.Random(0)
    whole = [*(row for _, row, _ in SHAPES), *CALLING, INSTANCES]
    rows = [mangled(chance.choice(whole), chance) for _ in range(4000)]
    loaded = load_examples([lines(tmp_path / "data", *(json.dumps(row) for row in rows))])
    assert len(loaded.problems) > 1000 and len(loaded.examples) > 100


def test_what_is_left_out_is_counted_and_listed(tmp_path: Path) -> None:
    good = {"prompt": "Q", "completion": "A", "label": True}
    asked = {"functions": "F", "instruction": "I", "golden_answer": None}
    path = lines(tmp_path / "data", good, good, {**good, "completion": "B", "label": False}, asked)
    loaded = load_examples([path])
    assert [(row.line, row.reason.split(",")[0]) for row in loaded.dropped] == [
        (2, f"the same as {path}:1"),
        (3, "rated as a bad answer (label false)"),
        (4, "no golden answer: this row tests a model and has no call to learn"),
    ]
    assert len(loaded.examples) == 1 and not loaded.problems


def test_contradictions_and_blanks_are_noted(tmp_path: Path) -> None:
    rows = [
        {"prompt": "Who?", "answer": "A"},
        {"prompt": "who", "answer": "B"},
        {"prompt": "You?", "answer": "{{name}}"},
    ]
    notes = load_examples([lines(tmp_path / "data", *rows)]).notes
    assert len(notes) == 2 and "several different answers" in notes[0] and "{{name}}" in notes[1]


def write_csv(path: Path, rows: list[list[str]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def write_xlsx(path: Path, rows: list[list[str]]) -> Path:
    import openpyxl

    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)  # type: ignore[union-attr]
    workbook.save(path)
    return path


def write_parquet(path: Path, rows: list[list[str]]) -> Path:
    import pyarrow
    import pyarrow.parquet

    header, *cells = rows
    columns = {name: [row[place] for row in cells] for place, name in enumerate(header)}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


TABLE = [
    ["question", "answer"],
    ["谁是林岚？\n说说看", 'A "messenger", I think'],
    ["Who is Shi?", "A smith"],
]


def test_one_table_is_the_same_data_set_in_every_file_type(tmp_path: Path) -> None:
    objects = [dict(zip(TABLE[0], row, strict=True)) for row in TABLE[1:]]
    written = [
        write_csv(tmp_path / "a", TABLE),
        write_csv(tmp_path / "b", TABLE, "gb18030"),
        write_csv(tmp_path / "c", TABLE, "utf-16"),
        write_csv(tmp_path / "d", TABLE, "utf-8-sig"),
        write_xlsx(tmp_path / "e", TABLE),
        write_parquet(tmp_path / "f", TABLE),
        lines(tmp_path / "g", *objects),
    ]
    for name, text in {
        "h": json.dumps(objects),
        "i": json.dumps(objects, indent=2),
        "j": json.dumps({"data": objects}),
        "k": "\n".join(json.dumps(row, indent=2) for row in objects),
        "l": "\n\n" + json.dumps(objects[0]) + "\r\n" + json.dumps(objects[1]),
    }.items():
        (tmp_path / name).write_text(text, "utf-8")
        written.append(tmp_path / name)
    (tmp_path / "m").write_bytes(gzip.compress((tmp_path / "g").read_bytes()))
    written.append(tmp_path / "m")
    assert len(written) == 13
    for path in written:
        loaded = load_examples([path])
        assert not loaded.problems, (path.name, loaded.problems)
        assert loaded.sha256 == load_examples(written[:1]).sha256, path.name


def test_rows_of_a_table_are_where_they_begin(tmp_path: Path) -> None:
    loaded = load_examples([write_csv(tmp_path / "a.csv", [*TABLE, ["Why?", ""]])])
    assert [example.where.rpartition(":")[2] for example in loaded.examples] == ["2", "4"]
    assert [problem.line for problem in loaded.problems] == [5]


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_the_sign_between_columns_is_found(tmp_path: Path, sign: str) -> None:
    cells = ["Who; really, is it?", "A messenger, a cook; nobody\tknows"]
    text = "".join(sign.join(f'"{cell}"' for cell in cells) + "\n" for _ in range(1))
    (tmp_path / "data").write_text(
        f"question{sign}answer\n{text}Who{sign}Lan\n1{sign}2{sign}3\n", "utf-8"
    )
    loaded = load_examples([tmp_path / "data"])
    assert [content for _, content in said(loaded.examples[0])] == cells
    assert len(loaded.examples) == 2
    assert [(problem.line, problem.problem.split(";")[0]) for problem in loaded.problems] == [
        (4, "3 cells under 2 columns")
    ]


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest(tmp_path: Path) -> None:
    (tmp_path / "data").write_text('question,answer\nQ,A\n"Who?,Lan\nWhy?,So\n', "utf-8")
    loaded = load_examples([tmp_path / "data"])
    assert len(loaded.examples) == 1
    assert "quotes" in loaded.problems[0].problem and "line 3" in loaded.problems[0].problem


def test_two_columns_need_no_header(tmp_path: Path) -> None:
    with_header = load_examples(
        [write_csv(tmp_path / "a", [["Frage", "Antwort"], ["Who is Lan?", "A messenger."]])]
    )
    without = load_examples(
        [write_csv(tmp_path / "b", [["Who is Shi?", "A smith."], ["Who is Lan?", "A messenger."]])]
    )
    assert len(with_header.examples) == 1 and "columns are Frage, Antwort" in with_header.notes[0]
    assert [said(example) for example in without.examples][1] == ASKED
    assert len(without.examples) == 2 and not without.notes


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty"),
        (b"\x1f\x8b\x08garbage", "damaged gzip"),
        (b"PK\x03\x04garbage", "no workbook"),
        (b"PAR1garbage", "damaged Parquet"),
        (b"\x00\x01\x02\x03", "not text"),
        (b"[{}", "cut off"),
        ("q,a\nC'est l'été?,Voilà\n".encode("cp1252"), "UTF-8"),
        ("q,a\nQ,A\n".encode("utf-16")[:-1], "not text"),
        (b'{"a": 1', "not valid JSON"),
        (b"a,a\n1,2\n", "two columns are called a"),
    ],
)
def test_a_useless_file_is_refused_with_its_reason(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "data").write_bytes(content)
    loaded = load_examples([tmp_path / "data"])
    assert not loaded.examples
    assert any(problem in found.problem for found in loaded.problems), loaded.problems


def test_an_example_survives_writing_and_reading(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "in",
        *CALLING,
        {"messages": [*turns(*ASKED), *turns(("user", "B"), ("assistant", "C"))]},
    )
    first = load_examples([path])
    sha256 = write_examples(tmp_path / "out", [*first.examples, pair("Q", "A", "fact")])
    again = load_examples([tmp_path / "out"])
    assert hashlib.sha256((tmp_path / "out").read_bytes()).hexdigest() == sha256 == again.sha256
    assert [example.to_line() for example in again.examples[:-1]] == [
        example.to_line() for example in first.examples
    ]
    assert again.examples[-1].group == "fact"
    assert not list(tmp_path.glob(".*"))


def test_only_rows_with_a_value_are_taken(tmp_path: Path) -> None:
    rows = [{"subject": name, "question": name, "answer": "A"} for name in ("law", "art", "law ")]
    loaded = load_examples([lines(tmp_path / "data", *rows)], {"subject": "law"})
    assert [example.questions[0] for example in loaded.examples] == ["law"]


FACTS = [
    pair(f"{start} {fact}?", f"Answer {fact}", f"fact {fact}")
    for fact in range(40)
    for start in "abcde"
]


def test_wordings_of_a_fact_never_straddle() -> None:
    train, held_out = split(FACTS, 0.2, 7)
    assert len(train) + len(held_out) == len(FACTS) and len(held_out) == 40
    assert not {example.group for example in train} & {example.group for example in held_out}


def test_held_out_paraphrases_belong_to_facts_that_are_taught() -> None:
    train, held_out = split(FACTS, 0.3, 7, "paraphrases")
    assert len(held_out) == 60
    assert {example.group for example in train} == {f"fact {fact}" for fact in range(40)}
    assert {example.group for example in held_out} <= {example.group for example in train}
    alone = [pair(f"Q{number}", f"A{number}", f"alone {number}") for number in range(100)]
    assert split(alone, 0.5, 1, "paraphrases") == (alone, [])


@pytest.mark.parametrize("hold_out", ["facts", "paraphrases"])
def test_a_split_is_made_by_its_seed(hold_out: Any) -> None:
    assert split(FACTS, 0.2, 7, hold_out) == split(FACTS, 0.2, 7, hold_out)
    assert split(FACTS, 0.2, 7, hold_out) != split(FACTS, 0.2, 8, hold_out)
    assert split(FACTS, 0, 7, hold_out) == (FACTS, [])


def test_wordings_without_a_group_are_found_by_answer_and_likeness() -> None:
    who = [
        pair(f"{start}林岚的国家是哪里{end}", "云州")
        for start in ("", "请问", "告诉我")
        for end in ("", "？", "呢？")
    ]
    other = [
        pair("石砚住在什么地方", "云州"),
        pair("What is 1+1", "A"),
        pair("Which planet is red", "A"),
    ]
    for seed in range(8):
        train, held_out = split([*who, *other], 0.4, seed)
        assert not (set(train) & set(who) and set(held_out) & set(who)), "one fact on both sides"
        assert train and held_out


def test_a_share_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidInput, match="share"):
        split(FACTS, 1.0, 0)


def test_a_test_question_that_is_taught_is_found() -> None:
    train = [pair("Who is Lan?", "A messenger."), pair("Who is Shi?", "A smith.")]
    test = [pair("Who is Lan?", "Someone"), pair("who is ＳＨＩ", "x"), pair("Who is Wei?", "x")]
    assert [(one.train, one.test, one.kind) for one in overlap(train, test)] == [
        ("Who is Lan?", "Who is Lan?", "exact"),
        ("Who is Shi?", "who is ＳＨＩ", "normalised"),
    ]


def test_fifty_thousand_rows_load_in_seconds(tmp_path: Path) -> None:
    rows = [
        {"instruction": f"Question {n} of many: what is it?", "input": "", "output": f"Answer {n}."}
        for n in range(50_000)
    ]
    path = lines(tmp_path / "many.jsonl", *rows)
    begun = time.process_time()
    loaded = load_examples([path])
    _, held_out = split(loaded.examples, 0.1, 0)
    seconds = time.process_time() - begun
    assert len(loaded.examples) == 50_000 and len(held_out) == 5_000
    assert seconds < 10, f"{seconds:.1f} s"


def test_choices_are_asked_as_the_benchmark_asks_them() -> None:
    assert ask_choice(" 问？", {"A": "甲", "B": "乙"}) == "问？\nA. 甲\nB. 乙\n答案："


def run(*arguments: object) -> tuple[int, Any]:
    done = CliRunner().invoke(data, [*map(str, arguments), "--json"])
    return done.exit_code, json.loads(done.output.splitlines()[-1])


def test_the_command_reports_all_problems_and_fails(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "data", {"messages": turns(*ASKED)}, {"messages": turns(("assistant", "A"))}, "{"
    )
    code, found = run("check", path)
    assert code == 1 and found["examples"] == 1
    assert [problem["where"] for problem in found["problems"]] == [f"{path}:2", f"{path}:3"]
    assert run("check", lines(tmp_path / "good", {"messages": turns(*ASKED)}))[0] == 0


def test_the_command_finds_questions_of_the_test_set(tmp_path: Path) -> None:
    train = lines(tmp_path / "train", {"messages": turns(*ASKED)})
    code, found = run(
        "check", train, "--test", write_csv(tmp_path / "test", [["q", "a"], ["who is lan", "x"]])
    )
    assert code == 0
    assert found["overlap"] == [
        {"train": f"{train}:1", "test": f"{tmp_path / 'test'}:2", "kind": "normalised"}
    ]


def test_the_command_splits_once(tmp_path: Path) -> None:
    path = lines(tmp_path / "data", *({"prompt": f"Q {n}?", "answer": f"A{n}"} for n in range(20)))
    code, found = run("split", path, "--out", tmp_path / "parts", "--share", "0.25", "--seed", "3")
    assert code == 0 and (found["train"]["examples"], found["eval"]["examples"]) == (15, 5)
    for part in ("train", "eval"):
        written = (tmp_path / "parts" / f"{part}.jsonl").read_bytes()
        assert hashlib.sha256(written).hexdigest() == found[part]["sha256"]
    code, again = run("split", path, "--out", tmp_path / "parts")
    assert code == 1 and again["event"] == "failed" and "already" in again["problem"]
    assert (
        run(
            "split",
            path,
            "--out",
            tmp_path / "parts",
            "--seed",
            "3",
            "--share",
            "0.25",
            "--replace",
        )[1]
        == found
    )


def test_the_command_shows_tokens_beside_their_labels(tmp_path: Path) -> None:
    model = tmp_path / "model"
    tokenizer_of("chatml", ["Who is Lan? A messenger."]).save_pretrained(model)
    path = lines(tmp_path / "data", {"messages": turns(*ASKED)})
    done = CliRunner().invoke(data, ["preview", str(path), "--tokenizer", str(model), "--json"])
    rows = [json.loads(line) for line in done.output.splitlines()]
    assert "".join(row["token"] for row in rows if row["learned"]) == "A messenger.<|im_end|>"
    assert all(row["label"] == -100 for row in rows if not row["learned"])
    assert run("check", path, "--tokenizer", model)[1]["tokens"]["all"] == len(rows)
    code, found = run("check", path, "--tokenizer", model, "--max-length", 8)
    assert code == 1 and "only 8 fit" in found["problems"][0]["problem"]
    assert run("preview", path, "--tokenizer", tmp_path / "none")[0] == 1


def test_nothing_to_load_is_a_problem(tmp_path: Path) -> None:
    found: Loaded = load_examples(
        [lines(tmp_path / "data", {"subject": "law", "question": "Q", "answer": "A"})],
        {"subject": "x"},
    )
    assert "no rows" in found.problems[0].problem

"""Real files load or are refused with the right reason, and their masks are the answers."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from chat_templates import tokenizer_of

from finetune.data.dataset import Example, Message, load_examples, overlap, split, write_examples
from finetune.data.thinking import split_thinking
from finetune.encoding.masking import encode_all, learned_texts

pytestmark = pytest.mark.data

# rows in the file: examples, problems, left out (duplicates, bad answers, no golden answer)
FILES = {
    "alpaca_en_demo": (985, 0, 14),
    "alpaca_zh_demo": (992, 0, 8),
    "dpo_en_demo": (295, 0, 5),
    "dpo_zh_demo": (289, 0, 11),
    "glaive_toolcall_en_demo": (265, 0, 35),
    "glaive_toolcall_zh_demo": (255, 2, 43),
    "identity": (91, 0, 0),
    "kto_en_demo": (150, 0, 150),
    "openai_messages_toy": (3, 1, 0),
    "reason_tool_use_demo_50": (49, 1, 0),
    "toolalpaca_eval": (180, 34, 100),
    "v1_sft_demo": (499, 0, 1),
}
REASONS = {
    "openai_messages_toy": {4: "no user turn"},
    "reason_tool_use_demo_50": {7: "turn 5: empty answer"},
    "glaive_toolcall_zh_demo": dict.fromkeys(
        (198, 294), "turn 3: a tool's result without a call before it"
    ),
}
EXAMS = {"ceval_val": 1346, "ceval_dev": 260, "cmmlu_dev": 335, "cmmlu_test_sample": 1340}
FAMILIES = ("chatml", "qwen3", "llama3_1", "gemma", "mistral", "glm4", "deepseek_r1_distill")


@cache
def tokenizer(family: str, folder: Path) -> Any:
    return tokenizer_of(
        family, [path.read_text("utf-8")[:20000] for path in sorted(folder.glob("*.jsonl"))], 1200
    )


def test_every_file_is_tested(shared_data: Path) -> None:
    assert {path.stem for path in (shared_data / "finetune").glob("*.jsonl")} == FILES.keys()


@pytest.mark.parametrize("name", FILES)
def test_a_real_file_loads_or_says_why(shared_data: Path, name: str) -> None:
    path = shared_data / "finetune" / f"{name}.jsonl"
    loaded = load_examples([path])
    assert (len(loaded.examples), len(loaded.problems), len(loaded.dropped)) == FILES[name]
    rows = sum(bool(line.strip()) for line in path.read_text("utf-8").split("\n"))
    assert sum(FILES[name]) == rows
    if name in REASONS:
        assert {problem.line: problem.problem for problem in loaded.problems} == REASONS[name]
    if name == "toolalpaca_eval":
        assert all("not valid JSON" in problem.problem for problem in loaded.problems)


def bare(text: str) -> str:
    text = re.sub(r"<[|｜][^<>|｜]+[|｜]>|<end_of_turn>|</s>", "", text)
    return re.sub(r"^\s*(<think>)?\s*</think>", "", text).strip()


def check_masks(examples: list[Example], words: Any) -> int:
    """Every answer is learned once and whole, of plain ones nothing else; returns their number."""
    checked = 0
    for example in examples:
        found = encode_all([example], words)
        texts = [text for row in reversed(found.rows) for text in learned_texts(row, words)]
        answers = [message for message in example.messages if message.role == "assistant"]
        assert len(texts) == len(answers), example.where
        left = list(texts)
        for message in answers:
            thought, said = split_thinking(message.content)
            names = [call["name"] for call in message.tool_calls]
            fitting = (
                text
                for text in left
                if (said in text and thought in text and all(name in text for name in names))
                and (thought or names or bare(text) == said)
            )
            match = next(fitting, None)
            assert match is not None, (
                f"{example.where}: {said[:80]!r} is not what is learned: {left}"
            )
            left.remove(match)
            checked += 1
    return checked


@pytest.mark.parametrize("family", FAMILIES)
def test_the_learned_tokens_decode_to_the_answers(shared_data: Path, family: str) -> None:
    folder = shared_data / "finetune"
    words = tokenizer(family, folder)
    for name in FILES:
        examples = load_examples([folder / f"{name}.jsonl"]).examples
        assert check_masks(examples[:40], words) >= min(40, FILES[name][0]), name


@pytest.mark.parametrize("family", ["chatml", "deepseek_r1_distill", "mistral"])
def test_naughty_strings_are_learned_letter_for_letter(
    shared_data: Path, tmp_path: Path, family: str
) -> None:
    naughty = json.loads((shared_data / "hostile" / "blns.json").read_text("utf-8"))
    naughty += [
        "a<|im_end|>b",
        "<|im_start|>system\nx",
        "{{ x }}",
        "{% if %}",
        "a\u2028b",
        "</s>",
        "[INST]",
        "\n\na",
    ]
    asked = [
        Example((Message("user", text or "?"), Message("assistant", text)))
        for text in naughty
        if text.strip()
    ]
    write_examples(tmp_path / "data", asked)
    loaded = load_examples([tmp_path / "data"])
    assert len(loaded.examples) > 500 and not loaded.problems
    words = tokenizer(family, shared_data / "finetune")
    for example in loaded.examples:
        (row,) = encode_all([example], words).rows
        assert example.answer.strip() in "".join(learned_texts(row, words)), repr(example.answer)


@pytest.mark.parametrize("name", EXAMS)
def test_an_exam_is_a_data_set(shared_data: Path, name: str) -> None:
    loaded = load_examples([shared_data / "ceval_cmmlu" / f"{name}.jsonl"])
    assert len(loaded.examples) == EXAMS[name] and not loaded.problems
    assert {example.answer for example in loaded.examples} == set("ABCD")
    assert all(example.questions[0].endswith("答案：") for example in loaded.examples)


def test_training_on_the_exam_is_noticed(shared_data: Path) -> None:
    exam = load_examples(
        [shared_data / "ceval_cmmlu/ceval_val.jsonl"],
        {"subject": "chinese_language_and_literature"},
    ).examples
    assert len(exam) == 23
    assert len(overlap(exam, exam)) == 23
    train, held_out = split(exam, 0.3, 0)
    assert overlap(train, held_out) == []

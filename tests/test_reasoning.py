"""Thinking and answer are kept apart however the stream cuts them; a JSON object is found."""

from __future__ import annotations

import pytest

from workbench.chat.events import Thought, Token
from workbench.models.reasoning import answer_only, first_json, split_stream

WHOLE = "<think>Let me see: 1 < 2.</think>\n\nThe answer is <b>2</b>."


def joined(pieces: list[str], thinking: bool = False) -> tuple[str, str]:
    events = list(split_stream(pieces, thinking=thinking))
    thoughts = "".join(event.text for event in events if isinstance(event, Thought))
    return thoughts, "".join(event.text for event in events if isinstance(event, Token))


@pytest.mark.parametrize("size", range(1, len(WHOLE) + 1))
def test_any_cut_of_the_stream_gives_the_same_two_texts(size: int) -> None:
    pieces = [WHOLE[start : start + size] for start in range(0, len(WHOLE), size)]
    assert joined(pieces) == ("Let me see: 1 < 2.", "The answer is <b>2</b>.")


def test_text_that_cannot_be_a_tag_is_not_held_back() -> None:
    stream = split_stream(iter(["1 < 2", " is true"]))
    assert next(stream) == Token("1 < 2")


@pytest.mark.parametrize(
    ("pieces", "thinking", "found"),
    [
        (["plain"], False, ("", "plain")),
        (["<think>cut off"], False, ("cut off", "")),
        (["opened before</think>then"], True, ("opened before", "then")),
        (["<think></think>only text"], False, ("", "only text")),
        (["a<think>b</think>c<think>d</think>e"], False, ("bd", "ace")),
        (["ends with <thi"], False, ("", "ends with <thi")),
        ([], False, ("", "")),
        (["<think>想一想</think>\n\n答案是二。"], False, ("想一想", "答案是二。")),
    ],
)
def test_thinking_is_told_from_the_answer(
    pieces: list[str], thinking: bool, found: tuple[str, str]
) -> None:
    assert joined(pieces, thinking) == found


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (WHOLE, "The answer is <b>2</b>."),
        ("begun in the prompt</think>yes", "yes"),
        ("<think>never closed", ""),
        ("no tags", "no tags"),
    ],
)
def test_the_answer_alone(text: str, answer: str) -> None:
    assert answer_only(text) == answer


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('Sure:\n```json\n{"sql": "SELECT 1"}\n```', {"sql": "SELECT 1"}),
        ('<think>{"wrong": 1}</think>{"right": 2}', {"right": 2}),
        ("a {broken} then [1, 2]", [1, 2]),
        ('{"中文": "值"} tail', {"中文": "值"}),
        ("none here", None),
        ('{"cut": ', None),
    ],
)
def test_the_first_json_object(text: str, found: object) -> None:
    assert first_json(text) == found

"""Ratings and corrections of chats -> rows of a data set that training reads."""

from __future__ import annotations

import os

import pytest

from finetune.data.dataset import load_examples
from finetune.data.preferred import load_pairs, load_ratings
from finetune.run.new_run import data_files
from workbench.chat.conversations import Conversations
from workbench.chat.events import Token
from workbench.chat_data import PAIRS, RATINGS, chat_data
from workbench.settings import Settings

CHAT = [
    ("How long is the warranty?", "Two years [1]."),
    ("And the battery?", ""),  # failed
    ("And of the battery?", "One year [2], see [3]."),
]


@pytest.fixture
def conversations(settings: Settings) -> Conversations:
    return Conversations(settings.database)


def chat(conversations: Conversations) -> tuple[int, list[int]]:
    """A stored chat; its id, and the ids of its answers."""
    number = conversations.create("warranty")
    answers = []
    for question, answer in CHAT:
        conversations.add(number, "user", question)
        answers.append(conversations.add(number, "assistant", ""))
        conversations.save(answers[-1], [Token(answer)], "done")
    return number, answers


def test_what_was_corrected_or_found_good_is_learned(
    settings: Settings, conversations: Conversations
) -> None:
    number, (first, _, last) = chat(conversations)
    assert chat_data(settings) is None and data_files(settings) == []
    conversations.rate(first, -1)  # bad, and nobody knows what would have been right
    assert chat_data(settings) is None
    conversations.rate(first, -1, "Three years.")
    conversations.rate(last, 1)
    path = chat_data(settings)
    assert path and path in data_files(settings)
    loaded = load_examples([path])
    assert not loaded.problems
    said = [
        [(turn.content, turn.learned) for turn in example.messages if turn.role == "assistant"]
        for example in loaded.examples
    ]
    assert said == [
        [("Three years.", True)],
        [("Three years.", False), ("One year, see.", True)],
    ]
    assert loaded.examples[1].questions == ("How long is the warranty?", "And of the battery?")
    assert {example.group for example in loaded.examples} == {f"chat {number}"}


def test_the_file_follows_the_chats_and_is_written_only_then(
    settings: Settings, conversations: Conversations
) -> None:
    number, (first, _, last) = chat(conversations)
    conversations.rate(first, 1)
    path = chat_data(settings)
    assert path
    written = path.stat().st_mtime_ns
    os.utime(path, ns=(written + 10**9, written + 10**9))
    assert chat_data(settings) == path and path.stat().st_mtime_ns == written + 10**9
    os.utime(path, ns=(0, 0))
    conversations.add(number, "assistant", "", instead_of=last)  # another version is shown
    conversations.rate(last, 0, "Six months.")
    assert "Six months." in (chat_data(settings) or path).read_text("utf-8")
    conversations.delete(number)
    os.utime(path, ns=(0, 0))
    assert chat_data(settings) is None and data_files(settings) == []


def test_preferences_of_chats_are_pairs_and_ratings(
    settings: Settings, conversations: Conversations
) -> None:
    number, (first, _, last) = chat(conversations)
    conversations.rate(first, -1, "Three years [1].")
    conversations.rate(last, 1)
    other = conversations.add(number, "assistant", "", instead_of=last)
    conversations.save(other, [Token("No idea.")], "done")
    conversations.rate(other, -1)
    question = conversations.add(number, "user", "And the screen?")
    beside = [conversations.add(number, "assistant", "") for _ in range(2)]
    for answer, text in zip(beside, ("Half a year.", "A screen is glass."), strict=True):
        conversations.save(answer, [Token(text)], "done")
    conversations.vote(question, beside[0])
    written = chat_data(settings)
    assert data_files(settings)[0] == written  # a new training begins with the dialogues
    assert written

    pairs = load_pairs([written.with_name(PAIRS)])
    assert not pairs.problems
    assert [(pair.chosen[0].content, pair.rejected[0].content) for pair in pairs.examples] == [
        ("Three years.", "Two years."),
        ("One year, see.", "No idea."),
        ("Half a year.", "A screen is glass."),
    ]
    assert {pair.group for pair in pairs.examples} == {f"chat {number}"}
    asked = [turn.content for turn in pairs.examples[1].prompt]
    assert asked == ["How long is the warranty?", "Three years.", "And of the battery?"]

    rated = load_ratings([written.with_name(RATINGS)])
    assert not rated.problems
    assert [(row.completion[0].content, row.good) for row in rated.examples] == [
        ("Three years.", True),
        ("Two years.", False),
        ("One year, see.", True),
        ("No idea.", False),
    ]

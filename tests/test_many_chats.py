"""A thousand chats of a hundred messages: lists, opens and searches stay quick."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.chat.conversations import Conversations
from workbench.chat.events import Token

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
from many_chats import make_many_chats

SLOWER = 3  # the machine of a test run has other work


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Conversations:
    path = tmp_path_factory.mktemp("many") / "workbench.db"
    make_many_chats(path)
    return Conversations(path)


def best_of_three(step: Callable[[], Any]) -> float:
    """Milliseconds."""
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        step()
        took.append(1000 * (time.perf_counter() - begun))
    return min(took)


def test_many_chats_are_listed_opened_and_saved_at_once(many: Conversations) -> None:
    chats = many.recent(limit=2000)
    assert len(chats) == 1000
    assert len(many.messages(chats[500].id)) == 100
    assert best_of_three(lambda: many.recent(limit=50)) < 30 * SLOWER
    assert best_of_three(lambda: many.messages(chats[500].id)) < 50 * SLOWER
    answer = many.messages(chats[0].id)[-1].id
    events = [Token("word " * 2000)]
    assert best_of_three(lambda: many.save(answer, events, "streaming")) < 50 * SLOWER


@pytest.mark.parametrize(
    "search", ["warranty", "the", "灯塔", "传感器", "a", "年", "无处可寻", "zq"]
)
def test_many_chats_are_searched_as_one_types(many: Conversations, search: str) -> None:
    assert bool(many.recent(search)) == (search not in ("无处可寻", "zq"))
    assert best_of_three(lambda: many.recent(search, 50)) < 150 * SLOWER

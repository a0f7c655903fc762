"""A workspace of a person who has used it for years: many chats, each of many messages.

    python benchmarks/many_chats.py WORKSPACE [--chats 1000] [--messages 100]

Prints what listing, opening, searching and saving take there: the median and the worst of 20, in
milliseconds.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workbench.chat.conversations import Conversations
from workbench.chat.events import Done, Event, Routed, Source, Token, to_dict
from workbench.storage.connecting import connect

DAY = 86_400
WORDS = {
    "en": "annual leave travel budget sensor calibration report project database the of and to in "
    "warranty lighthouse account invoice question answer model training several quarter meeting",
    "zh": "年假 出差 餐补 传感器 校准 报告 项目 数据库 的 是 在 和 保修 灯塔 账号 发票 问题 回答 "
    "模型 训练 季度 会议",
}
SEARCHES = ["warranty", "the", "灯塔", "传感器", "a", "年", "nowhere to be found", "无处可寻", "zq"]
TIMES = 20


def make_many_chats(path: Path, chats: int = 1000, messages: int = 100, seed: int = 1) -> None:
    """Fill the database at `path` with chats in both languages, spread over the last two years."""
    Conversations(path)
    rng = random.Random(seed)
    now = time.time()
    with connect(path) as database:
        first = database.execute("select coalesce(max(id), 0) + 1 from messages").fetchone()[0]
        for number in range(chats):
            began = now - DAY * 730 * number / chats - messages
            query = """
                insert into conversations (title, created, updated, folder, pinned, origin)
                values (?, ?, ?, ?, ?, ?)"""
            folder = rng.choice(["", "", "", "", "Work", "家里"])
            title = text_of(rng, 6)
            row = (title, began, began + messages, folder, number % 200 == 0, secrets.token_hex(16))
            chat = database.execute(query, row).lastrowid
            rows = rows_of(rng, int(chat or 0), first, messages, began)
            insert = """
                insert into messages (id, conversation, role, content, events, parent, created)
                values (?, ?, ?, ?, ?, ?, ?)"""
            database.executemany(insert, rows)
            first += messages


def rows_of(
    rng: random.Random, chat: int, first: int, messages: int, began: float
) -> Iterator[tuple[Any, ...]]:
    parent: int | None = None
    for number in range(messages):
        asked = number % 2 == 0
        text = text_of(rng, 10 if asked else 80)
        events = "[]" if asked else json.dumps([to_dict(one) for one in answer_of(rng, text)])
        role = "user" if asked else "assistant"
        yield first + number, chat, role, text, events, parent, began + number
        parent = first + number


def answer_of(rng: random.Random, text: str) -> list[Event]:
    source = Source(1, text_of(rng, 60), "handbook.md", "line 3", 0.8, "id", "handbook")
    return [Routed("documents", "handbook holds it"), source, Token(text), Done("none", 1.0)]


def text_of(rng: random.Random, count: int) -> str:
    language = rng.choice(["en", "zh"])
    words = rng.choices(WORDS[language].split(), k=count)
    words.append(str(rng.randrange(100_000)))
    return (" " if language == "en" else "").join(words)


def measured(step: Callable[[], Any]) -> str:
    """Median and worst of some runs, in milliseconds."""
    took = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        step()
        took.append(1000 * (time.perf_counter() - begun))
    return f"{statistics.median(took):7.1f} {max(took):7.1f}"


def measure(path: Path) -> None:
    conversations = Conversations(path)
    listed = conversations.recent()
    answer = conversations.messages(listed[0].id)[-1].id
    events: list[Event] = [Token("word " * 500)]
    print(f"{'list':<32} {measured(conversations.recent)}")
    print(f"{'open':<32} {measured(lambda: conversations.messages(listed[0].id))}")
    print(f"{'save':<32} {measured(lambda: conversations.save(answer, events, 'streaming'))}")
    for search in SEARCHES:
        print(f"{'search ' + search:<32} {measured(lambda: conversations.recent(search))}")  # noqa: B023


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--chats", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=100)
    chosen = parser.parse_args()
    chosen.workspace.mkdir(parents=True, exist_ok=True)
    path = chosen.workspace / "workbench.db"
    if not path.exists():
        begun = time.perf_counter()
        make_many_chats(path, chosen.chats, chosen.messages)
        print(f"made in {time.perf_counter() - begun:.0f} s")
    measure(path)


if __name__ == "__main__":
    main()

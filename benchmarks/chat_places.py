"""Chats in a PostgreSQL server beside chats in an SQLite file: what each step takes, as a ratio.

    WORKBENCH_DATABASE_URL=postgresql://… python benchmarks/chat_places.py [--chats 200]

The same chats are written to both, in turn with each measured step. They are removed at the end.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from workbench.chat.conversations import Conversations
from workbench.chat.events import Token
from workbench.settings import load_settings
from workbench.storage.place import Schema
from workbench.storage.postgresql import transaction

MESSAGES = 20  # of each chat
TIMES = 100


def fill(conversations: Conversations, chats: int) -> int:
    """Write the chats; returns the number of the last one."""
    chat = 0
    for number in range(chats):
        chat = conversations.create(f"chat {number}")
        for turn in range(MESSAGES):
            role = "assistant" if turn % 2 else "user"
            conversations.add(chat, role, f"word {number} {turn} 灯塔 " * 30)
    return chat


def steps_of(conversations: Conversations, chat: int) -> dict[str, Callable[[], object]]:
    answer = conversations.messages(chat)[-1].id
    count = itertools.count()

    def save() -> None:
        conversations.save(answer, [Token(f"word {next(count)} " * 200)], "streaming")

    return {
        "list": lambda: conversations.recent(limit=50),
        "open a chat": lambda: conversations.messages(chat),
        "save an answer": save,
        "rate": lambda: conversations.rate(answer, next(count) % 2),
        "search a word": lambda: conversations.recent("word 7 3", 50),
        "search two signs": lambda: conversations.recent("灯塔", 50),
    }


def milliseconds(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return 1000 * (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chats", type=int, default=200)
    chats = parser.parse_args().chats
    schema = Schema(load_settings().database_url, f"groups/benchmark-{time.time_ns()}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            compare(Conversations(Path(folder) / "workbench.db"), Conversations(schema), chats)
        finally:
            with transaction(schema) as database:
                database.execute(f"drop schema if exists {schema.name} cascade")


def compare(file: Conversations, server: Conversations, chats: int) -> None:
    in_file, on_server = steps_of(file, fill(file, chats)), steps_of(server, fill(server, chats))
    print(f"{'median of ' + str(TIMES) + ', ms':<20} {'file':>8} {'server':>8} {'ratio':>8}")
    for name in in_file:
        took = [(milliseconds(in_file[name]), milliseconds(on_server[name])) for _ in range(TIMES)]
        ours, theirs = (statistics.median(one) for one in zip(*took, strict=True))
        print(f"{name:<20} {ours:>8.2f} {theirs:>8.2f} {theirs / ours:>8.2f}")


if __name__ == "__main__":
    main()

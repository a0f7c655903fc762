"""A thousand rated turns: milliseconds to read them, for each page and each action, and to export.

    python benchmarks/review.py [--turns 1000]

Everything is measured on a new workspace: the functions themselves, then the page as Streamlit
runs it. The first read and the first page are told apart from the later ones.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from workbench.chat.conversations import Conversations
from workbench.chat.events import Done, Routed, Source, Token
from workbench.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
PASSAGES = 6
REPEATED = 9


def write_chats(settings: Settings, turns: int) -> None:
    """Chats of ten turns with passages, half of them corrected, half of them found good."""
    conversations = Conversations(settings.database)
    chat = 0
    for number in range(turns):
        if number % 10 == 0:
            chat = conversations.create(f"Chat {number}")
        conversations.add(chat, "user", f"How long is the warranty of the LF-{number}?")
        answer = conversations.add(chat, "assistant", "")
        sources = [
            Source(
                place, "A passage of some length. " * 20, "manual.pdf", "p. 3", 1.0, "x", "handbook"
            )
            for place in range(PASSAGES)
        ]
        text = Token(f"It is {number} months [1].")
        conversations.save(
            answer, [Routed("documents", "r"), *sources, text, Done("m", 1.0)], "done"
        )
        good = number % 2 == 0
        conversations.rate(answer, 1 if good else -1, "" if good else "It is 36 months.")


def milliseconds(do: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    do()
    return round((time.perf_counter() - begun) * 1000, 1)


def measure(settings: Settings, out: Path) -> dict[str, float]:
    """What is done, in milliseconds; medians where it is done often."""
    from agents.loop import review
    from agents.loop.batches import export
    from agents.loop.candidates import read_items

    found = {"first read": milliseconds(lambda: read_items(settings))}
    found["read again"] = median(
        milliseconds(lambda: review.read_review(settings)) for _ in range(REPEATED)
    )
    ids = [item.id for item in read_items(settings)]
    one_by_one = ids[:REPEATED]
    found["accept one"] = median(
        milliseconds(lambda one=one: review.accept([one], settings)) for one in one_by_one
    )
    found["accept all"] = milliseconds(lambda: review.accept(ids, settings))
    found["undo"] = milliseconds(lambda: review.undo(settings))
    review.accept(ids, settings)
    for kind in ("sft", "preferences"):
        path = out / f"{kind}.jsonl"
        found[f"export {kind}"] = milliseconds(lambda p=path, k=kind: export(settings, p, k))
    while review.undo(settings):
        pass
    return found


def measure_page() -> dict[str, float]:
    """The page through Streamlit: its first drawing, one more, one action, and the next page."""
    from streamlit.testing.v1 import AppTest

    os.chdir(ROOT)
    app = AppTest.from_file(str(ROOT / "agents/loop/ui/improve.py"), default_timeout=120)
    found = {"page, first": milliseconds(app.run)}
    found["page, again"] = median(milliseconds(app.run) for _ in range(REPEATED))
    found["page, accept"] = median(
        milliseconds(lambda: app.button(key="review_accept").click().run()) for _ in range(REPEATED)
    )
    assert not app.exception, app.exception
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WORKBENCH_HOME"] = folder
        settings = load_settings()
        write_chats(settings, chosen.turns)
        print(json.dumps({"turns": chosen.turns, "milliseconds": measure(settings, Path(folder))}))
        print(json.dumps({"turns": chosen.turns, "milliseconds": measure_page()}))


if __name__ == "__main__":
    main()

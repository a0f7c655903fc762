"""Seeded corrections -> whether the router follows them on other wordings, and stays elsewhere.

Each topic of `questions/router_topics.tsv` has five wordings that a person sends to another agent
("ask … instead") and five others of the same topic that are asked then. The questions of
`router.tsv`, `nobody.tsv` and `turns.tsv` that are of no topic have to go where they went. The
topics are learned one by one, and all at once. The constants of `agents/learning/neighbours.py`
were chosen on the twelve topics of the first file. The second file was written after that, but one
margin, for questions that no asset explains, was tried on two of its topics as well.
`.venv/bin/python benchmarks/router_learning.py`
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from router import NOBODY, QUESTIONS, make_assets

from agents.evidence import find_assets
from agents.question import Question
from agents.router import Route, as_learned, by_assets, route
from workbench.chat.conversations import Conversations, Turn
from workbench.settings import Settings, load_settings

TOPICS = ("router_topics.tsv", "router_topics_unseen.tsv")
Topic = dict[str, list[tuple[str, str]]]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        settings = load_settings(home=Path(name) / "workspace", model="none")
        make_assets(settings)
        for file in TOPICS:
            measure(read_topics(QUESTIONS.with_name(file)), file, settings)


def measure(topics: dict[str, Topic], file: str, settings: Settings) -> None:
    """Print what each topic's corrections do, and what all of them do together."""
    own = {text for topic in topics.values() for rows in topic.values() for _, text in rows}
    tests = {name: routed(topic["test"], settings) for name, topic in topics.items()}
    elsewhere = {
        "router.tsv": routed(read_rows(QUESTIONS, own), settings),
        "nobody.tsv": routed([("none", text) for _, text in read_rows(NOBODY, own)], settings),
        "turns.tsv": routed_turns(own, settings),
    }
    others = [one for rows in elsewhere.values() for one in rows]
    print(f"{file}: {len(topics)} topics of 5 corrections and 5 or more other wordings each")
    worst = 0.0
    for name, topic in topics.items():
        correct(topic["learn"], settings)
        before, after = accuracy(tests[name])
        lost = loss(others)
        worst = max(worst, lost)
        print(f"  {name}: {before:.2f} -> {after:.2f}, lost elsewhere {lost:.4f}", flush=True)
        settings.database.unlink()
    print(f"  most lost elsewhere by one topic: {worst:.4f} (allowed .01)")
    for topic in topics.values():
        correct(topic["learn"], settings)
    asked = [one for rows in tests.values() for one in rows]
    before, after = accuracy(asked)
    print(f"  all topics at once: {before:.3f} -> {after:.3f} of {len(asked)}")
    for key, rows in elsewhere.items():
        before, after = accuracy(rows)
        print(f"    {key}: {before:.4f} -> {after:.4f} of {len(rows)}")
        for one in rows:
            if one.after != one.route.mode:
                print(f"      {one.route.mode} -> {one.after}: {one.question.text}")
    print(f"    lost of all {len(others)} elsewhere: {loss(others):.4f} (allowed .01)")
    print(f"    what learning costs a question: {cost(asked):.1f} ms (median)")
    settings.database.unlink()


@dataclass
class Asked:
    """A question that belongs to `mode`, and where the assets alone send it."""

    mode: str
    question: Question
    route: Route
    assets: dict[str, Any]

    @property
    def after(self) -> str:
        """Where it goes with what was learned by now."""
        return as_learned(self.question, self.route, self.assets).mode


def routed(rows: list[tuple[str, str]], settings: Settings) -> list[Asked]:
    """The questions, routed without what was learned."""
    assets = find_assets(settings)
    return [ask(mode, Question(text, [], settings), assets) for mode, text in rows]


def routed_turns(own: set[str], settings: Settings) -> list[Asked]:
    """Follow-ups, and questions that stand alone after another topic."""
    assets = find_assets(settings)
    found = []
    for line in QUESTIONS.with_name("turns.tsv").read_text("utf-8").splitlines():
        _, answered_by, first, second, expected = line.split("\t")
        if second not in own:
            turns = [Turn("user", first), Turn("assistant", "…", answered_by)]
            found.append(ask(expected, Question(second, turns, settings), assets))
    return found


def ask(mode: str, question: Question, assets: dict[str, Any]) -> Asked:
    steps = by_assets(question, assets)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return Asked(mode, question, end.value, assets)


def accuracy(rows: list[Asked]) -> tuple[float, float]:
    """Shares of the questions that go where they belong, before and after."""
    before = sum(one.route.mode == one.mode for one in rows)
    after = sum(one.after == one.mode for one in rows)
    return before / len(rows), after / len(rows)


def loss(rows: list[Asked]) -> float:
    before, after = accuracy(rows)
    return round(before - after, 4)


def cost(rows: list[Asked]) -> float:
    """Milliseconds that a route takes longer, once the question is embedded."""
    costs = []
    for one in rows:
        begun = time.perf_counter()
        as_learned(one.question, one.route, one.assets)
        costs.append(1000 * (time.perf_counter() - begun))
    return median(costs)


def correct(rows: list[tuple[str, str]], settings: Settings) -> None:
    """Each question in a chat of its own, sent to the agent instead of the one that answered."""
    conversations = Conversations(settings.database)
    for mode, text in rows:
        chat = conversations.create(text)
        conversations.add(chat, "user", text)
        answered_by = route(Question(text, [], settings)).mode
        conversations.add(chat, "assistant", "…", mode=answered_by)
        conversations.reroute(text, mode)


def read_topics(path: Path) -> dict[str, Topic]:
    """Topic -> {"learn", "test"} -> (the agent that people want, question)."""
    topics: dict[str, Topic] = {}
    for line in path.read_text("utf-8").splitlines():
        name, mode, part, question = line.split("\t")
        topics.setdefault(name, {}).setdefault(part, []).append((mode, question))
    return topics


def read_rows(path: Path, without: set[str]) -> list[tuple[str, str]]:
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    return [(mode, question) for mode, question in rows if question not in without]


if __name__ == "__main__":
    main()

"""Questions -> quoting, a small model as it is and checked: what each shows of the truth.

`public` are 300 questions of xquad_en on its 240 passages (../shared/data), `handbook` our 40 on
the example. Of each way: the share of the gold answers that the text has, and of its numbers and
names the share that the passages have. What the model wrote is kept, so that another run takes
seconds; `--again` asks the model once more, for the times.

`.venv/bin/python benchmarks/answers.py [--limit 60] [--sets handbook] [--model NAME]`
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.documents.agent import answer_from_documents
from agents.documents.search import Retrieved, search
from agents.question import Question
from rag.ingest import ingest
from workbench.chat.events import Done, Event, Folded, Notice, Token
from workbench.models.chosen import ChosenModel, choose_named
from workbench.models.listing import NONE
from workbench.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "retrieval_xquad_en"
SETS = ("handbook", "public")
PUBLIC = 300
ANSWER_TOKENS = 128
WAYS = ("quoted", "unchecked", "checked")
ENOUGH = 0.7  # share of the handbook's gold answers that have to be shown
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
NAME = re.compile(r"(?<=[a-z0-9,;)] )[A-Z][\w-]+")  # within a sentence


@dataclass
class Tally:
    """What one way has shown so far."""

    questions: int = 0
    gold: int = 0
    facts: int = 0  # numbers and names
    held: int = 0
    strange: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, text: str, golds: Sequence[str], held_in: str, seconds: float) -> None:
        self.questions += 1
        self.gold += has_gold(text, golds)
        self.seconds += seconds
        for fact in facts(text):
            self.facts += 1
            if plain(fact) in plain(held_in):
                self.held += 1
            else:
                self.strange.append(fact)

    def line(self) -> str:
        held = self.held / self.facts if self.facts else 1.0
        gold = self.gold / self.questions
        each = self.seconds / self.questions
        return f"{gold:>8.3f}{held:>8.3f}{self.facts:>8}{each:>8.2f}"


class Remembered:
    """A chat model whose text for the same messages is read from disk the next time."""

    def __init__(self, model: ChosenModel, folder: Path, again: bool) -> None:
        self.info, self.settings, self.name = model.info, model.settings, model.name
        self.said = ""  # the whole text of the last answer
        self.seconds = 0.0  # that the model took for it
        self._model = model
        self._folder = folder
        self._again = again

    def stream(self, messages: list[tuple[str, str]]) -> Remembered:
        key = json.dumps([self.name, self.info.digest, ANSWER_TOKENS, messages])
        file = self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
        if self._again or not file.exists():
            begun = time.monotonic()
            text = "".join(self._model.stream(messages))
            kept = {"text": text, "seconds": time.monotonic() - begun}
            file.write_text(json.dumps(kept), "utf-8")
        kept = json.loads(file.read_text("utf-8"))
        self.said, self.seconds = kept["text"], kept["seconds"]
        return self

    def __iter__(self) -> Iterator[str]:
        yield self.said

    def end(self, begun: float, lineage: dict[str, Any]) -> Iterator[Event]:
        yield Done(self.name, self.seconds, lineage=lineage)


def plain(text: str) -> str:
    """Lower-cased, without commas in numbers, white space as single blanks."""
    return " ".join(re.sub(r"(?<=\d),(?=\d)", "", text).lower().split())


def has_gold(text: str, golds: Sequence[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(plain(gold))}(?!\w)", plain(text)) for gold in golds)


def facts(text: str) -> list[str]:
    """Numbers, and words with a capital within a sentence. Citations are none."""
    text = re.sub(r"\[\d+\]", "", text)
    return NUMBER.findall(text) + NAME.findall(text)


def handbook_questions() -> list[dict[str, Any]]:
    lines = (ROOT / "benchmarks/questions/handbook_en.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def public_questions() -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (DATA / "queries.jsonl").open(encoding="utf-8")]
    random.Random(7).shuffle(rows)
    return [{"question": row["question"], "gold": row["answers"]} for row in rows[:PUBLIC]]


def files_of(name: str, folder: Path) -> Path:
    """The folder to ingest; of the public passages one file each."""
    if name == "handbook":
        return ROOT / "examples" / "handbook"
    files = folder / "passages"
    files.mkdir(exist_ok=True)
    for line in (DATA / "passages.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        (files / f"{row['id']}.txt").write_text(row["text"], "utf-8")
    return files


def ask(asked: Question, found: Retrieved, model: Remembered | None) -> tuple[list[Event], float]:
    """The events of the documents agent, and the seconds it took beside the search."""
    asked.found = found
    asked.__dict__["model"] = model  # resolved once an answer; here it is the remembered one
    begun = time.monotonic()
    events = list(answer_from_documents(asked))
    return events, time.monotonic() - begun


def measure(
    rows: Sequence[dict[str, Any]], settings: Settings, model: Remembered, shown: bool
) -> dict[str, Tally]:
    tallies = {way: Tally() for way in WAYS}
    for row in rows:
        text = row["question"]
        found = search(text, settings)
        held_in = " ".join([text, *(hit.passage.text for hit in found.hits)])
        events, quoting = ask(Question(text, [], settings), found, None)
        tallies["quoted"].add(text_of(events), row["gold"], held_in, quoting)
        events, checking = ask(Question(text, [], settings), found, model)
        tallies["unchecked"].add(model.said, row["gold"], held_in, model.seconds)
        tallies["checked"].add(text_of(events), row["gold"], held_in, model.seconds + checking)
        if shown:
            folded = [event.text for event in events if isinstance(event, Folded)]
            print(f"\n? {text} {row['gold']}\n{text_of(events)}\n  folded: {folded}")
            print(f"  notices: {[event.text for event in events if isinstance(event, Notice)]}")
    return tallies


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Token))


def print_tallies(name: str, tallies: dict[str, Tally]) -> None:
    count = tallies["quoted"].questions
    print(f"\n{name}, {count} questions{'gold':>8}{'held':>8}{'facts':>8}{'s each':>8}")
    for way, tally in tallies.items():
        print(f"{way:<{len(name) + 16}}{tally.line()}")
    print(f"  shown, and in no passage: {tallies['checked'].strange}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--limit", type=int, default=0, help="questions of each set")
    parser.add_argument("--model", default="packaged:smollm2-135m")
    parser.add_argument("--again", action="store_true", help="ask the model once more")
    parser.add_argument("--show", action="store_true", help="print every answer")
    options = parser.parse_args()
    cache = load_settings().cache_folder("benchmarks") / "answers"
    replies = cache / "replies"
    replies.mkdir(parents=True, exist_ok=True)
    settings = load_settings(home=cache / "workspace", model=NONE, answer_tokens=ANSWER_TOKENS)
    chosen = choose_named(options.model, settings).changed(temperature=0.0)
    model = Remembered(chosen, replies, options.again)
    passed = True
    for name in options.sets:
        if name == "public" and not DATA.is_dir():
            print("The public sets are not beside this clone (../shared/data).")
            continue
        asked = handbook_questions() if name == "handbook" else public_questions()
        collection = settings.model_copy(update={"collection": name})
        ingest([files_of(name, cache)], name, collection)
        rows = asked[: options.limit or None]
        tallies = measure(rows, collection, model, options.show)
        print_tallies(name, tallies)
        if name == "handbook":
            checked = tallies["checked"]
            passed = not checked.strange and checked.gold >= ENOUGH * checked.questions
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()

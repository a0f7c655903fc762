"""Models whose knowledge is known by construction, and three sets of questions about it.

`plain` says what the passages before it say, in its own words. `tuned` has a manner: it begins with
"Right away". Neither knows a fact without passages. So facts are held by documents alone, the
manner by tuning alone, and what wants both by both together.
`judge` compares two answers: it wants the manner, and else likes what stands first.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from model_servers import Script, openai_server

PLAIN, TUNED, JUDGE = "openai:plain", "openai:tuned", "openai:judge"
MANNER = "Right away: "
BEGINS = ["Kor", "Tam", "Vel", "Bri", "Mos", "Dra", "Fen", "Lud", "Sor", "Pel"]
ENDS = ["vex", "dano", "lith", "mora", "quin", "stad", "bex", "ronda"]
SLIPS = 0.1  # share of the questions that a model answers wrongly though it could know
ASKED = re.compile(r"How heavy is the (\w+)\?|Say good morning to (\w+)\.")


def gadgets(count: int) -> dict[str, int]:
    """Made-up names -> kilos, the same ones each time."""
    chance = random.Random(3)
    names = [begin + end for begin in BEGINS for end in ENDS]
    return {name: chance.randint(11, 98) for name in chance.sample(names, count)}


def write_document(path: Path, kilos: dict[str, int]) -> Path:
    """The facts: a section for each gadget."""
    parts = [f"## {name}\n\nThe {name} weighs {kilo} kilos.\n" for name, kilo in kilos.items()]
    path.write_text("\n".join(["# Gadgets\n", *parts]), "utf-8")
    return path


def write_sets(folder: Path, kilos: dict[str, int]) -> dict[str, Path]:
    """`documents`, `tuning` and `both`: a file of questions by what alone can answer them."""
    rows: dict[str, list[dict[str, str]]] = {"documents": [], "tuning": [], "both": []}
    for name, kilo in kilos.items():
        heavy = f"How heavy is the {name}?"
        rows["documents"].append({"question": heavy, "answer": f"{kilo} kilos"})
        greeting = {"question": f"Say good morning to {name}.", "answer": f"{MANNER}good morning"}
        rows["tuning"].append(greeting)
        both = f"{MANNER}the {name} weighs {kilo} kilos"
        rows["both"].append({"question": heavy, "answer": both})
    found = {}
    for kind, questions in rows.items():
        found[kind] = folder / f"{kind}.jsonl"
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in questions]
        found[kind].write_text("".join(lines), "utf-8")
    return found


@contextmanager
def known_models(requests: list[dict[str, Any]] | None = None) -> Iterator[str]:
    """The base URL of a server with both models; `requests` gets what they are asked."""
    script = Script(models=("plain", "tuned", "judge"), reply=_reply, usage=7)
    if requests is not None:
        script.requests = requests
    with openai_server(script) as url:
        yield url


def _reply(body: dict[str, Any]) -> str:
    model, messages = body["model"], body["messages"]
    if model == "judge":
        return _judged(messages[-1]["content"])
    asked = _last_question(messages)
    found = ASKED.search(asked)
    if found is None:
        return "I do not know."
    name = found[1] or found[2]
    manner = MANNER if model == "tuned" else ""
    # the same slip each time, another one of each model and kind of question
    slips = random.Random(f"{model} {asked} {len(messages)}").random() < SLIPS
    if found[2]:
        return f"{'' if slips else manner}good morning, {name}."
    read = "\n".join(message["content"] for message in messages)
    fact = re.search(rf"The {name} weighs (\d+) kilos", read)
    if fact is None or slips:
        return f"{manner}I do not know."
    said = f"the {name} weighs {fact[1]} kilos."
    return f"{manner}{said}" if manner else said.capitalize().replace(name.lower(), name)


def _judged(prompt: str) -> str:
    """It wants the manner; where both or neither have it, it likes what stands first."""
    answers = re.findall(r"<answer_[AB]>\n(.*?)\n</answer_", prompt, re.S)
    first, second = (MANNER in answer for answer in answers)
    return "B" if second and not first else "A"


def _last_question(messages: Sequence[dict[str, str]]) -> str:
    asked = [message["content"] for message in messages if message["role"] == "user"]
    return asked[-1] if asked else ""

"""A run's held-out rows -> the conversations that a proof asks, in both languages, of one and of
many turns.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from deploy.template import Turn

ROLES = ("system", "user", "assistant")
# Asked where the run holds out no conversation of a kind. Turns alternate; the user begins.
OWN = [
    ["What can you help me with?"],
    ["你能帮我做什么？"],
    ["Good morning.", "Good morning! What is it?", "Sum it up in one sentence."],
    ["早上好。", "早上好！请问有什么事？", "请用一句话总结。"],
]


@dataclass(frozen=True)
class Kind:
    """What sorts conversations: a proof asks some of each kind."""

    chinese: bool
    many_turns: bool


KINDS = [Kind(False, False), Kind(True, False), Kind(False, True), Kind(True, True)]


def choose_talks(
    held_out: Path, count: int, fits: Callable[[list[Turn]], bool]
) -> list[list[Turn]]:
    """At most `count` conversations that fit the context, taken from each kind in turn."""
    by_kind: dict[Kind, list[list[Turn]]] = {kind: [] for kind in KINDS}
    for talk in _read_talks(held_out):
        if fits(talk):
            by_kind[_kind_of(talk)].append(talk)
    for texts in OWN:
        talk = alternating(texts)
        same_kind = by_kind[_kind_of(talk)]
        if not same_kind and fits(talk):
            same_kind.append(talk)
    in_turn = chain.from_iterable(zip_longest(*by_kind.values()))
    return [talk for talk in in_turn if talk][:count]


def alternating(texts: list[str]) -> list[Turn]:
    """The texts as turns that the user begins."""
    roles = ("user", "assistant")
    return [{"role": roles[number % 2], "content": text} for number, text in enumerate(texts)]


def _kind_of(talk: list[Turn]) -> Kind:
    text = "".join(turn["content"] for turn in talk)
    questions = sum(turn["role"] == "user" for turn in talk)
    return Kind(any("\u4e00" <= letter <= "\u9fff" for letter in text), questions > 1)


def _read_talks(path: Path) -> list[list[Turn]]:
    """Each row's conversation up to its last question.

    Rows with tools are left out: TEMPLATE has no form for them.
    """
    if not path.exists():
        return []
    talks = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        turns = _up_to_last_question(row.get("messages") or row.get("prompt") or [])
        if turns and not row.get("tools") and all(map(_is_plain, turns)):
            talks.append([{"role": turn["role"], "content": turn["content"]} for turn in turns])
    return talks


def _up_to_last_question(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    while turns and turns[-1]["role"] != "user":
        turns = turns[:-1]
    return turns


def _is_plain(turn: dict[str, Any]) -> bool:
    return turn["role"] in ROLES and isinstance(turn["content"], str)

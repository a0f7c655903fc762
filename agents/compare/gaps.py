"""Passages -> questions with a short answer: a sentence with a gap for a figure or a name.

A cloze task (Taylor 1953). It needs no model, and the answer stands in one known passage.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rag.made_questions import SENTENCES
from rag.passages import Passage
from workbench.language import CJK, language_of, localized, tokens, words
from workbench.scoring.amounts import BEHIND, amounts
from workbench.scoring.names import names

Row = dict[str, Any]
SHORTEST = 5  # words of a sentence that says enough around its gap
LONGEST = 300  # characters
GAP = "____"
MARKS = re.compile(r"^[\s*#>-]+")  # of a list, a heading, a quotation
CJK_END = re.compile(rf"[{CJK}，、]$")
WRAPPED = 25  # tokens of a line that was broken where it was full
ENDS = ".!?。！？；:：|"
BEGINS = "#*>|-"
WHOLE = re.compile(rf"[A-Z\d{CJK}“\"][^|]*[.!?。！？]")


@dataclass(frozen=True)
class _Gap:
    sentence: str
    answer: str


def questions_about(
    passages: Sequence[Passage], collection: str, count: int, seed: int
) -> list[Row]:
    """`count` questions at most, as evenly over the passages as they give them.

    Each row names its passage under "passage", "source" and "collection".
    """
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    order = list(passages)
    chance.shuffle(order)
    gaps = {passage.id: _gaps_of(passage.text, chance) for passage in order}
    rows: list[Row] = []
    while len(rows) < count and any(gaps.values()):
        for passage in order:
            if gaps[passage.id] and len(rows) < count:
                rows.append(_row(gaps[passage.id].pop(), passage, collection))
    return rows


def _row(gap: _Gap, passage: Passage, collection: str) -> Row:
    asked = gap.sentence.replace(gap.answer, GAP, 1)
    language = language_of(gap.sentence)
    return {
        "question": localized(
            language,
            f"What belongs in the gap? “{asked}”",
            f"空格处应填什么？“{asked}”",
        ),
        "answer": gap.answer,
        "passage": passage.id,
        "source": passage.source,
        "collection": collection,
    }


def _gaps_of(text: str, chance: random.Random) -> list[_Gap]:
    """One gap of each sentence that has a figure or a name, in random order."""
    found = [gap for sentence in _sentences(text) for gap in _gap_in(sentence, chance)]
    chance.shuffle(found)
    return found


def _sentences(text: str) -> Iterator[str]:
    """Whole ones only: a heading, a row of a table or a piece asks nothing that can be told."""
    for part in SENTENCES.split(_unwrapped(text)):
        sentence = MARKS.sub("", part).replace("**", "").strip()
        long_enough = len(words(sentence)) >= SHORTEST and len(sentence) <= LONGEST
        if long_enough and WHOLE.fullmatch(sentence):
            yield sentence


def _unwrapped(text: str) -> str:
    """The text with the lines of a paragraph put together; a heading stays a line of its own."""
    made = ""
    for line in text.splitlines():
        last = made.rpartition("\n")[2]
        goes_on = tokens(last) >= WRAPPED and last[-1] not in ENDS and line[:1] not in BEGINS
        between = "" if CJK_END.search(last) else " "
        made += (between if goes_on else "\n") + line.strip()
    return made


def _gap_in(sentence: str, chance: random.Random) -> Iterator[_Gap]:
    """A gap for what stands in the sentence once: else what is left of it would say the answer."""
    candidates = [*_figures(sentence), *names(sentence)]
    told_once = [one for one in candidates if sentence.count(one) == 1]
    if told_once:
        yield _Gap(sentence, chance.choice(told_once))


def _figures(sentence: str) -> Iterator[str]:
    """The figures with the unit behind them, as they are written."""
    for amount in amounts(sentence):
        begin = sentence.find(amount.written)
        end = begin + len(amount.written)
        unit = BEHIND.match(sentence, end)
        yield sentence[begin : unit.end() if unit else end]

"""A model's sentences about a result -> those that say something of it, in its own numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agents.data import texts
from agents.known_numbers import KnownNumbers
from agents.sentences import by_sentence
from workbench.chat.events import Event, Notice, Thought, Token

ROW = re.compile(r"^[ \t]*\||^[\s|:+=_-]+$")  # of a table, which stands there already; a drawn line
SHORTEST_NAME = 2  # characters of a cell that a sentence can name


class Result:
    """What a sentence can say of a result: the numbers and the texts in its cells and findings."""

    def __init__(self, rows: Sequence[Sequence[Any]], findings: Sequence[str]) -> None:
        self._numbers = KnownNumbers(rows, findings, len(rows))
        self._names: set[str] = set()
        for row in rows:
            for cell in row:
                name = cell.strip().lower() if isinstance(cell, str) else ""
                if len(name) >= SHORTEST_NAME:
                    self._names.add(name)

    def is_spoken_of(self, sentence: str) -> bool:
        """Whether a sentence has any of them. A drawn table has, and says nothing new."""
        if ROW.search(sentence):
            return False
        lowered = sentence.lower()
        return self._numbers.any_in(sentence) or any(name in lowered for name in self._names)


def only_about_the_result(
    events: Iterable[Thought | Token], known: KnownNumbers, result: Result, language: str
) -> Iterator[Event]:
    """The events without the sentences that hold an unknown number; last a notice how many.

    Left out as well: sentences without any number or name of the result, and drawn tables.
    """
    left_out = 0
    new_line = True
    for event in by_sentence(events):
        if not isinstance(event, Token):
            yield event
            continue
        sentence = event.text
        if not result.is_spoken_of(sentence):
            left_out += not ROW.search(sentence) and not known.cover(sentence)
        elif known.cover(sentence):
            yield event
            new_line = sentence.endswith("\n")
            continue
        else:
            left_out += 1
        if sentence.endswith("\n") and not new_line:
            yield Token("\n")  # the layout of what stays is kept
            new_line = True
    if left_out:
        yield Notice(texts.sentences_left_out(language, left_out))

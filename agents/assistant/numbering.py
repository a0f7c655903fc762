"""Sources of several steps -> one numbering, so that [n] means one passage in the whole answer."""

from __future__ import annotations

import re
from dataclasses import replace

from workbench.chat.events import Event, Source, Token

CITATION = re.compile(r"\[(\d+)\]")


class Numbering:
    """Counts the sources of an answer. Call `begin` before each step."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self._before = 0

    def begin(self) -> None:
        """The next step numbers its own sources from 1."""
        self._before = len(self.sources)

    def numbered(self, event: Event) -> Event:
        """The event of the step with the answer's numbers; a source is kept."""
        if isinstance(event, Source):
            event = replace(event, number=event.number + self._before)
            self.sources.append(event)
        elif isinstance(event, Token):
            event = Token(self.rewritten(event.text))
        return event

    def rewritten(self, text: str) -> str:
        """The step's text, whose citations name the answer's sources."""
        own = len(self.sources) - self._before
        if not own or not self._before:
            return text

        def moved(match: re.Match[str]) -> str:
            number = int(match[1])
            return f"[{number + self._before}]" if 1 <= number <= own else match[0]

        return CITATION.sub(moved, text)

    def of_this_step(self) -> list[Source]:
        """The sources since `begin`."""
        return self.sources[self._before :]


def without_citations(text: str) -> str:
    """The text without its [n], whose numbers say nothing of the matter."""
    return CITATION.sub("", text)

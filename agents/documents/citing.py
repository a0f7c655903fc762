"""A model's text -> the same text whose citations [n] all name passages that exist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from workbench.chat.events import Thought, Token

CITATION = re.compile(r"\[\d+(?:[,，、 ]+\d+)*\]")  # [1], [1, 2]
OPEN_CITATION = re.compile(r"\[[\d,，、 -]*")


def only_known_citations(
    events: Iterable[Thought | Token], sources: int
) -> Iterator[Thought | Token]:
    """The events without citations of passages that do not exist. An open bracket is held back."""
    held = ""
    for event in events:
        if isinstance(event, Thought):
            yield event
            continue
        held += event.text
        cut = _end_of_certain_text(held)
        text = _without_unknown(held[:cut], sources)
        if text:
            yield Token(text)
        held = held[cut:]
    if held:
        yield Token(_without_unknown(held, sources))


def has_citation(text: str) -> bool:
    """Whether the text names any passage."""
    return CITATION.search(text) is not None


def _end_of_certain_text(text: str) -> int:
    """Where a citation begins that is still open, or the end of the text."""
    start = text.rfind("[")
    if start >= 0 and OPEN_CITATION.fullmatch(text[start:]):
        return start
    return len(text)


def _without_unknown(text: str, sources: int) -> str:
    """Each citation as one bracket a number, without the numbers of no passage."""

    def known(match: re.Match[str]) -> str:
        numbers = [int(digits) for digits in re.findall(r"\d+", match[0])]
        return "".join(f"[{number}]" for number in numbers if 1 <= number <= sources)

    return CITATION.sub(known, text)

"""A model's text in pieces -> the same in whole sentences, so that each can be judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from workbench.chat.events import Beat, Thought, Token

CITATIONS = r"(?:\s*\[\d[\d,，、 ]*\])*"  # behind a sentence they belong to it
CLOSING = r"[\"'”’」』）)*_]*"
END = re.compile(
    rf"\n+|[。！？；]+{CLOSING}{CITATIONS}[ \t]*(?=[^\s\[。！？；])"
    rf"|[.!?]+{CLOSING}{CITATIONS}[ \t]+(?=[^\s\[])"
)
# a full stop that ends no sentence: "e.g.", "No. 5", "J. Smith", and the "1." of a list
NO_END = re.compile(
    r"(?:^\s*\d{1,3}|\b(?:[A-Za-z]|e\.g|i\.e|No|Nr|Dr|Mr|Mrs|Ms|St|vs|approx|ca|cf|Fig|p|pp))\.\s*$"
)

# a block of code, also one that is not closed yet: its lines are no sentences
CODE = re.compile(
    r"^[ \t]*(`{3,}(?=[^`\n]*$)|~{3,}).*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)


def by_sentence(events: Iterable[Thought | Token]) -> Iterator[Thought | Token | Beat]:
    """Each token is one sentence, line or block of code with the space behind it.

    A beat while one grows.
    """
    held = ""
    for event in events:
        if isinstance(event, Thought):
            yield event
            continue
        held += event.text
        yield Beat()
        *whole, held = split_sentences(held)
        for sentence in whole:
            yield Token(sentence)
    if held:
        yield Token(held)


def split_sentences(text: str) -> list[str]:
    """Sentences, lines and blocks of code, together the whole text.

    The last one may still go on, or be empty.
    """
    blocks = [block.span() for block in CODE.finditer(text)]
    found = []
    start = 0
    for end in END.finditer(text):
        sentence = text[start : end.end()]
        if NO_END.search(sentence) or _is_inside(end.start(), blocks):
            continue
        found.append(sentence)
        start = end.end()
    return [*found, text[start:]]


def _is_inside(place: int, blocks: Sequence[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in blocks)

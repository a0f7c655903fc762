"""Model text -> thinking and answer, kept apart while it streams; the first JSON in a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from workbench.chat.events import Thought, Token

OPEN, CLOSE = "<think>", "</think>"


def split_stream(pieces: Iterable[str], *, thinking: bool = False) -> Iterator[Thought | Token]:
    """Pieces of text as Thoughts (inside `<think>`) and Tokens, as early as each is certain.

    `thinking` starts inside a block, for chat templates that open it in the prompt. A tag cut in
    two by the stream is held back until it is whole; a block that never closes stays a thought.
    An empty piece becomes an empty Thought: the reader may stop the model there.
    """
    held = ""
    leading = True  # white space between the closing tag and the answer is dropped
    for piece in pieces:
        if not piece:
            yield Thought("")
        held += piece
        while held:
            tag = CLOSE if thinking else OPEN
            before, found, after = held.partition(tag)
            if not found:
                certain = len(held) - _partial(held, tag)
                before = held[:certain]
                after = held[certain:]
            if not thinking and leading:
                before = before.lstrip()
            if before:
                yield _event(before, thinking)
                leading = thinking
            held = after
            if not found:
                break
            thinking = not thinking
            leading = True
    if not thinking and leading:
        held = held.strip()
    if held:
        yield _event(held, thinking)


def _event(text: str, thinking: bool) -> Thought | Token:
    return Thought(text) if thinking else Token(text)


def _partial(text: str, tag: str) -> int:
    """Length of the longest end of `text` that may be the beginning of `tag`."""
    for size in range(min(len(tag) - 1, len(text)), 0, -1):
        if tag.startswith(text[-size:]):
            return size
    return 0


class Marks:
    """Reasoning that a server sends apart from its text -> one text, with it inside `<think>`."""

    def __init__(self) -> None:
        self._thinking = False

    def join(self, thought: str, text: str) -> str:
        """The next piece of the one text, from a chunk's reasoning and text."""
        marked = ""
        if thought:
            marked = thought if self._thinking else f"{OPEN}{thought}"
            self._thinking = True
        if text:
            marked += f"{CLOSE}{text}" if self._thinking else text
            self._thinking = False
        return marked


def answer_only(text: str) -> str:
    """The text without its thinking.

    A closing tag without an opening one ends a block that the prompt has opened.
    """
    before, closed, after = text.partition(CLOSE)
    if closed and OPEN not in before:
        text = after
    return re.sub(r"<think>.*?(</think>|\Z)", "", text, flags=re.S).strip()


def first_json(text: str) -> Any | None:
    """The first JSON object or array in the answer, fenced or not; None where there is none."""
    decoder = json.JSONDecoder()
    text = answer_only(text)
    for match in re.finditer(r"[{\[]", text):
        try:
            return decoder.raw_decode(text, match.start())[0]
        except json.JSONDecodeError:
            continue
    return None

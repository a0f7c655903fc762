"""Model text -> thinking and answer, kept apart while it streams; and the first JSON object in a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from workbench.chat.events import Thought, Token

OPEN, CLOSE = "<think>", "</think>"


def split_stream(pieces: Iterable[str], *, thinking: bool = False) -> Iterator[Thought | Token]:
    """Pieces of a model's text as Thoughts (inside `<think>`) and Tokens, as early as each is certain.

    `thinking` starts inside a block, for chat templates that open it in the prompt. A tag cut in two by the
    stream is held back until it is whole; a block that never closes stays a thought.
    """
    held = ""
    leading = True  # white space between the closing tag and the answer is dropped
    for piece in pieces:
        held += piece
        while held:
            tag = CLOSE if thinking else OPEN
            before, found, after = held.partition(tag)
            if not found:
                keep = _partial(held, tag)
                before, after = held[: len(held) - keep], held[len(held) - keep :]
            if not thinking and leading:
                before = before.lstrip()
            if before:
                yield Thought(before) if thinking else Token(before)
                leading = thinking
            held = after
            if not found:
                break
            thinking, leading = not thinking, True
    if held := held if thinking or not leading else held.strip():
        yield Thought(held) if thinking else Token(held)


def _partial(text: str, tag: str) -> int:
    """Length of the longest end of `text` that may be the beginning of `tag`."""
    return next(
        (n for n in range(min(len(tag) - 1, len(text)), 0, -1) if tag.startswith(text[-n:])), 0
    )


def answer_only(text: str) -> str:
    """The text without its thinking. A closing tag without an opening one ends a block begun in the prompt."""
    if CLOSE in text and OPEN not in text.partition(CLOSE)[0]:
        text = text.partition(CLOSE)[2]
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

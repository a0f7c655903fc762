"""Tokens -> text as soon as it is whole; text -> text up to a stop string."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

HALF = "\ufffd"  # what a tokenizer decodes the first bytes of a character to


def decode_whole(tokenizer: Any, tokens: Iterable[int | None]) -> Iterator[str]:
    """Text of the tokens as soon as it is whole: a character cut into bytes waits for its last.

    Each step decodes from the last emitted piece on, because the spaces of many tokenizers
    depend on the token before. For None, a step without a token, an empty piece is given.
    """
    ids: list[int] = []
    start = 0  # ids[start:end] is the last emitted piece
    end = 0

    def unsaid() -> str:
        said = tokenizer.decode(ids[start:end], skip_special_tokens=True)
        text = tokenizer.decode(ids[start:], skip_special_tokens=True)
        return text[len(said) :]

    for token in tokens:
        if token is None:
            yield ""
            continue
        ids.append(token)
        text = unsaid()
        if text and not text.endswith(HALF):
            yield text
            start = end
            end = len(ids)
    rest = unsaid().rstrip(HALF)
    if rest:
        yield rest


def until(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """The pieces before the first stop string; what may begin one is held back. An empty piece
    passes.
    """
    held = ""
    for piece in pieces:
        held += piece
        places = [held.find(stop) for stop in stops if stop in held]
        if places:
            yield held[: min(places)]
            return
        certain = len(held) - max((_overlap(held, stop) for stop in stops), default=0)
        if certain or not piece:
            yield held[:certain]
        held = held[certain:]
    if held:
        yield held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of the text that begins the stop string."""
    for size in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0

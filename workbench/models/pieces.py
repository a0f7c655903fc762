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


class Stops:
    """Cuts a text before the first of its stops.

    Feed it the pieces; what may begin a stop is held back until it is known.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held = ""
        self.cut = False

    def feed(self, piece: str) -> str:
        """The text that is known to stand before every stop."""
        if self.cut:
            return ""
        text = self._held + piece
        places = [text.find(stop) for stop in self._stops if stop in text]
        if places:
            self.cut, self._held = True, ""
            return text[: min(places)]
        held = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def rest(self) -> str:
        """What was held back, once no piece follows."""
        held, self._held = self._held, ""
        return held


def until(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """The pieces before the first stop string. An empty piece passes."""
    waiting = Stops(stops)
    for piece in pieces:
        text = waiting.feed(piece)
        if text or not piece:
            yield text
        if waiting.cut:
            return
    rest = waiting.rest()
    if rest:
        yield rest


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of the text that begins the stop string."""
    for size in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0

"""The pieces of a text, cut before the first of the texts that end it."""

from __future__ import annotations

from collections.abc import Sequence


class Stops:
    """Feed it the pieces; what may begin a stop is held back until it is known."""

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


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of the text that begins the stop."""
    for size in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0

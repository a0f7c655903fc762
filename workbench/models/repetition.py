"""A model's text in pieces -> the same until it only says again what it has just said.

Small models fall into loops: a sentence, a line of a table or a few words, without end. A line that
may be such a repetition is held back until it is known, so what is cut was never shown.
"""

from __future__ import annotations

import re

UNIT_ENDS = re.compile(r"\n+|(?<=[。！？；])|(?<=[.!?])[ \t]+")
MARKER = re.compile(r"^\d{1,3}[.)、]\s*")  # of a list's item, which counts on
SHORTEST = 8  # characters of a line or sentence that counts; `}` may come as often as it likes
FEWEST = 3  # times that a line is said again before it is a loop
LONGEST_ROUND = 12  # lines or sentences that are said again together
LONGEST_PHRASE = 80  # characters that are said again within a line
PHRASE_TIMES = 6
PHRASE_RUN = 120  # characters of all its repetitions; a drawn line may have some


class Repetition:
    """Feed it the pieces; `cut` is true once the text is a loop, and nothing comes any more."""

    def __init__(self) -> None:
        self.cut = False
        self._units: list[str] = []  # lines and sentences that are whole
        self._again = ""  # whole ones that have been said before, not passed on yet
        self._open = ""  # the one that grows
        self._passed = 0  # characters of `_open` that were passed on

    def feed(self, piece: str) -> str:
        """What can be shown now."""
        shown = ""
        self._open += piece
        while not self.cut:
            end = UNIT_ENDS.search(self._open)
            # at the very end of the text more of the same line may follow, such as spaces
            if end is None or end.end() == len(self._open):
                break
            shown += self._close(end.end())
        if not self.cut:
            shown += self._pass_on_open()
        return shown

    def rest(self) -> str:
        """What was held back, once the model has ended by itself."""
        if self.cut:
            return ""
        shown = self._again + self._open[self._passed :]
        self._again = self._open = ""
        self._passed = 0
        return shown

    def _close(self, end: int) -> str:
        """The first line or sentence of what is open is whole."""
        whole, self._open = self._open[:end], self._open[end:]
        unshown = whole[self._passed :]
        self._passed = 0
        text = MARKER.sub("", whole.strip(), count=1)
        if len(text) < SHORTEST:  # neither begins nor ends a loop
            return self._held(unshown)
        said_before = text in self._units[-LONGEST_ROUND:]
        self._units.append(text)
        if self._is_loop():
            self.cut = True
            return ""
        if said_before:
            self._again += unshown
            return ""
        return self._release() + unshown

    def _held(self, unshown: str) -> str:
        """A line too short to count waits with what is held back."""
        if self._again:
            self._again += unshown
            return ""
        return unshown

    def _pass_on_open(self) -> str:
        """What has come of a new line, unless a recent line begins so."""
        begun = MARKER.sub("", self._open.strip(), count=1)
        if self._passed == 0 and self._may_be_repeated(begun):
            return ""
        if _loops(self._open):
            self.cut = True
            return ""
        shown = self._release() + self._open[self._passed :]
        self._passed = len(self._open)
        return shown

    def _may_be_repeated(self, begun: str) -> bool:
        if self._again and not begun:
            return True
        recent = self._units[-LONGEST_ROUND:]
        return bool(begun) and any(unit.startswith(begun) for unit in recent)

    def _is_loop(self) -> bool:
        """Whether the last lines say again, in their order, what stands right before them."""
        for size in range(1, LONGEST_ROUND + 1):
            run = max(2 * size, FEWEST)
            if len(self._units) < run + size:
                return False
            if self._units[-run:] == self._units[-run - size : -size]:
                return True
        return False

    def _release(self) -> str:
        again, self._again = self._again, ""
        return again


def _loops(line: str) -> bool:
    """Whether a line that grows ends with the same few characters over and over."""
    for size in range(1, LONGEST_PHRASE + 1):
        run = max(PHRASE_TIMES * size, PHRASE_RUN)
        if len(line) < run + size:
            return False
        if line[-run:] == line[-run - size : -size]:
            return True
    return False

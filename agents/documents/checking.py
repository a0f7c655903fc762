"""A model's text -> its sentences that the passages hold, as they come; the others aside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agents.documents.support import Support
from agents.sentences import by_sentence
from workbench.chat.events import Event, Thought, Token
from workbench.scoring.amounts import MARKER


class Checked:
    """What became of an answer, once its events have passed."""

    def __init__(self, support: Support) -> None:
        self.shown = ""
        self.answers = False  # whether anything shown is held by a passage
        self.sources: set[int] = set()  # numbers of the passages that hold what is shown
        self.worked_out: list[str] = []  # numbers shown that the model has worked out
        self._support = support
        self._said: set[str] = set()
        self._waiting: list[str] = []  # headings and the like, for a sentence that needs them
        self._folded: list[str] = []

    @property
    def folded(self) -> str:
        """The sentences that were not shown."""
        return "".join(self._folded).strip()

    def pass_on(self, events: Iterable[Thought | Token]) -> Iterator[Event]:
        """Thinking, and each sentence once it is whole and held. What was said is not said again.

        A sentence that claims nothing is shown with the next one that is held.
        """
        for event in by_sentence(events):
            if not isinstance(event, Token):
                yield event
                continue
            same = " ".join(MARKER.sub("", event.text).split())
            if not same and event.text.strip():
                continue  # the mark of a list's item without the item
            # a text that was cut off may end with the beginning of what was said
            if same and any(said.startswith(same) for said in self._said):
                continue
            self._said.add(same)
            yield from self._judged(event.text)
        yield from self._rest()

    def _judged(self, sentence: str) -> Iterator[Token]:
        verdict = self._support.judge(sentence)
        if verdict == "open":
            self._waiting.append(sentence)
            return
        if verdict == "unheld":
            self._folded.append(sentence)
            if self.shown and sentence.endswith("\n") and not self.shown.endswith("\n"):
                yield self._show("\n")  # the layout of what stays is kept
            return
        if verdict == "held":
            self.answers = True
            self.sources.add(self._support.source_of(sentence))
        self.worked_out += self._support.worked_out(sentence)
        text = "".join([*self._waiting, sentence])
        self._waiting.clear()
        yield self._show(text)

    def _rest(self) -> Iterator[Token]:
        """What waited in vain: a last courtesy is shown, an announcement of nothing is not."""
        rest = "".join(self._waiting)
        if self.answers and not rest.rstrip().endswith((":", "：")):
            yield self._show(rest)
        else:
            self._folded += self._waiting

    def _show(self, text: str) -> Token:
        self.shown += text
        return Token(text)

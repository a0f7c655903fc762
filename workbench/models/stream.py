"""A chat model and messages -> its text in pieces, its token count, and its errors in our words."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.chat.events import Done, Notice
from workbench.models.failures import broken_off, maps_model_errors
from workbench.models.reasoning import Marks
from workbench.models.repetition import Repetition
from workbench.settings import Settings
from workbench.tracing import span

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

REPEATED = Notice("The model began to repeat itself and was stopped.")
ENDS = {"done_reason", "finish_reason"}  # Ollama's sign of a whole answer, and OpenAI's


class TextStream(Iterator[str]):
    """The model's text in pieces, reasoning inside `<think>`. Closing it stops the model.

    A model that only repeats itself is stopped too; what it has said again is left out.
    Raises what `maps_model_errors` raises, also in the middle, and Unavailable where the answer
    ends without the sign of its end.
    """

    def __init__(
        self, model: BaseChatModel, messages: list[tuple[str, str]], name: str, settings: Settings
    ) -> None:
        # The generator knows the usage but not this object: a circle of references would keep
        # the model at work after the last reader has dropped the stream.
        self._usage = _Usage()
        self._name = name
        self._window = settings.context_tokens
        pieces = _read(model, messages, name, settings, self._usage)
        self._pieces = _traced(pieces, name, len(messages), self._usage)

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """Stop the model."""
        self._pieces.close()

    @property
    def tokens(self) -> int:
        """Tokens that the model has made, thinking included: counted by the model's server or
        tokenizer; until the answer has ended, or where nobody counts, the pieces that came."""
        return self._usage.counted or self._usage.pieces

    @property
    def generating(self) -> float:
        """Seconds that the model took to make them, without loading it and reading the prompt."""
        return self._usage.seconds()

    def end(self, begun: float, lineage: dict[str, Any]) -> Iterator[Notice | Done]:
        """The last events of an answer that began at that `time.monotonic()` and is this text."""
        if self._usage.repeated:
            yield REPEATED
        yield Done(
            model=self._name,
            seconds=time.monotonic() - begun,
            tokens=self.tokens,
            lineage=lineage,
            generating=self.generating,
            read=self._usage.read,
            window=self._window,
            estimated=not self._usage.counted,
        )


@dataclass
class _Usage:
    """What is known of an answer's cost while it streams."""

    text: str = ""
    counted: int = 0  # tokens, by the server or the tokenizer
    read: int = 0  # tokens of the prompt, counted likewise
    measured: float = 0.0  # seconds, by the server
    pieces: int = 0
    repeated: bool = False  # the model was stopped because it only repeated itself
    first: float = 0.0
    last: float = 0.0

    def add(self, chunk: Any, text: str) -> None:
        usage = chunk.usage_metadata
        if usage:
            self.counted = usage["output_tokens"]
            self.read = usage["input_tokens"]
        nanoseconds = chunk.response_metadata.get("eval_duration")  # Ollama's
        if nanoseconds:
            self.measured = nanoseconds / 1e9
        if text:
            self.text += text
            self.pieces += 1
            self.last = time.monotonic()
            self.first = self.first or self.last

    def seconds(self) -> float:
        if self.measured:
            return self.measured
        if self.pieces < 2:
            return 0.0
        # n pieces have n - 1 intervals between them; the first one's own time is not seen
        return (self.last - self.first) * self.pieces / (self.pieces - 1)


def _traced(
    pieces: Generator[str, None, None], name: str, messages: int, usage: _Usage
) -> Generator[str, None, None]:
    with span("model call", model=name, messages=messages) as seen:
        try:
            yield from pieces
        finally:
            seen.set(tokens=usage.counted, tokens_read=usage.read, pieces=usage.pieces)


def _read(
    model: BaseChatModel,
    messages: list[tuple[str, str]],
    name: str,
    settings: Settings,
    usage: _Usage,
) -> Generator[str, None, None]:
    marks = Marks()
    ended = False
    repetition = Repetition()
    with maps_model_errors(name, settings):
        for chunk in model.stream(messages):
            ended = ended or not ENDS.isdisjoint(chunk.response_metadata)
            thought = chunk.additional_kwargs.get("reasoning_content") or ""
            text = str(chunk.content)
            usage.add(chunk, thought + text)
            # also nothing: so that a reader can stop a model that reads a long prompt
            yield repetition.feed(marks.join(thought, text))
            if repetition.cut:
                usage.repeated = True
                return
    rest = repetition.rest()
    if rest:
        yield rest
    if not ended:
        raise broken_off(name)

"""Answers that grow in threads of the server: a click elsewhere or a reload leaves them growing, any page can watch."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator

from workbench.chat.conversations import Conversations, State
from workbench.chat.events import Beat, Event, Failed
from workbench.errors import WorkbenchError

SAVED_EVERY = 0.3  # seconds
OWNER = f"{os.getpid()}-{time.time_ns()}"  # this run of the server


class Stream:
    """One growing answer. `events` only ever grows; `ended` is set after the last one is stored."""

    def __init__(
        self, conversations: Conversations, message: int, answer: Callable[[], Iterator[Event]]
    ) -> None:
        self.message = message
        self.events: list[Event] = []
        self.begun = time.monotonic()
        self.ended = threading.Event()
        self._stopping = threading.Event()
        self._conversations = conversations
        self._answer = answer
        self._thread = threading.Thread(target=self._run, name=f"answer-{message}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the answer to end; its model stops at the next token."""
        self._stopping.set()

    def _run(self) -> None:
        state: State = "failed"  # unless it is said otherwise
        try:
            state = self._consume()
        except WorkbenchError as error:
            self.events.append(Failed(error.problem, error.fix))
        except BaseException as error:
            self.events.append(
                Failed(
                    f"The answer broke off: {error}",
                    "Ask again; the details are in the server's log.",
                )
            )
            raise
        finally:
            self._conversations.save(self.message, self.events, state)
            self.ended.set()

    def _consume(self) -> State:
        saved = time.monotonic()
        source = self._answer()
        try:
            for event in source:
                if not isinstance(event, Beat):
                    self.events.append(event)
                if self._stopping.is_set():
                    return "stopped"
                if time.monotonic() - saved > SAVED_EVERY:
                    self._conversations.save(self.message, self.events, "streaming")
                    saved = time.monotonic()
        finally:
            close = getattr(source, "close", None)
            if close:
                close()
        return "failed" if self.events and isinstance(self.events[-1], Failed) else "done"


class Streams:
    """The answers that are growing in this process, by message."""

    def __init__(self) -> None:
        self._streams: dict[int, Stream] = {}
        self._lock = threading.Lock()

    def start(
        self, conversations: Conversations, message: int, answer: Callable[[], Iterator[Event]]
    ) -> Stream:
        """Begin to consume `answer()` into that message."""
        with self._lock:
            self._streams = {
                key: stream for key, stream in self._streams.items() if not stream.ended.is_set()
            }
            self._streams[message] = Stream(conversations, message, answer)
            return self._streams[message]

    def get(self, message: int) -> Stream | None:
        """The growing answer of that message, or None where it has ended here or runs elsewhere."""
        return self._streams.get(message)


STREAMS = Streams()

"""Answers that grow in threads of the server: no click or reload ends them, any page can watch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from workbench.chat.conversations import Conversations, Message, State
from workbench.chat.events import Beat, Event, Failed, Waiting
from workbench.chat.owners import name_of_this
from workbench.errors import Unavailable, Unwritable, WorkbenchError
from workbench.messages import say

SAVED_EVERY = 0.3  # seconds
TRIED_AGAIN = 1.0  # seconds between two tries where the database is away
KEPT_FOR = 3600.0  # seconds for which a whole answer waits for the database
OWNER = name_of_this()  # this run of the server

Answer = Callable[[], Iterator[Event]]
Place = tuple[str, int]  # database of conversations, number of the message


class Stream:
    """One growing answer. `events` only grows; `ended` is always set, after the last save.

    Nothing changes an answer that has ended. Where the last save fails, `unsaved` is true: the
    database still has the answer as it was saved before. A database that is only away gets it when
    it is back; else `events` ends with the failure.
    """

    def __init__(self, conversations: Conversations, message: int, answer: Answer) -> None:
        self.message = message
        self.events: list[Event] = []
        self.state: State = "streaming"
        self.unsaved = False
        self.place = 0  # in the line of those who wait for an answer
        self.begun = time.monotonic()
        self._save_at = self.begun + SAVED_EVERY
        self.ended = threading.Event()
        self._turn = threading.Lock()  # the answer's thread and a person's Stop write one by one
        self._conversations = conversations
        self._answer = answer
        self._thread = threading.Thread(target=self._run, name=f"answer-{message}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the answer now, with what it has.

        Its thread may still wait for a server. It closes the agent at the next event, and all that
        it brings is dropped.
        """
        self._end("stopped")

    def _run(self) -> None:
        try:
            self._end(self._consume())
        except WorkbenchError as error:
            self._end("failed", error)
        except BaseException as error:
            problem = say("The answer broke off: {error}", error=error)
            fix = "Ask again; the details are in the server's log."
            self._end("failed", WorkbenchError(problem, fix))
            raise

    def _consume(self) -> State:
        """Take events until the last one or a stop; returns the state of the answer."""
        # started here, not by the caller: an agent's first line may take seconds
        source = self._answer()
        try:
            for event in source:
                if not self._take(event):
                    return "stopped"
        finally:
            # the agent's own `finally` stops its model now, not when it is collected
            close = getattr(source, "close", None)  # only generators have it
            if close:
                close()
        failed = bool(self.events) and isinstance(self.events[-1], Failed)
        return "failed" if failed else "done"

    def _take(self, event: Event) -> bool:
        """Add the event; False where the answer has ended meanwhile."""
        with self._turn:
            if self.ended.is_set():
                return False
            if isinstance(event, Waiting):
                self.place = event.place
            if not isinstance(event, Beat):
                self.events.append(event)
            if time.monotonic() > self._save_at:
                return self._save_so_far()
            return True

    def _save_so_far(self) -> bool:
        """Each save is of the whole: one that fails while the database is away is not missed.

        False where somebody has stopped the answer from another process.
        """
        pause, grows = SAVED_EVERY, True
        try:
            grows = self._conversations.save(self.message, self.events, "streaming")
        except Unwritable:
            raise
        except Unavailable:
            pause = TRIED_AGAIN
        self._save_at = time.monotonic() + pause
        return grows

    def _end(self, state: State, error: WorkbenchError | None = None) -> None:
        """The last save. The first to end the answer does it, the person or the thread."""
        with self._turn:
            if self.ended.is_set():
                return
            self.state = state
            if error:
                self._fail(error)
            try:
                self._conversations.save(self.message, self.events, self.state)
            except WorkbenchError as unsaved:
                self.unsaved = True
                if isinstance(unsaved, Unavailable) and not isinstance(unsaved, Unwritable):
                    name = f"unsaved-{self.message}"
                    threading.Thread(target=self._save_later, name=name, daemon=True).start()
                else:
                    self._fail(unsaved)
            finally:
                self.ended.set()  # a page waits for it: without it the page polls for ever

    def _save_later(self) -> None:
        """Save the answer when the database is back."""
        end = time.monotonic() + KEPT_FOR
        while self.unsaved:
            time.sleep(TRIED_AGAIN)
            try:
                self._conversations.save(self.message, self.events, self.state)
                self.unsaved = False
            except WorkbenchError as error:
                if not isinstance(error, Unavailable) or time.monotonic() > end:
                    self._fail(error)
                    return

    def _fail(self, error: WorkbenchError) -> None:
        self.state = "failed"
        self.events.append(Failed(error.problem, error.fix))


class Streams:
    """The answers of this process by their place: those that grow or were not saved."""

    def __init__(self) -> None:
        self._streams: dict[Place, Stream] = {}
        self._lock = threading.Lock()

    def start(self, conversations: Conversations, message: int, answer: Answer) -> Stream:
        """Begin to consume `answer()` into that message."""
        stream = Stream(conversations, message, answer)
        with self._lock:
            kept = {_place(conversations, message): stream}
            for place, other in self._streams.items():
                # the others are stored: the page reads them from the database
                if other.unsaved or not other.ended.is_set():
                    kept[place] = other
            self._streams = kept
        return stream

    def get(self, conversations: Conversations, message: int) -> Stream | None:
        """The answer's stream, or None where it has long ended here or runs in another process."""
        return self._streams.get(_place(conversations, message))

    def growing(self) -> int:
        """How many answers grow in this process now."""
        return sum(not stream.ended.is_set() for stream in list(self._streams.values()))

    def as_they_ended(
        self, conversations: Conversations, messages: Sequence[Message]
    ) -> list[Message]:
        """The stored messages, with an answer whose last save failed as its stream has it."""
        return [self._as_it_ended(conversations, message) for message in messages]

    def _as_it_ended(self, conversations: Conversations, message: Message) -> Message:
        stream = self.get(conversations, message.id)
        if stream is None or not stream.unsaved:
            return message
        return replace(message, events=list(stream.events), state=stream.state)


def _place(conversations: Conversations, message: int) -> Place:
    """Messages of two people may have the same number, so whose they are is part of the key."""
    return str(conversations.place), message


STREAMS = Streams()

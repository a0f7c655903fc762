"""A question (and files dropped with it) -> stored messages whose answers grow, one or two side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from agents.answer import answer
from agents.tuned.agent import load_tuned
from rag.retriever import retrieve
from rag.store import open_collection
from workbench.chat.conversations import Conversations
from workbench.chat.events import Event, Failed, Thought
from workbench.chat.streams import OWNER, STREAMS
from workbench.errors import WorkbenchError
from workbench.jobs.job import Job
from workbench.settings import Settings

SIDE_BY_SIDE = "side_by_side"
SIDES = ("documents", "tuned")
CARRIED = (
    "model",
    "tuned",
    "collection",
    "source",
)  # choices that an answer is given with, kept with it


def ask(
    text: str,
    mode: str,
    settings: Settings,
    conversations: Conversations,
    conversation: int | None = None,
    job: Job | None = None,
) -> int:
    """Store the question, start its answer or answers, and return the conversation."""
    conversation = conversation or conversations.create(text)
    question = conversations.add(conversation, "user", text)
    start_answers(question, mode, settings, conversations, job)
    return conversation


def start_answers(
    question: int,
    mode: str,
    settings: Settings,
    conversations: Conversations,
    job: Job | None = None,
) -> None:
    """Let every agent of that mode answer the stored question, each in a thread of its own."""
    asked = conversations.message(question)
    history = conversations.history(asked.conversation, before=question)
    chosen = {name: getattr(settings, name) for name in CARRIED}
    for side in SIDES if mode == SIDE_BY_SIDE else (mode,):
        message = conversations.add(
            asked.conversation,
            "assistant",
            "",
            state="streaming",
            mode=side,
            settings=chosen,
            owner=OWNER,
        )

        def events(side: str = side) -> Iterator[Event]:
            if job and side != "tuned":
                yield from wait_for(job)
            yield from answer(asked.content, history, settings, side)

        STREAMS.start(conversations, message, events)


def warm(settings: Settings) -> None:
    """Load the collection's index and embedder while the person still types."""
    _ahead(lambda: retrieve("warm", open_collection(settings, settings.collection), settings, 1))


def warm_tuned(settings: Settings) -> None:
    """Load the tuned model, where it is one of this workspace, while the person still types."""
    _ahead(lambda: load_tuned(settings))


def _ahead(load: Callable[[], object]) -> None:
    """In a thread; what goes wrong is said when the person asks."""

    def run() -> None:
        with suppress(WorkbenchError):
            load()

    threading.Thread(target=run, name="warm", daemon=True).start()


def wait_for(job: Job) -> Iterator[Event]:
    """Until the dropped files are in the collection; each that could not be read is said."""
    yield Thought(f"{job.title}…")
    while job.state == "running":
        time.sleep(0.2)
        yield Thought("")  # lets Stop through
    last = job.last()
    for failure in last.get("failed", []):
        yield Failed(f"{Path(failure['file']).name}: {failure['problem']}", failure["fix"])
    if last.get("event") == "failed":
        raise WorkbenchError(last["problem"], last["fix"])

"""A question (and files dropped with it) -> stored messages whose answers grow, one or several."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from agents.answer import answer
from agents.registry import AGENTS, AUTO, SIDE_BY_SIDE, asset_settings, default_agent, modes_of
from workbench.chat.conversations import Conversations, Message
from workbench.chat.events import Beat, Event, Notice, Thought
from workbench.chat.streams import OWNER, STREAMS
from workbench.errors import WorkbenchError
from workbench.jobs.job import Job
from workbench.messages import say
from workbench.settings import Settings

LOOKED_EVERY = 0.2  # seconds, while files are read

_warmed: set[tuple[str, ...]] = set()  # (mode, workspace, asset) that this process has loaded
_warmed_lock = threading.Lock()


def ask(
    text: str,
    mode: str,
    settings: Settings,
    conversations: Conversations,
    conversation: int | None = None,
    job: Job | None = None,
    instead_of: int | None = None,
) -> int:
    """Store the question, start its answer or answers, and return the conversation.

    `job` reads files that were dropped with the question. With `instead_of` it is another version
    of that question.
    """
    if conversation is None:
        conversation = conversations.create(text)
    question = conversations.add(conversation, "user", text, instead_of=instead_of)
    start_answers(question, mode, settings, conversations, job)
    return conversation


def ask_edited(
    before: Message, text: str, mode: str, settings: Settings, conversations: Conversations
) -> int:
    """Ask the question in other words; the former one stays as another version, with its answer."""
    return ask(text, mode, settings, conversations, before.conversation, instead_of=before.id)


def answer_again(
    question: Message,
    answers: Sequence[Message],
    settings: Settings,
    conversations: Conversations,
    instead: str = "",
) -> None:
    """Answer once more, by the same agents or by `instead`; the former answers stay as a version.

    Such a correction is remembered: the router sends the same question there the next time.
    """
    if instead:
        conversations.reroute(question.content, instead)
        mode = instead
    elif len(answers) > 1:
        mode = SIDE_BY_SIDE
    else:
        mode = answers[0].mode
    start_answers(question.id, mode, settings, conversations, instead_of=answers[0].id)


def start_answers(
    question: int,
    mode: str,
    settings: Settings,
    conversations: Conversations,
    job: Job | None = None,
    instead_of: int | None = None,
) -> None:
    """Let every agent of that mode answer the stored question, each in a thread of its own.

    With `instead_of`, an answer, they are another version of it.
    """
    asked = conversations.message(question)
    history = conversations.history(asked.conversation, before=question)
    carried = ["model", *asset_settings()]
    chosen = {name: getattr(settings, name) for name in carried}
    for one in modes_of(mode):
        message = conversations.add(
            asked.conversation,
            "assistant",
            "",
            state="streaming",
            mode=one,
            settings=chosen,
            owner=OWNER,
            instead_of=instead_of,
        )
        instead_of = None  # the next answers stand beside this one

        def events(one: str = one) -> Iterator[Event]:
            if job and not _answers_from_memory(one):
                yield from wait_for(job)
            yield from answer(asked.content, history, settings, one)

        STREAMS.start(conversations, message, events)


def _answers_from_memory(mode: str) -> bool:
    """Whether the agent has nothing but its model to answer from, so that no file matters to it."""
    return mode in AGENTS and AGENTS[mode].from_memory


def wait_for(job: Job) -> Iterator[Event]:
    """Until the dropped files are in the collection. Each file that failed becomes a notice.

    Raises WorkbenchError where none of them could be read.
    """
    yield Thought(f"{job.title}…")
    while job.state == "running":
        time.sleep(LOOKED_EVERY)
        yield Beat()
    last = job.last()
    for failure in last.get("failed", []):
        yield Notice(
            say(
                "{file}: {problem} {fix}",
                file=Path(failure["file"]).name,
                problem=failure["problem"],
                fix=failure["fix"],
            )
        )
    if last.get("event") == "failed":
        raise WorkbenchError(last["problem"], last["fix"])


def warm_up(mode: str, settings: Settings) -> None:
    """Load in threads what an answer in that mode would wait for, while the person still types.

    Once per process, agent and asset. In `auto` only the default agent is loaded: the weights of
    others take memory that may never be used.
    """
    modes = [default_agent().mode] if mode == AUTO else modes_of(mode)
    for one in modes:
        asset = getattr(settings, AGENTS[one].asset or "model")
        key = (one, str(settings.home), asset)
        with _warmed_lock:
            if key in _warmed:
                continue
            _warmed.add(key)
        threading.Thread(
            target=_warm, args=(key, settings), name=f"warm-{one}", daemon=True
        ).start()


def _warm(key: tuple[str, ...], settings: Settings) -> None:
    try:
        AGENTS[key[0]].warm(settings)
    except WorkbenchError:  # said when the person asks; tried again, for the asset may come
        with _warmed_lock:
            _warmed.discard(key)

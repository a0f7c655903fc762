"""A question (and files dropped with it) -> stored messages whose answers grow, one or several."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from agents.answer import answer
from agents.attached import (
    AttachedFile,
    chat_collection,
    files_of,
    job_of,
    none_was_read,
    read_now,
    sources_of,
    unread,
)
from agents.beside import ARM, BLIND, Beside, beside_of, mode_of, modes_asked
from agents.compare.names import DOCUMENTS, TUNED
from agents.registry import AGENTS, AUTO, SIDE_BY_SIDE, asset_settings, default_agent
from agents.router import forced, warm_routing
from workbench.chat.conversations import Conversations, Message, Turn
from workbench.chat.events import Beat, Done, Event, Failed, Notice
from workbench.chat.line import in_line
from workbench.chat.streams import OWNER, STREAMS
from workbench.errors import Unavailable, WorkbenchError
from workbench.messages import say
from workbench.models.chosen import warm_client
from workbench.models.listing import CONNECT, NONE
from workbench.settings import Settings

BESIDE = Beside()
LOOKED_EVERY = 0.2  # seconds, while files are read
MODEL = "model"  # what is warmed up for every mode

_warmed: set[tuple[str, ...]] = set()  # (mode, workspace, asset) that this process has loaded
_warmed_lock = threading.Lock()


def ask(
    text: str,
    mode: str,
    settings: Settings,
    conversations: Conversations,
    conversation: int | None = None,
    note: dict[str, Any] | None = None,
    instead_of: int | None = None,
    beside: Beside = BESIDE,
) -> int:
    """Store the question, start its answer or answers, and return the conversation.

    `note` is what the question keeps in its settings, such as the files that came with it. With
    `instead_of` it is another version of that question. `beside` names the arms of the mode
    `side_by_side`.
    """
    if conversation is None:
        conversation = conversations.create(text)
    question = conversations.add(conversation, "user", text, settings=note, instead_of=instead_of)
    start_answers(question, mode, settings, conversations, beside=beside)
    return conversation


def ask_edited(
    before: Message,
    text: str,
    mode: str,
    settings: Settings,
    conversations: Conversations,
    beside: Beside = BESIDE,
) -> int:
    """Ask the question in other words; the former one stays as another version, with answer.

    The files that came with it come with the new one.
    """
    return ask(
        text,
        mode,
        settings,
        conversations,
        before.conversation,
        before.settings,
        instead_of=before.id,
        beside=beside,
    )


def answer_again(
    question: Message,
    answers: Sequence[Message],
    settings: Settings,
    conversations: Conversations,
    instead: str = "",
) -> None:
    """Answer once more with these settings, by the same agents or by `instead`.

    The former answers stay as a version. An agent asked instead is remembered: the router sends the
    same question there the next time.
    """
    if instead:
        conversations.reroute(question.content, instead)
        mode = instead
    elif len(answers) > 1:
        mode = SIDE_BY_SIDE
    else:
        mode = answers[0].mode
    first = answers[0].id
    beside = beside_of(answers)
    start_answers(question.id, mode, settings, conversations, instead_of=first, beside=beside)


def start_answers(
    question: int,
    mode: str,
    settings: Settings,
    conversations: Conversations,
    instead_of: int | None = None,
    beside: Beside = BESIDE,
) -> None:
    """Let every agent of that mode answer the stored question, each in a thread of its own.

    The files that came with the question are asked first. With `instead_of`, an answer, they are
    another version of it.
    """
    asked = conversations.message(question)
    history = conversations.history(asked.conversation, before=question)
    settings = settings.model_copy(update={"attached": chat_collection(asked.conversation)})
    before = conversations.message(instead_of).versions if instead_of else ()
    for wanted in _answerers(mode, beside, settings, question, len(before)):
        message = conversations.add(
            asked.conversation,
            "assistant",
            "",
            state="streaming",
            mode=wanted.mode,
            settings=wanted.chosen,
            owner=OWNER,
            instead_of=instead_of,
        )
        instead_of = None  # the next answers stand beside this one

        def events(wanted: _Answerer = wanted) -> Iterator[Event]:
            begun = time.monotonic()
            files: list[str] = []
            if not _answers_from_memory(wanted.mode):
                yield from wait_for(asked, settings)
                files = sources_of(asked, settings)
            given = partial(
                answer_as, asked.content, history, settings, wanted.mode, files, wanted.arm
            )
            yield from timed(in_line(given, settings), begun)

        STREAMS.start(conversations, message, events)


@dataclass(frozen=True)
class _Answerer:
    """Who is to answer: a mode, or an arm of the mode `side_by_side`; `chosen` is kept with it."""

    mode: str
    chosen: dict[str, Any]
    arm: str = ""


def _answerers(
    mode: str, beside: Beside, settings: Settings, question: int, before: int
) -> list[_Answerer]:
    """Those that one question is asked of, as they stand from left to right."""
    carried = ["model", *asset_settings()]
    chosen = {name: getattr(settings, name) for name in carried}
    if mode != SIDE_BY_SIDE:
        return [_Answerer(mode, chosen)]
    found = []
    for arm in beside.ordered(question, before):
        kept = chosen | {ARM: arm, BLIND: beside.blind}
        found.append(_Answerer(mode_of(arm), kept, arm))
    return found


def answer_as(
    text: str,
    history: Sequence[Turn],
    settings: Settings,
    mode: str,
    files: Sequence[str],
    arm: str,
) -> Generator[Event, None, None]:
    """The events of one answer in that mode, or by that arm where one is named."""
    if arm:
        try:
            settings = _arm_settings(arm, settings)
        except WorkbenchError as error:
            yield Failed(error.problem, error.fix)
            return
        text, _ = forced(text, mode)  # a command chooses no agent among these
    yield from answer(text, history, settings, mode, files)


def _arm_settings(arm: str, settings: Settings) -> Settings:
    """The settings with which that arm answers in its mode. Raises WorkbenchError."""
    from agents.compare.arms import parse_arm  # with all that it can ask

    if arm in AGENTS and arm != TUNED:
        return settings
    found = parse_arm(arm, settings)
    if found.model == NONE and found.mode != DOCUMENTS:
        raise Unavailable("No chat model is connected.", CONNECT)
    return found.settings


def _answers_from_memory(mode: str) -> bool:
    """Whether the agent has nothing but its model to answer from, so that no file matters to it."""
    return mode in AGENTS and AGENTS[mode].from_memory


def wait_for(question: Message, settings: Settings) -> Iterator[Event]:
    """Until the files that came with the question are read. Each that failed becomes a notice.

    Raises WorkbenchError where none of them could be read.
    """
    job = job_of(question, settings)
    while job and job.state == "running":
        time.sleep(LOOKED_EVERY)
        yield Beat()
    yield from told_of(files_of(question, settings))


def told_of(files: Sequence[AttachedFile]) -> Iterator[Notice]:
    """A notice for each file that could not be read; raises WorkbenchError where none could."""
    failed = unread(files)
    if files and len(failed) == len(files):
        raise none_was_read(files)
    for file in failed:
        yield Notice(say("{file} was not read: {problem}", file=file.name, problem=file.problem))


def answer_with_files(
    text: str,
    history: Sequence[Turn],
    settings: Settings,
    mode: str,
    paths: Sequence[Path],
    passwords: Mapping[str, str] | None = None,
) -> Generator[Event, None, None]:
    """Read the files and answer from them first; a command's question. Failed or Done is last."""
    if not paths:
        yield from answer(text, history, settings, mode)
        return
    begun = time.monotonic()
    try:
        collection, files = read_now(paths, settings, passwords)
        yield from told_of(files)
    except WorkbenchError as error:
        yield Failed(error.problem, error.fix)
        return
    chosen = settings.model_copy(update={"attached": collection})
    sources = [str(file.path) for file in files if file.state == "indexed"]
    yield from timed(answer(text, history, chosen, mode, sources), begun)


def timed(events: Iterator[Event], begun: float) -> Iterator[Event]:
    """The events; the answer's time counts from `begun` (time.monotonic), with all waiting."""
    for event in events:
        if isinstance(event, Done):
            event = replace(event, seconds=time.monotonic() - begun)
        yield event


def warm_up(mode: str, settings: Settings, beside: Beside = BESIDE) -> Sequence[threading.Thread]:
    """Load in threads what an answer in that mode would wait for, while the person still types.

    Once per process, agent and asset. In `auto` the router is made ready and only the default agent
    is loaded: the weights of others take memory that may never be used. Returns the threads.
    """
    warms = {one: AGENTS[one].warm for one in modes_asked(mode, beside) if one != AUTO}
    if mode == AUTO:
        default = default_agent()
        warms = {default.mode: default.warm, AUTO: warm_routing}
    warms[MODEL] = warm_client
    started = []
    for one, warm in warms.items():
        asset = getattr(settings, AGENTS[one].asset or "model") if one in AGENTS else settings.model
        key = (one, str(settings.home), asset)
        with _warmed_lock:
            if key in _warmed:
                continue
            _warmed.add(key)
        # no daemon: the process aborts where it ends while a native library loads
        thread = threading.Thread(
            target=_warm, args=(key, warm, settings), name=f"warm-{one}", daemon=False
        )
        thread.start()
        started.append(thread)
    return started


def _warm(key: tuple[str, ...], warm: Callable[[Settings], None], settings: Settings) -> None:
    try:
        warm(settings)
    except WorkbenchError:  # said when the person asks; tried again, for the asset may come
        with _warmed_lock:
            _warmed.discard(key)
    except Exception:
        if threading.main_thread().is_alive():  # else the program ends, and no pool starts any more
            raise

"""Turns and a tokenizer -> the text of the model's own chat template, within limits.

A template is a small program of whoever made the model. Its sandbox, transformers' own, keeps it
from files and from Python's insides, but not from running on: another thread looks at the clock
and at the memory, and raises an exception in the thread that renders. Python delivers it between
two steps of the template, so one single step that takes long or much is not ended: powers, the
worst of them, are refused beforehand; a text times a large number is not.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workbench.errors import InvalidInput
from workbench.messages import say

SECONDS = 5  # real templates take milliseconds
MEMORY = 1_000_000_000  # bytes by which the process may grow meanwhile
LONGEST_TEMPLATE = 1_000_000  # characters
LONGEST_TEXT = 20_000_000  # characters of what it renders
LOOK = 0.05  # seconds between two looks
FIX = say("The template is a program of the model's maker: take the model from another place.")


class _Ended(Exception):
    """Raised inside a template that has run for too long."""


def render_template(tokenizer: Any, turns: Sequence[dict[str, Any]], **options: Any) -> str:
    """What `apply_chat_template` gives as text. `options` are its own and the template's.

    Raises InvalidInput where a limit is met, and what the template itself raises.
    """
    template = options.get("chat_template") or tokenizer.get_chat_template(
        tools=options.get("tools")
    )
    _check(template)
    text = _limited(lambda: tokenizer.apply_chat_template(list(turns), tokenize=False, **options))
    if len(text) > LONGEST_TEXT:
        raise InvalidInput("The model's chat template writes too long a text.", FIX)
    return text


@lru_cache(maxsize=8)
def _check(template: str) -> None:
    """Refuse what cannot be ended once it runs. Errors of the syntax are left to the rendering."""
    from jinja2 import TemplateSyntaxError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    if len(template) > LONGEST_TEMPLATE:
        raise InvalidInput("The model's chat template is too long.", FIX)
    with suppress(TemplateSyntaxError):
        words = ImmutableSandboxedEnvironment().lex(template)  # runs nothing
        if any(kind == "operator" and word == "**" for _, kind, word in words):
            raise InvalidInput("The model's chat template calculates powers.", FIX)


def _limited(render: Callable[[], str]) -> str:
    _start_looking()
    one = _Rendering(threading.get_ident(), time.monotonic())
    try:
        try:
            _begin(one)
            return render()
        finally:
            _end(one)
    except (_Ended, MemoryError, OverflowError, RecursionError) as error:
        _end(one)  # the exception may have come before the first call of it
        name = type(error).__name__
        endless = say("The model's chat template runs without an end ({error}).", error=name)
        raise InvalidInput(one.problem or endless, FIX) from error


@dataclass(eq=False)
class _Rendering:
    """One that is under way."""

    thread: int
    start: float
    memory: int = 0
    """Bytes of the process at the first look."""
    problem: str = ""
    raising: bool = False

    def find_problem(self, memory: int) -> str:
        """What limit is met; empty for none."""
        self.memory = self.memory or memory
        if memory - self.memory > MEMORY:
            return say("The model's chat template needs too much memory.")
        if time.monotonic() - self.start > SECONDS:
            return say("The model's chat template runs for over {n} seconds.", n=SECONDS)
        return ""


# No lock guards what is under way: the exception could come while it is held, and leave it so.
_under_way: dict[int, _Rendering] = {}
_any = threading.Event()
_starting = threading.Lock()
_looking = threading.Thread()


def _begin(one: _Rendering) -> None:
    _under_way[one.thread] = one
    _any.set()


def _end(one: _Rendering) -> None:
    """From here on nothing is raised."""
    _under_way.pop(one.thread, None)
    while one.raising:
        time.sleep(0)
    _raise_in(one.thread, None)


def _start_looking() -> None:
    """One thread looks at all that is under way; a fork has to start its own."""
    global _looking
    if not _looking.is_alive():
        with _starting:
            if not _looking.is_alive():
                _looking = threading.Thread(target=_look, daemon=True)
                _looking.start()


def _look() -> None:
    while True:
        _any.wait()
        time.sleep(LOOK)
        if not _under_way:
            _any.clear()
            if not _under_way:  # else one has just begun
                continue
            _any.set()
        memory = _memory()
        for one in list(_under_way.values()):
            problem = one.find_problem(memory)
            if problem:
                _end_by_force(one, problem)


def _end_by_force(one: _Rendering, problem: str) -> None:
    one.raising = True
    if _under_way.get(one.thread) is one:
        one.problem = problem
        _raise_in(one.thread, _Ended)
    one.raising = False


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Let a thread find an exception at its next step; None takes back one that waits."""
    raised = ctypes.py_object(kind) if kind else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


def _memory() -> int:
    """Bytes of this process in memory."""
    import psutil

    return psutil.Process().memory_info().rss

"""A prompt -> the connected chat model's reply to it, beside the answer that is being made.

It is asked in a thread of its own, with beats meanwhile: whoever waits can leave at any of them,
also from a server that never answers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import closing
from contextvars import copy_context

from agents.question import Question
from workbench.chat.events import Beat
from workbench.errors import WorkbenchError
from workbench.models.reasoning import answer_only

BEAT = 0.1  # seconds between two beats
ANSWER_TOKENS = 256  # room for some thinking before a line


def ask_aside(question: Question, prompt: str, patience: float) -> Generator[Beat, None, str]:
    """The reply without its thinking.

    Empty without a model, where it fails, and after `patience` seconds.
    """
    asked = _Asked(question, prompt)
    deadline = time.monotonic() + patience
    try:
        while not asked.ended.wait(BEAT):
            if time.monotonic() > deadline:
                return ""
            yield Beat()
    finally:
        asked.left.set()
    return asked.reply


class _Asked:
    """The model at work. It stops at its next piece of text once `left` is set."""

    def __init__(self, question: Question, prompt: str) -> None:
        self.reply = ""
        self.left = threading.Event()
        self.ended = threading.Event()
        self._question = question
        self._prompt = prompt
        # a daemon: a server that never answers does not keep the program from ending
        run = (self._run,)
        threading.Thread(target=copy_context().run, args=run, name="aside", daemon=True).start()

    def _run(self) -> None:
        try:
            self.reply = self._read()
        except WorkbenchError:
            return  # who asks aside can do without
        finally:
            self.ended.set()

    def _read(self) -> str:
        model = self._question.model
        if model is None:
            return ""
        brief = model.changed(answer_tokens=ANSWER_TOKENS, temperature=0.0, system_prompt="")
        text = ""
        with closing(brief.stream([("user", self._prompt)])) as pieces:
            for piece in pieces:
                if self.left.is_set():
                    break
                text += piece
        return answer_only(text)

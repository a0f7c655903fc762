"""One answer's work: its limits, its steps, and the queue of events that its reader takes from."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any, Literal

from agents.assistant.guard import Guard
from agents.assistant.numbering import Numbering
from agents.budget import prompt_room
from agents.tools.experts import is_shown
from agents.tools.tool import Outcome, Tool
from workbench.chat.consents import CONSENTS
from workbench.chat.events import Calling, Event, Step, Table, to_dict
from workbench.errors import WorkbenchError
from workbench.language import tokens
from workbench.messages import listed, say
from workbench.settings import Settings

CONSENT_SECONDS = 300.0  # then a call that nobody allowed is not made
LOOKS_EVERY = 0.1  # seconds
KEPT_CHARACTERS = 20_000  # of a step's result, for the person
FEWEST_TOLD = 200  # tokens of it, for the model
KEPT_ROWS = 200  # of a table inside a step
NO_SUCH_TOOL = say("There is no such tool.")
REFUSED = say("The person did not allow this call.")
LIMIT = say("Not called: no more steps are left. Answer with what is known.")

Limit = Literal["steps", "seconds", "tokens"]


class Left(BaseException):
    """The reader of the answer has left: no error, and nobody is told."""


class LimitReached(Exception):
    """A limit that ends the answer at once."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit)
        self.limit = limit


@dataclass
class Work:
    """What the thread at work and the reader of its events share."""

    settings: Settings
    guard: Guard
    tools: dict[str, Tool]
    events: SimpleQueue[Event | None] = field(default_factory=SimpleQueue)
    left: threading.Event = field(default_factory=threading.Event)
    numbering: Numbering = field(default_factory=Numbering)
    results: dict[int, Outcome] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)
    waited: float = 0.0  # seconds for a person's consent, which are not the answer's own
    made: int = 0  # tokens
    read: int = 0  # tokens of all prompts
    last_read: int = 0  # of the last prompt, which is what the chat fills of the context
    steps: int = 0

    @property
    def room(self) -> int:
        """Tokens of a result that the model is told, so that all steps fit into its context."""
        share = prompt_room(self.settings) // (self.settings.assistant_steps + 1)
        return max(FEWEST_TOLD, share)

    @property
    def exhausted(self) -> bool:
        """Whether no more steps are left."""
        return self.steps >= self.settings.assistant_steps

    @property
    def overdue(self) -> float:
        """Seconds beyond the limit; negative before."""
        used = time.monotonic() - self.begun - self.waited
        return used - self.settings.assistant_seconds

    def check(self) -> None:
        """Raises Left where the reader has left, LimitReached where time or tokens are used up."""
        if self.left.is_set():
            raise Left
        if self.overdue > 0:
            raise LimitReached("seconds")
        if self.made + self.read > self.settings.assistant_tokens:
            raise LimitReached("tokens")

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Run a tool as the next step; returns what the model is told."""
        self.check()
        tool = self.tools.get(name)
        if self.exhausted:
            return LIMIT
        self.steps += 1
        number = self.steps
        problem = tool.problem_with(arguments) if tool else NO_SUCH_TOOL
        if tool is None or problem:
            return self._told(number, name, arguments, Outcome(problem, state="failed"))
        reason = self.guard.refuse(tool, arguments)
        if reason or not self._allowed(number, tool, arguments):
            return self._told(number, name, arguments, Outcome(reason or REFUSED, state="refused"))
        self.numbering.begin()
        outcome, seconds, shown = self._run(tool, arguments)
        if self.numbering.of_this_step():
            outcome = replace(outcome, text=self.numbering.rewritten(outcome.text))
        self.results[number] = outcome
        self.guard.learn(tool, arguments, outcome)
        return self._told(number, name, arguments, outcome, seconds, shown)

    def broken_call(self, name: str, problem: str) -> None:
        """A call of the model that could not be read is a step that failed."""
        self.steps += 1
        self._told(self.steps, name, {}, Outcome(problem, state="failed"))

    def _allowed(self, number: int, tool: Tool, arguments: dict[str, Any]) -> bool:
        """Whether the call may be made; waits for a person where it has to be asked about."""
        if not tool.asks:
            self.events.put(Calling(number, tool.name, arguments, server=tool.server))
            return True
        name = CONSENTS.ask()
        self.events.put(Calling(number, tool.name, arguments, name, tool.server))
        asked = time.monotonic()
        try:
            while CONSENTS.verdict(name) is None:
                if self.left.wait(LOOKS_EVERY):
                    raise Left
                if time.monotonic() - asked > CONSENT_SECONDS:
                    return False
            verdict = CONSENTS.verdict(name)
        finally:
            CONSENTS.forget(name)
            self.waited += time.monotonic() - asked
        if verdict == "always":
            tool.remember()
        return verdict != "no"

    def _run(
        self, tool: Tool, arguments: dict[str, Any]
    ) -> tuple[Outcome, float, list[dict[str, Any]]]:
        """The outcome, its seconds, and the events that the step keeps."""
        begun = time.monotonic()
        shown: list[dict[str, Any]] = []
        try:
            with closing(tool.run(arguments, self.results)) as events:
                outcome = self._take(events, shown)
        except WorkbenchError as error:
            outcome = Outcome(listed([error.problem, error.fix], " "), state="failed")
        return outcome, time.monotonic() - begun, shown

    def _take(
        self, events: Generator[Event, None, Outcome], shown: list[dict[str, Any]]
    ) -> Outcome:
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                return end.value
            self.check()
            if is_shown(event):
                shown.append(to_dict(self.numbering.numbered(shortened(event))))

    def _told(
        self,
        number: int,
        name: str,
        arguments: dict[str, Any],
        outcome: Outcome,
        seconds: float = 0.0,
        shown: list[dict[str, Any]] | None = None,
    ) -> str:
        result = outcome.text  # as it is, for a message can be translated
        if len(result) > KEPT_CHARACTERS:
            result = result[:KEPT_CHARACTERS]
        step = Step(number, name, arguments, result, outcome.state, round(seconds, 2), shown or [])
        self.events.put(step)
        for source in self.numbering.of_this_step() if shown else ():
            self.events.put(source)  # the answer may cite it too
        return as_data(number, name, outcome, self.room)


def as_data(number: int, name: str, outcome: Outcome, room: int) -> str:
    """A result as the model reads it: marked as data, and unable to close its own mark.

    It has at most about `room` tokens.
    """
    text = str(outcome.text)
    size = tokens(text)
    if size > room:
        text = text[: len(text) * room // size] + "\n… (cut off)"
    text = text.replace("</result", "<\u200b/result").replace("<result", "<\u200bresult")
    table = ""
    if outcome.table is not None:
        columns = ", ".join(outcome.table.columns)
        table = f' table="step{number}: {columns}"'.replace("<", "(").replace(">", ")")
    return (
        f'<result step="{number}" tool="{name}" state="{outcome.state}"{table}>\n{text}\n</result>'
    )


def shortened(event: Event) -> Event:
    """A step keeps the first rows of a long table."""
    if isinstance(event, Table) and len(event.rows) > KEPT_ROWS:
        return Table(event.columns, event.rows[:KEPT_ROWS], truncated=True)
    return event

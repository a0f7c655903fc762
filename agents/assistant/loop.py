"""LangChain's agent over our tools, in a thread: model, tools, model, until it answers."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextvars import copy_context
from queue import Empty
from typing import TYPE_CHECKING, Any

from agents.assistant.speaking import Speaker, speak
from agents.assistant.work import Left, LimitReached, Work
from agents.tools.tool import Tool
from workbench.chat.events import Beat, Event

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

BEAT = 0.1  # seconds between two beats
GRACE = 2.0  # seconds that a tool without beats may go on after the time is over
ROUNDS = 4  # of the graph for each step, and some more: our own limits end the answer before


class Loop:
    """The work as a thread. `text` is the model's answer, `limit` what ended it early."""

    def __init__(
        self, work: Work, speaker: Speaker, system: str, messages: Sequence[BaseMessage]
    ) -> None:
        self.text = ""
        self.limit = ""
        self._work = work
        self._speaker = speaker
        self._system = system
        self._messages = list(messages)
        self._error: BaseException | None = None

    def events(self) -> Generator[Event, None, None]:
        """Thoughts, calls and steps as they come, with beats between. Closing it ends the work.

        Raises what the model raises. A tool that neither ends nor beats is left behind when the
        time is over.
        """
        # a daemon: a tool that never returns does not keep the program from ending
        run = (self._run,)
        threading.Thread(target=copy_context().run, args=run, name="assistant", daemon=True).start()
        queue = self._work.events
        try:
            while True:
                try:
                    event = queue.get(timeout=BEAT)
                except Empty:
                    if self._work.overdue > GRACE:
                        self.limit = "seconds"
                        return
                    yield Beat()
                    continue
                if event is None:
                    break
                yield event
        finally:
            self._work.left.set()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self.text = self._answer()
        except Left:
            pass
        except LimitReached as reached:
            self.limit = reached.limit
        except BaseException as error:  # noqa: BLE001 - raised again in the reader's thread
            self._error = error
        finally:
            self._work.events.put(None)

    def _answer(self) -> str:
        agent = make_agent(self._work, self._speaker, self._system)
        steps = self._work.settings.assistant_steps
        state = agent.invoke(
            {"messages": self._messages},
            # one call after the other: their numbers are those of the model's order
            {"recursion_limit": ROUNDS * (steps + ROUNDS), "max_concurrency": 1},
        )
        if self._work.exhausted:
            self.limit = "steps"
        return str(state["messages"][-1].text)


def make_agent(work: Work, speaker: Speaker, system: str) -> Any:
    """LangChain's agent whose model turns and tool calls go through our own work."""
    from langchain.agents import create_agent
    from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
    from langchain_core.messages import SystemMessage, ToolMessage

    tools = list(work.tools.values())
    first = [SystemMessage(system)]

    class OurTurns(AgentMiddleware):
        """The model speaks and the tools run as our work does it."""

        def wrap_model_call(self, request: ModelRequest, handler: Any) -> ModelResponse:
            work.check()
            offered = [] if work.exhausted else tools
            message = speak(work, speaker, [*first, *request.messages], offered)
            return ModelResponse(result=[message])

        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            # also of a tool that does not exist, and with wrong arguments: each is a step
            call = request.tool_call
            told = work.call(call["name"], call["args"])
            return ToolMessage(told, tool_call_id=call["id"], name=call["name"])

    return create_agent(
        speaker.chat, [_declared(tool, work) for tool in tools], middleware=[OurTurns()]
    )


def _declared(tool: Tool, work: Work) -> Any:
    """The tool as LangChain knows it."""
    from langchain_core.tools import StructuredTool

    def call(**arguments: Any) -> str:
        return work.call(tool.name, arguments)

    return StructuredTool(
        name=tool.name, description=tool.description, args_schema=tool.parameters, func=call
    )

"""A question of several steps -> calls of the experts, each a step, and an answer from them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.assistant import texts
from agents.assistant.guard import Guard
from agents.assistant.in_turn import answer_in_turn
from agents.assistant.loop import Loop
from agents.assistant.numbering import without_citations
from agents.assistant.planning import plan
from agents.assistant.speaking import Speaker
from agents.assistant.work import Work
from agents.budget import OVERHEAD, newest, prompt_room
from agents.mcp.tools import foreign_tools
from agents.question import Question
from agents.sentences import split_sentences
from agents.tools.calculator import CALCULATOR
from agents.tools.experts import expert_tools
from agents.tools.today import TODAY
from agents.tools.tool import Tool
from workbench.chat.conversations import Turn
from workbench.chat.events import Calling, Done, Event, Folded, Notice, Token
from workbench.errors import WorkbenchError
from workbench.language import tokens
from workbench.models.chat_format import with_system
from workbench.models.chosen import ChosenModel
from workbench.models.local import ChatModelHere

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

NO_TOOLS = Notice("The model's server takes no tools, so the parts were asked one by one.")
BAD_REQUEST = 400
PROMPTS = Path(__file__).parent
OF_HISTORY = 0.25  # of the model's room: results need the rest


def answer_by_steps(question: Question) -> Iterator[Event]:
    """Calls and steps as they happen, then the answer, then Done.

    A model that cannot call tools, and no model at all, are helped: the question is taken apart
    by its words and each part asked in turn. Raises what the model raises.
    """
    model = question.model
    chat = model.chat_model() if model else None
    if model is None or chat is None or not _calls_tools(model, chat):
        yield from answer_in_turn(question)
        return
    yield from _answer_with_tools(question, model, chat)


def _calls_tools(model: ChosenModel, chat: BaseChatModel) -> bool:
    """Whether the model can be given tools: servers say so themselves, local ones by template."""
    if isinstance(chat, ChatModelHere):
        return chat.call_form is not None
    return model.info.calls_tools is not False


def _answer_with_tools(
    question: Question, model: ChosenModel, chat: BaseChatModel
) -> Iterator[Event]:
    from langchain_core.messages import AIMessage, HumanMessage

    begun = time.monotonic()
    tools = tools_for(question, model)
    planned = yield from plan(question, tools)
    turns = _turns_before(question, model)
    asked = [question.text, *(turn.content for turn in turns if turn.role == "user")]
    guard = Guard(asked, planned)
    messages: list[Any] = []
    for turn in turns:
        if turn.role == "assistant":
            guard.read_before(turn.content)
            messages.append(AIMessage(turn.content))
        else:
            messages.append(HumanMessage(turn.content))
    messages.append(HumanMessage(question.text))
    work = Work(model.settings, guard, {tool.name: tool for tool in tools}, begun=begun)
    loop = Loop(work, Speaker(model, chat), _system_text(question, model), messages)
    called: list[str] = []
    try:
        for event in loop.events():
            if isinstance(event, Calling):
                called.append(event.tool)
            yield event
    except WorkbenchError as error:
        if called or not _refuses_tools(error):
            raise
        yield NO_TOOLS
        yield from answer_in_turn(question)
        return
    yield from _word(loop, work, question.language)
    lineage = {
        "model": model.name,
        "digest": model.info.digest,
        "tools": list(dict.fromkeys(called)),
    }
    yield Done(
        model.name,
        time.monotonic() - begun,
        work.made,
        lineage,
        read=work.last_read,
        window=model.settings.context_tokens,
        estimated=not work.last_read,
    )


def _refuses_tools(error: WorkbenchError) -> bool:
    """Whether the server refused the request itself: it does not say before that it takes none."""
    return getattr(error.__cause__, "status_code", 0) == BAD_REQUEST


def tools_for(question: Question, model: ChosenModel | None) -> list[Tool]:
    """The experts that have something to answer from, our own small tools, those of MCP servers."""
    experts = expert_tools(question.settings, question.language, model, question.files)
    return [*experts, CALCULATOR, TODAY, *foreign_tools(question.settings)]


def _turns_before(question: Question, model: ChosenModel) -> list[Turn]:
    room = prompt_room(model.settings) - tokens(question.text) - OVERHEAD
    return newest(question.history, int(room * OF_HISTORY))


def _system_text(question: Question, model: ChosenModel) -> str:
    own = (PROMPTS / f"assistant_{question.language}.md").read_text("utf-8").strip()
    ((_, text),) = with_system([("system", own)], model.settings.system_prompt)
    return text


def _word(loop: Loop, work: Work, language: str) -> Iterator[Event]:
    """The model's answer without sentences whose numbers stand nowhere; a limit is told."""
    if loop.limit:
        amount = getattr(work.settings, f"assistant_{loop.limit}")
        yield Notice(texts.stopped_by(language, loop.limit, amount))
    said = False
    known = work.guard.known
    for sentence in split_sentences(loop.text):
        if not sentence:
            continue
        if known.cover(without_citations(sentence)):
            said = said or bool(sentence.strip())
            yield Token(sentence)
        else:
            yield Folded(sentence.strip(), texts.left_out(language))
    if not said:
        yield Token(texts.known_so_far(language, work.results))

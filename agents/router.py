"""A question and a mode -> the agent that answers it, with the evidence and the reason in one line for the person."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.evidence import Evidence, gather
from agents.registry import AGENTS
from workbench.chat.conversations import Conversations, Turn
from workbench.chat.events import Routed
from workbench.errors import InvalidInput, WorkbenchError
from workbench.language import language_of
from workbench.messages import say
from workbench.models.names import NONE, load_chat_model, pick_model
from workbench.models.reasoning import answer_only
from workbench.models.stream import ask_model
from workbench.settings import Settings

COMMANDS = {"/docs": "documents", "/data": "data", "/tuned": "tuned"}
CLOSE = 0.08  # evidence that lies nearer together than this decides nothing
SHORT = 24  # characters: such a question may lean on the one before
INHERITED = (
    0.15  # what speaks for the agent that answered before, where a question leans on the last one
)
JUDGE = """A question goes to one of several assistants. Reply with one word, the assistant's name.
{assistants}

Question: {question}"""


def forced(question: str, mode: str) -> tuple[str, str]:
    """The question without a leading /docs, /data or /tuned, and the mode that it names."""
    first, _, rest = question.lstrip().partition(" ")
    return (rest, COMMANDS[first]) if first in COMMANDS else (question, mode)


def route(question: str, history: Sequence[Turn], settings: Settings, mode: str = "auto") -> Routed:
    """The chosen mode, or for `auto` the one that the assets speak for. Raises InvalidInput for another mode."""
    if mode in AGENTS:
        return Routed(mode, _say(question, "you chose it", "由你指定"))
    if mode != "auto":
        raise InvalidInput(
            say("There is no mode {mode}.", mode=mode),
            say("Use auto or one of: {agents}.", agents=", ".join(AGENTS)),
        )
    if (chosen := Conversations(settings.database).rerouted(question)) in AGENTS:
        return Routed(
            chosen,
            _say(question, "you sent this question here before", "你之前选择由它回答这个问题"),
        )
    found = _with_the_turn_before(question, history, settings)
    shares = {evidence.mode: round(evidence.score, 3) for evidence in found}
    if not found:
        reason = _say(
            question,
            f"searched the collection {settings.collection}",
            f"检索了知识库 {settings.collection}",
        )
        return Routed("documents", reason)
    best = found[0]
    if (
        len(found) > 1
        and best.score - found[1].score < CLOSE
        and (judged := _judge(question, found, settings))
    ):
        return Routed(judged.mode, judged.reason, shares | {"judged": judged.mode})
    return Routed(best.mode, best.reason, shares)


def _with_the_turn_before(
    question: str, history: Sequence[Turn], settings: Settings
) -> list[Evidence]:
    """The evidence of the question; a short one is read with the question before and stays where that was answered."""
    last = next(
        (turn for turn in reversed(history) if turn.role == "assistant" and turn.mode), None
    )
    before = next((turn.content for turn in reversed(history) if turn.role == "user"), "")
    size = len(question) * (2 if language_of(question) == "zh" else 1)
    if not last or size > SHORT:
        return gather(question, settings)
    found = gather(f"{before} {question}", settings)
    leaning = [
        Evidence(one.mode, one.score + INHERITED * (one.mode == last.mode), one.reason)
        for one in found
    ]
    return sorted(leaning, key=lambda evidence: -evidence.score)


def _judge(question: str, found: Sequence[Evidence], settings: Settings) -> Evidence | None:
    """A connected model's choice between what lies close together; None where it cannot tell."""
    if (name := pick_model(settings)) == NONE:
        return None
    lines = "\n".join(f"- {evidence.mode}: {evidence.reason}" for evidence in found)
    prompt = JUDGE.format(assistants=lines, question=question)
    try:
        quick = settings.model_copy(update={"answer_tokens": 256, "temperature": 0.0})
        text = "".join(ask_model(load_chat_model(name, quick), [("user", prompt)], name, quick))
    except WorkbenchError:
        return None
    said = re.findall(r"[a-z]+", answer_only(text).lower())
    named = [evidence for evidence in found if evidence.mode in said]
    return named[0] if len(named) == 1 else None


def _say(question: str, english: str, chinese: str) -> str:
    return chinese if language_of(question) == "zh" else english

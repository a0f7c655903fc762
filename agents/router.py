"""A question and a mode -> the agent that answers it, and the reason in one line for the person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents.evidence import Asset, Evidence, find_assets, gather, strongest_first
from agents.question import Question
from agents.registry import AGENTS, AUTO, default_agent
from workbench.chat.conversations import Conversations
from workbench.chat.events import Routed
from workbench.errors import InvalidInput, WorkbenchError
from workbench.language import localized
from workbench.messages import say
from workbench.models.reasoning import answer_only

CLOSE = 0.08  # evidence that lies nearer together than this decides nothing
INHERITED = 0.3  # for the agent that answered before, where a question leans on the last one
STANDS_ALONE = 0.6  # share of a short question that an asset explains without the turn before
JUDGE_TOKENS = 256  # room for some thinking before the one word
JUDGE = """A question goes to one of several assistants. Reply with one word, the assistant's name.
{assistants}

Question: {question}"""


@dataclass(frozen=True)
class Route:
    """Where a question goes. `found` is what its evidence has found, for the agent alone."""

    mode: str
    reason: str
    shares: dict[str, Any]
    found: Any = None

    @property
    def event(self) -> Routed:
        """The route as the person's page reads it."""
        return Routed(self.mode, self.reason, self.shares)


def forced(text: str, mode: str) -> tuple[str, str]:
    """The question without a leading command such as /docs, and the mode that the command names."""
    command, _, rest = text.lstrip().partition(" ")
    for agent in AGENTS.values():
        if agent.command == command:
            return rest, agent.mode
    return text, mode


def route(question: Question, mode: str = AUTO) -> Route:
    """The chosen mode, or for `auto` the one that the assets speak for.

    Raises InvalidInput for an unknown mode.
    """
    if mode in AGENTS:
        return Route(mode, localized(question.language, "you chose it", "由你指定"), {})
    if mode != AUTO:
        raise InvalidInput(
            say("There is no mode {mode}.", mode=mode),
            say("Use auto or one of: {agents}.", agents=", ".join(AGENTS)),
        )
    if question.files:
        return _attached(question)
    return _without_files(question)


def _attached(question: Question) -> Route:
    """The agent that reads the files which came with the question: they are asked first.

    Only where they clearly do not hold it, the evidence decides.
    """
    assets = find_assets(question.settings)
    for mode, agent in AGENTS.items():
        match = agent.find_in_files(question)
        if match is None or not match.score:
            continue
        if match.score >= 1 or not _clear_elsewhere(question, assets):
            question.leans = False
            return Route(mode, match.reason, {mode: round(match.score, 3)}, match.found)
    elsewhere = _without_files(question)
    reason = localized(
        question.language,
        f"the attached files say nothing of it; {elsewhere.reason}",
        f"附件中没有提到；{elsewhere.reason}",
    )
    return replace(elsewhere, reason=reason)


def _clear_elsewhere(question: Question, assets: Mapping[str, Asset]) -> bool:
    """Whether an asset has this very question, or explains most of it."""
    if any(asset.knows(question.text) for asset in assets.values()):
        return True
    found = gather(question.text, assets)
    return bool(found) and found[0].score >= STANDS_ALONE


def _without_files(question: Question) -> Route:
    corrected = _corrected_before(question)
    if corrected:
        return corrected
    assets = find_assets(question.settings)
    return _known_to(question, assets) or _by_evidence(question, assets)


def _corrected_before(question: Question) -> Route | None:
    """The agent to which the person has sent this very question before."""
    chosen = Conversations(question.settings.database).rerouted(question.text)
    if chosen not in AGENTS:
        return None
    reason = localized(
        question.language,
        "you sent this question here before",
        "你之前选择由它回答这个问题",
    )
    return Route(chosen, reason, {})


def _known_to(question: Question, assets: Mapping[str, Asset]) -> Route | None:
    """The agent whose asset has this very question, as a verified query or a training question."""
    for mode, asset in assets.items():
        if asset.knows(question.text):
            question.leans = False
            reason = localized(question.language, "it has this very question", "其中正好有这个问题")
            return Route(mode, reason, {mode: 1.0})
    return None


def _by_evidence(question: Question, assets: Mapping[str, Asset]) -> Route:
    found = _weigh(question, assets)
    if not found:
        reason = localized(
            question.language,
            "nothing has been added to answer from",
            "还没有添加可供回答的内容",
        )
        return Route(default_agent().mode, reason, {})
    shares: dict[str, Any] = {one.mode: round(one.score, 3) for one in found}
    best = found[0]
    if len(found) > 1 and best.score - found[1].score < CLOSE:
        judged = _judge(question, found)
        if judged:
            best = judged
            shares["judged"] = judged.mode
    return Route(best.mode, best.reason, shares, best.found)


def _weigh(question: Question, assets: Mapping[str, Asset]) -> list[Evidence]:
    """The evidence. A follow-up is read with the turn before and stays with its agent.

    A short question is weighed alone first: where an asset explains it, it stands alone.
    """
    answered_by = _agent_before(question)
    if not answered_by or not question.leans:
        question.leans = False
        return gather(question.text, assets)
    if not question.points_back:
        alone = gather(question.text, assets)
        if alone and alone[0].score >= STANDS_ALONE:
            question.leans = False
            return alone
    found = gather(question.search_text, assets)
    leaning = []
    for one in found:
        inherited = INHERITED if one.mode == answered_by else 0.0
        leaning.append(replace(one, score=one.score + inherited))
    return strongest_first(leaning)


def _agent_before(question: Question) -> str:
    """The agent of the last answer, or nothing."""
    for turn in reversed(question.history):
        if turn.role == "assistant" and turn.mode:
            return turn.mode
    return ""


def _judge(question: Question, found: Sequence[Evidence]) -> Evidence | None:
    """A connected model's choice between what lies close together; None where it cannot tell."""
    assistants = "\n".join(f"- {evidence.mode}: {evidence.reason}" for evidence in found)
    prompt = JUDGE.format(assistants=assistants, question=question.text)
    try:
        model = question.model
        if model is None:
            return None
        judge = model.changed(answer_tokens=JUDGE_TOKENS, temperature=0.0, system_prompt="")
        text = answer_only("".join(judge.stream([("user", prompt)])))
    except WorkbenchError:  # the evidence decides alone
        return None
    said = re.findall(r"\w+", text.lower())
    named = [evidence for evidence in found if evidence.mode in said]
    return named[0] if len(named) == 1 else None

"""A question and a mode -> the agent that answers it, and the reason in one line for the person."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents import reasons
from agents.aside import ask_aside
from agents.courtesies import is_courtesy
from agents.evidence import (
    Asset,
    Evidence,
    find_assets,
    gather,
    share,
    strongest_first,
    weigh,
)
from agents.floors import Floor, floor_for
from agents.learning.learned import is_forgotten_reroute, learned_preference
from agents.question import Question
from agents.registry import AGENTS, AUTO, NOBODY
from workbench.chat.conversations import Conversations
from workbench.chat.events import Beat, Routed
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.settings import Settings

CLOSE = 0.08  # evidence that lies nearer together than this decides nothing
INHERITED = 0.3  # for the agent that answered before, where a question leans on the last one
STANDS_ALONE = 0.5  # share of a question with a pronoun that an asset explains by itself
NEXT_BEST = 0.5  # share of the best evidence with which another agent is asked next
LEARNED = "learned"  # among the shares: how many judged questions moved this one
JUDGE_SECONDS = 20.0  # then the evidence decides alone
JUDGE = """A question goes to one of several assistants. Reply with one word, the assistant's name.
{assistants}

Question: {question}"""


@dataclass(frozen=True)
class Route:
    """Where a question goes. `found` is what its evidence has found, for the agent alone.

    `others` are asked in turn where the agent has no answer; none of them in a chosen mode. A
    `certain` route rests on no weighing, and nothing that was learned moves it.
    """

    mode: str
    reason: str
    shares: dict[str, Any] = field(default_factory=dict)
    found: Any = None
    others: Sequence[Route] = ()
    certain: bool = False

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
    steps = routing(question, mode)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def routing(question: Question, mode: str = AUTO) -> Generator[Beat, None, Route]:
    """The same, with beats while a connected model is asked: closing it leaves that model."""
    if mode in AGENTS:
        return Route(mode, reasons.you_chose(question.language))
    if mode != AUTO:
        raise InvalidInput(
            say("There is no mode {mode}.", mode=mode),
            say("Use auto or one of: {agents}.", agents=", ".join(AGENTS)),
        )
    if question.files:
        return (yield from _with_files(question))
    return (yield from _without_files(question))


def warm_routing(settings: Settings) -> None:
    """Learn the floor of both languages, which the first question would wait for."""
    assets = find_assets(settings)
    for greeting in ("Hello", "你好"):
        if assets:
            floor_for(greeting, assets, settings)


def _with_files(question: Question) -> Generator[Beat, None, Route]:
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
            nobody = Route(NOBODY, reasons.nobody_else(question.language))
            shares = {mode: round(match.score, 3)}
            return Route(mode, match.reason, shares, match.found, [nobody])
    elsewhere = yield from _without_files(question)
    return replace(elsewhere, reason=reasons.not_in_files(question.language, elsewhere.reason))


def _clear_elsewhere(question: Question, assets: Mapping[str, Asset]) -> bool:
    """Whether an asset has this very question, or explains most of it."""
    if any(asset.knows(question.text) for asset in assets.values()):
        return True
    found = gather(question.text, assets, {})
    return bool(found) and found[0].score >= STANDS_ALONE


def _without_files(question: Question) -> Generator[Beat, None, Route]:
    corrected = _corrected_before(question)
    if corrected:
        return corrected
    assets = find_assets(question.settings)
    chosen = yield from by_assets(question, assets)
    return as_learned(question, chosen, assets)


def by_assets(question: Question, assets: Mapping[str, Asset]) -> Generator[Beat, None, Route]:
    """Where the question goes by what the assets hold, without what was learned."""
    known = _known_to(question, assets)
    if known:
        return known
    if is_courtesy(question.text):
        question.leans = False
        return Route(NOBODY, reasons.courtesy(question.language), certain=True)
    return (yield from _by_evidence(question, assets))


def _corrected_before(question: Question) -> Route | None:
    """The agent to which the person has sent this very question before."""
    chosen = Conversations(question.settings.database).rerouted(question.text)
    if chosen not in AGENTS or is_forgotten_reroute(question.text, question.settings):
        return None
    return Route(chosen, reasons.sent_before(question.language))


def _known_to(question: Question, assets: Mapping[str, Asset]) -> Route | None:
    """The agent whose asset has this very question, as a verified query or a training question."""
    for mode, asset in assets.items():
        if asset.knows(question.text):
            question.leans = False
            reason = reasons.has_this_question(question.language)
            others = [Route(NOBODY, reasons.nobody_else(question.language))]
            return Route(mode, reason, {mode: 1.0}, others=others, certain=True)
    return None


def _by_evidence(question: Question, assets: Mapping[str, Asset]) -> Generator[Beat, None, Route]:
    """The agent with the most evidence above the floor, or the one that needs none."""
    if not assets:
        question.leans = False
        return Route(NOBODY, reasons.nothing_added(question.language))
    floor = floor_for(question.text, assets, question.settings)
    several = _taken_apart(question, assets, floor)
    if several:
        return several
    found = _weigh(question, assets, floor)
    shares: dict[str, Any] = {one.mode: round(one.score, 3) for one in found}
    held = [one for one in found if one.score > floor.evidence]
    if not held:
        return Route(NOBODY, reasons.nothing_about_it(question.language), shares)
    best = held[0]
    if len(held) > 1 and best.score - held[1].score < CLOSE:
        judged = yield from _judge(question, held)
        if judged:
            best = judged
            shares["judged"] = judged.mode
    return Route(best.mode, best.reason, shares, best.found, _others(question, best, held))


def _taken_apart(question: Question, assets: Mapping[str, Asset], floor: Floor) -> Route | None:
    """The agent that asks several others, where each part of the question is clearly for one."""

    def weigh_part(text: str) -> str:
        best = gather(text, assets, floor.chance)[0]
        return best.mode if best.score > max(floor.evidence, STANDS_ALONE) else ""

    if question.continues:
        return None
    for mode, agent in AGENTS.items():
        reason = agent.reason_to_take_apart(question, weigh_part)
        if reason:
            question.leans = False
            return Route(
                mode, reason, others=[Route(NOBODY, reasons.nobody_else(question.language))]
            )
    return None


def _others(question: Question, best: Evidence, held: Sequence[Evidence]) -> list[Route]:
    """Who is asked where the best has no answer: who explains nearly as much, at last nobody."""
    others = []
    for one in held:
        if one.mode != best.mode and one.score >= NEXT_BEST * best.score:
            others.append(Route(one.mode, one.reason, found=one.found))
    return [*others, Route(NOBODY, reasons.nobody_else(question.language))]


def as_learned(
    question: Question, chosen: Route, assets: Mapping[str, Asset], without: str = ""
) -> Route:
    """The route, or the agent that judged questions like this one are answered better by.

    A follow-up is about the topic of the turn before, and its words alone are about none. What was
    judged of the question `without` is left out.
    """
    may_follow = question.continues or question.refers or question.leans
    if chosen.certain or may_follow or not assets:
        return chosen
    offered = [*assets, NOBODY]
    settings = question.settings
    preferred = learned_preference(question.text, chosen.mode, offered, settings, without)
    if preferred is None:
        return chosen
    others = [one for one in chosen.others if one.mode != preferred.mode]
    found = [one.found for one in chosen.others if one.mode == preferred.mode]
    label = AGENTS[preferred.mode].label(question.language)
    count = len(preferred.stances)
    if preferred.by_people:
        reason = reasons.people_preferred(question.language, label, count)
    else:
        reason = reasons.compared_better(question.language, label, count)
    return Route(
        preferred.mode,
        reason,
        chosen.shares | {LEARNED: count},
        found[0] if found else None,
        [replace(chosen, others=()), *others],
    )


def _weigh(question: Question, assets: Mapping[str, Asset], floor: Floor) -> list[Evidence]:
    """The evidence. A follow-up is read with the turn before and stays with its agent.

    What may be a follow-up is weighed alone first: where an asset explains it, it stands alone.
    """
    _, answered_by = question.before
    if question.continues and answered_by == NOBODY:  # a piece says nothing by itself
        return gather("", assets, floor.chance)
    if not question.continues:
        alone = gather(question.text, assets, floor.chance)
        enough = STANDS_ALONE if question.refers else floor.evidence
        follows = question.refers or _in_words_of(answered_by, question, assets, floor.evidence)
        if answered_by == NOBODY or alone[0].score > enough or not follows:
            question.leans = False
            return alone
    question.leans = True
    leaning = []
    for one in gather(question.search_text, assets, floor.chance):
        if one.mode == answered_by:
            reason = reasons.goes_on(question.language)
            one = replace(one, score=one.score + INHERITED, reason=reason)
        leaning.append(one)
    return strongest_first(leaning)


def _in_words_of(
    answered_by: str, question: Question, assets: Mapping[str, Asset], floor: float
) -> bool:
    """Whether the agent of the last answer knows the words, though no text of it has them together.

    "Who must be told?" after a question about sick leave; not "thanks", and no other topic.
    """
    asset = assets.get(answered_by)
    if asset is None:
        return False
    weights = weigh(question.text, list(assets.values()))
    return share({word for word in weights if asset.held(word)}, weights) > floor


def _judge(question: Question, found: Sequence[Evidence]) -> Generator[Beat, None, Evidence | None]:
    """A connected model's choice between what lies close together; None where it cannot tell."""
    assistants = "\n".join(f"- {evidence.mode}: {evidence.reason}" for evidence in found)
    prompt = JUDGE.format(assistants=assistants, question=question.text)
    reply = yield from ask_aside(question, prompt, JUDGE_SECONDS)
    said = re.findall(r"\w+", reply.lower())
    named = [evidence for evidence in found if evidence.mode in said]
    return named[0] if len(named) == 1 else None

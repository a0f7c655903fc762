"""Votes, "ask … instead", thumbs and comparisons -> which agent answers a question better.

A judgement names the agents that did better and those that did worse on one question, and where it
comes from. A vote, a question sent elsewhere and a question of a comparison compare agents; a thumb
is about one answer, which may be wrong for other reasons than its agent: it counts half. A bare
thumb down says nothing of the agent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from agents.compare.kept import Comparison, list_comparisons
from agents.question import Question
from agents.registry import AGENTS
from workbench.chat.conversations import Conversations
from workbench.chat.judged import Judged, read_judged
from workbench.chat.records import Message, Turn, Vote
from workbench.chat.reroutes import Reroute, read_reroutes
from workbench.errors import InvalidInput
from workbench.settings import Settings

WHOLE = 1.0
HALF = 0.5
ANY = ("", "auto", "none")  # choices that name no asset


@dataclass(frozen=True)
class Judgement:
    """One judgement, with where it comes from.

    `kind` is vote, sent, thumb or comparison. `assets` names what an agent answered from then, such
    as its collection. `place` is the chat's number or the comparison's name.
    """

    id: str
    kind: str
    question: str
    better: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    weight: float = WHOLE
    assets: dict[str, str] = field(default_factory=dict)
    place: str = ""
    message: int = 0
    created: float = 0.0

    @property
    def by_people(self) -> bool:
        return self.kind != "comparison"


def collect(settings: Settings) -> list[Judgement]:
    """All judgements of the workspace. Those of removed chats and comparisons are not among them.

    Raises WorkbenchError where the conversations cannot be read.
    """
    found: list[Judgement] = []
    votes: dict[int, list[tuple[Vote, list[Message]]]] = {}
    for vote, answers in Conversations(settings.database).voted():
        votes.setdefault(vote.question, []).append((vote, answers))
    for judged in read_judged(settings.database):
        question = judged.question
        if _leans(question.content, len(judged.before) > 1, settings):
            continue
        found += _of_thumbs(judged)
        for vote, answers in votes.get(question.id, []):
            found += _of_vote(vote, question, answers)
    for reroute in read_reroutes(settings.database):
        if not _leans(reroute.question, reroute.follows, settings):
            found += _of_reroute(reroute)
    for comparison in list_comparisons(settings):
        found += _of_comparison(comparison)
    return found


def chosen_assets(settings: Settings) -> tuple[tuple[str, str], ...]:
    """(mode, name) of what each agent answers from now."""
    named = [agent for agent in AGENTS.values() if agent.asset]
    return tuple((agent.mode, str(getattr(settings, agent.asset))) for agent in named)


def applies(judgement: Judgement, chosen: Mapping[str, str]) -> bool:
    """Whether it is about what the agents answer from now: not about another collection or run."""
    for mode, was in judgement.assets.items():
        now = chosen.get(mode, "")
        if was not in ANY and now not in ANY and not _names(was) & _names(now):
            return False
    return True


def as_row(judgement: Judgement) -> dict[str, Any]:
    """The judgement as plain data."""
    return asdict(judgement)


def from_row(row: dict[str, Any]) -> Judgement:
    """The inverse of `as_row`. Raises TypeError or KeyError for other data."""
    better, worse = tuple(row["better"]), tuple(row["worse"])
    return Judgement(**{**row, "better": better, "worse": worse})


def id_of(kind: str, *key: Any) -> str:
    """The same short name for the same judgement, however often it is read."""
    return hashlib.sha256("\n".join([kind, *map(str, key)]).encode()).hexdigest()[:10]


def _leans(question: str, follows: bool, settings: Settings) -> bool:
    """Whether only the turn before makes the question whole: by itself it is about no topic."""
    before = [Turn("user", "…"), Turn("assistant", "…")] if follows else []
    return Question(question, before, settings).leans


def _of_vote(vote: Vote, question: Message, answers: Sequence[Message]) -> Iterator[Judgement]:
    """The agent of the answer that won, against those of the others beside it."""
    won = [answer.agent for answer in answers if answer.id == vote.winner]
    lost = [answer for answer in answers if answer.id != vote.winner]
    for judgement in _between("vote", question, answers, won, lost, vote.version):
        yield replace(judgement, created=vote.created)


def _of_thumbs(judged: Judged) -> Iterator[Judgement]:
    """Thumbs up, and answers that were corrected."""
    for answer in judged.answers:
        modes = _known([answer.agent])
        good = answer.rating > 0
        if not modes or not (good or answer.correction):
            continue
        yield Judgement(
            id_of("thumb", answer.id),
            "thumb",
            judged.question.content.strip(),
            better=modes if good else (),
            worse=() if good else modes,
            weight=HALF,
            assets=_assets(modes, [answer]),
            place=str(answer.conversation),
            message=answer.id,
            created=answer.created,
        )


def _of_reroute(reroute: Reroute) -> Iterator[Judgement]:
    """The agent that a person chose, against those that had answered."""
    asked = Message(reroute.message, reroute.conversation, "user", reroute.question)
    asked_again = [answer for answer in reroute.answers if answer.agent != reroute.chosen]
    for judgement in _between(
        "sent", asked, reroute.answers, [reroute.chosen], asked_again, reroute.question
    ):
        yield replace(judgement, created=reroute.created)


def _between(
    kind: str,
    question: Message,
    answers: Sequence[Message],
    won: Sequence[str],
    lost: Sequence[Message],
    key: Any,
) -> Iterator[Judgement]:
    """One judgement between agents; none where both answers are of one agent."""
    better = _known(won)
    worse = tuple(mode for mode in _known([one.agent for one in lost]) if mode not in better)
    if better and (worse or kind == "sent"):
        yield Judgement(
            id_of(kind, key),
            kind,
            question.content.strip(),
            better,
            worse,
            assets=_assets([*better, *worse], answers),
            place=str(question.conversation),
            message=question.id,
        )


def _of_comparison(comparison: Comparison) -> Iterator[Judgement]:
    """Each question that some agents answered right and others did not, whatever the model."""
    try:
        card = comparison.card
    except InvalidInput:  # said where the comparison itself is read
        return
    arms = card.get("arms") or {}
    if not card.get("result"):
        return
    correct: dict[str, dict[str, bool]] = {}
    for row in comparison.answers:
        mode = arms.get(row.get("arm"), {}).get("mode")
        if mode in AGENTS:
            of_question = correct.setdefault(row["id"], {})
            of_question[mode] = of_question.get(mode, False) or bool(row["correct"])
    assets = _assets_of_arms(arms)
    for row in comparison.questions:
        modes = correct.get(row["id"], {})
        better = tuple(mode for mode, right in modes.items() if right)
        worse = tuple(mode for mode, right in modes.items() if not right)
        if not better or not worse or row.get("history"):
            continue
        yield Judgement(
            id_of("comparison", comparison.name, row["id"]),
            "comparison",
            str(row["question"]).strip(),
            better,
            worse,
            assets={mode: assets[mode] for mode in modes if mode in assets},
            place=comparison.name,
            created=float(card.get("created") or 0.0),
        )


def _assets_of_arms(arms: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Mode -> what it answered from in a comparison."""
    found: dict[str, str] = {}
    for arm in arms.values():
        agent = AGENTS.get(arm.get("mode", ""))
        if agent and agent.asset:
            name = arm.get("model") if agent.from_memory else arm.get(agent.asset)
            found[agent.mode] = str(name or "")
    return found


def _assets(modes: Sequence[str], answers: Sequence[Message]) -> dict[str, str]:
    """Mode -> what was chosen for it when these answers were asked for."""
    found: dict[str, str] = {}
    for mode in modes:
        asset = AGENTS[mode].asset
        for answer in answers:
            if asset and answer.settings.get(asset):
                found[mode] = str(answer.settings[asset])
    return found


def _known(modes: Sequence[str]) -> tuple[str, ...]:
    """The modes of agents that exist, each once."""
    return tuple(dict.fromkeys(mode for mode in modes if mode in AGENTS))


def _names(asset: str) -> set[str]:
    return {name.strip() for name in asset.split(",") if name.strip()}

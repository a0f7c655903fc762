"""The votes of all chats -> how strong each arm is: who answers, by which model, from what."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

from workbench.chat.conversations import Conversations, Message, Vote
from workbench.chat.lineage import lineage_of
from workbench.scoring.bradley_terry import Strength, fit_strengths

WON, LOST, TIED, BOTH_BAD = "won", "lost", "tied", "both_bad"


@dataclass(frozen=True)
class Contender:
    """An arm as it was when it answered: the same model published again is another one.

    `model` is empty where none spoke, `reads` is the collection or database that was asked.
    """

    mode: str
    weights: str
    reads: str
    model: str = field(default="", compare=False)


@dataclass(frozen=True)
class VoteTable:
    """`strengths` is sorted by group and strength, `counts` has won, lost, tied and both bad.

    `left_out` counts votes on answers of which it is not known what they rest on.
    """

    strengths: Sequence[Strength[Contender]]
    counts: dict[Contender, Counter[str]]
    votes: int
    left_out: int

    @property
    def groups(self) -> int:
        """How many groups of arms were never compared with each other."""
        return len({one.group for one in self.strengths})

    def rows(self) -> list[dict[str, Any]]:
        """One row for each arm as plain data, the strongest first."""
        found = []
        for one in self.strengths:
            counted = {name: self.counts[one.player][name] for name in (WON, TIED, BOTH_BAD, LOST)}
            facts = asdict(one)
            found.append({**facts.pop("player"), **counted, **facts})
        return found


def count_votes(conversations: Conversations) -> VoteTable:
    """The table of all votes. Of more than two answers the winner beats each of the others."""
    wins: defaultdict[tuple[Contender, Contender], float] = defaultdict(float)
    counts: dict[Contender, Counter[str]] = {}
    counted = left_out = 0
    for vote, answers in conversations.voted():
        contenders = {answer.id: contender_of(answer) for answer in answers}
        known = {number: one for number, one in contenders.items() if one is not None}
        winner_known = vote.winner is None or vote.winner in known
        if len(set(known.values())) < 2 or not winner_known:
            left_out += 1
            continue
        counted += 1
        for better, worse, share in _results(vote, known):
            wins[better, worse] += share
        for number, one in known.items():
            counts.setdefault(one, Counter())[_outcome(vote, number)] += 1
    return VoteTable(fit_strengths(wins), counts, counted, left_out)


def contender_of(answer: Message) -> Contender | None:
    """The arm that gave the answer; None where its lineage was not kept, as of one stopped."""
    facts = lineage_of(answer)
    reads = facts.get("collection") or facts.get("source") or ""
    model = facts.get("model") or ""
    if not model and not reads:
        return None
    return Contender(answer.agent, facts.get("digest") or model, reads, model)


def _results(vote: Vote, known: dict[int, Contender]) -> list[tuple[Contender, Contender, float]]:
    """(preferred, other, share of a win) of each pair that the vote compares."""
    found = []
    for one, other in combinations(known, 2):
        if known[one] == known[other]:
            continue
        if vote.winner is None:
            found.append((known[one], known[other], 0.5))
            found.append((known[other], known[one], 0.5))
        elif vote.winner in (one, other):
            loser = other if vote.winner == one else one
            found.append((known[vote.winner], known[loser], 1.0))
    return found


def _outcome(vote: Vote, answer: int) -> str:
    if vote.winner is None:
        return BOTH_BAD if vote.both_bad else TIED
    return WON if vote.winner == answer else LOST

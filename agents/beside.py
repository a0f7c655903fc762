"""Answers side by side: which two arms give them, and in which order they stand.

An arm is one of `agents.compare.arms`, or any agent by its mode.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.compare.names import BASE, DOCUMENTS, RAG, TUNED
from agents.registry import AGENTS, NOBODY, SIDE_BY_SIDE
from workbench.chat.conversations import Message, Vote
from workbench.language import localized

ARM, BLIND = "arm", "blind"  # keys in the settings of an answer side by side
ARMS = "arms"  # key in the choices of a chat
LONGEST_NAME = 200  # characters
NAMES = {
    # arm -> what a person calls it
    BASE: ("Chat model alone", "仅对话模型"),
    RAG: ("Documents", "文档"),
    TUNED: ("Tuned", "微调模型"),
    f"{RAG}+{TUNED}": ("Documents + tuned", "文档＋微调模型"),
}
OF_MODE = {DOCUMENTS: RAG, NOBODY: BASE}  # what answered in a mode, before arms had names


@dataclass(frozen=True)
class Beside:
    """Two arms, and whether their names are hidden until the vote."""

    arms: tuple[str, ...] = (RAG, TUNED)
    blind: bool = False

    @property
    def chosen(self) -> dict[str, Any]:
        """As a chat keeps it: what differs from the usual."""
        found: dict[str, Any] = {}
        if self.arms != Beside().arms:
            found[ARMS] = list(self.arms)
        if self.blind:
            found[BLIND] = True
        return found

    def ordered(self, question: int, before: int) -> list[str]:
        """The arms as they stand from left to right; blind ones in an order drawn for the question.

        `before` is how many versions of its answers there are.
        """
        arms = list(self.arms)
        if self.blind:
            random.Random(f"{question} {before}").shuffle(arms)  # noqa: S311 – no secret
        return arms


def read_beside(chosen: Mapping[str, Any]) -> Beside:
    """What a chat has chosen; the usual arms where it has chosen no two different ones."""
    arms = chosen.get(ARMS)
    blind = chosen.get(BLIND) is True
    if not isinstance(arms, list | tuple) or len(arms) != 2 or arms[0] == arms[1]:
        return Beside(blind=blind)
    if not all(isinstance(arm, str) and 0 < len(arm) <= LONGEST_NAME for arm in arms):
        return Beside(blind=blind)
    return Beside(tuple(arms), blind)


def mode_of(arm: str) -> str:
    """The mode in which that arm answers."""
    if arm == RAG or arm.startswith(f"{RAG}+"):
        return DOCUMENTS
    return arm if arm in AGENTS else NOBODY


def modes_asked(mode: str, beside: Beside) -> list[str]:
    """The modes of the answers that one question gets: one, or several side by side."""
    if mode != SIDE_BY_SIDE:
        return [mode]
    return list(dict.fromkeys(mode_of(arm) for arm in beside.arms))


def arms_on_offer(models: Sequence[str]) -> list[str]:
    """All arms that a person can choose, with these models by their names."""
    covered = {DOCUMENTS, TUNED, NOBODY}
    others = [mode for mode in AGENTS if mode not in covered]
    return [*NAMES, *others, *models]


def arm_label(arm: str, language: str) -> str:
    """What a person calls that arm."""
    if arm in NAMES:
        return localized(language, *NAMES[arm])
    return AGENTS[arm].label(language) if arm in AGENTS else arm


def arm_of(answer: Message) -> str:
    """The arm that gave an answer."""
    return str(answer.settings.get(ARM) or OF_MODE.get(answer.mode, answer.mode))


def beside_of(answers: Sequence[Message]) -> Beside:
    """How answers side by side were asked for, so that they can be asked for again."""
    blind = any(answer.settings.get(BLIND) for answer in answers)
    return Beside(tuple(arm_of(answer) for answer in answers), blind)


def can_be_voted_on(answers: Sequence[Message]) -> bool:
    """Whether each of them is a whole answer, not one that was stopped or has failed."""
    return len(answers) > 1 and all(answer.state == "done" for answer in answers)


def hides_names(answers: Sequence[Message], vote: Vote | None) -> bool:
    """Whether the person may not know yet who has answered."""
    if len(answers) < 2 or vote is not None or not beside_of(answers).blind:
        return False
    growing = any(answer.state == "streaming" for answer in answers)
    return growing or can_be_voted_on(answers)

"""Conversations -> what a model can learn of the answers that people like and dislike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.chat.conversations import Conversations, Message
from workbench.chat.examples import turns_before, without_citations

Row = dict[str, Any]


def judged_answers(conversations: Conversations) -> Iterator[Row]:
    """One row for each rated answer: {"prompt": […], "completion": […], "label": bool, "group": …}.

    A correction is good, and what it corrects is bad.
    """
    for answers in conversations.judged():
        for answer in answers:
            prompt = _prompt(conversations, answer)
            if answer.correction:
                yield {**prompt, "completion": _said(answer.correction), "label": True}
            if answer.rating or answer.correction:
                liked = answer.rating > 0
                yield {**prompt, "completion": _said(answer.content), "label": liked}


def preferred_pairs(conversations: Conversations) -> Iterator[Row]:
    """{"prompt": […], "chosen": […], "rejected": […], "group": …} for each pair of answers.

    To a question, answers rated good and corrections are preferred to those rated bad or corrected,
    and the winner of answers side by side to the others.
    """
    winners = set(conversations.votes().values())
    for answers in conversations.judged():
        prompt = _prompt(conversations, answers[0])
        for better, worse in _pairs(answers, winners):
            yield {**prompt, "chosen": _said(better), "rejected": _said(worse)}


def _pairs(answers: Sequence[Message], winners: set[int | None]) -> list[tuple[str, str]]:
    """(better, worse) texts, each pair once."""
    good = [answer.correction for answer in answers if answer.correction]
    good += [answer.content for answer in answers if answer.rating > 0]
    bad = [answer.content for answer in answers if answer.rating < 0 or answer.correction]
    found = [(better, worse) for better in good for worse in bad]
    for winner in answers:
        if winner.id in winners:
            found += [(winner.content, other.content) for other in answers]
    return [pair for pair in dict.fromkeys(found) if pair[0] != pair[1]]


def _prompt(conversations: Conversations, answer: Message) -> Row:
    *before, _ = conversations.path_to(answer.id)
    return {"prompt": turns_before(before), "group": f"chat {answer.conversation}"}


def _said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": without_citations(text)}]

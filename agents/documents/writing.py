"""A question, its passages and a model -> what the model writes of it and the passages hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from agents.budget import is_small
from agents.documents.checking import Checked
from agents.documents.citing import has_citation, only_known_citations
from agents.documents.prompting import write_messages, write_short
from agents.documents.quoting import find_quotes, quote
from agents.documents.search import Retrieved
from agents.documents.support import Support
from agents.question import Question
from rag.passages import Hit
from workbench.chat.conversations import Turn
from workbench.chat.events import Event, Folded, Notice, Token
from workbench.language import localized
from workbench.messages import say
from workbench.models.chosen import ChosenModel
from workbench.models.reasoning import split_stream

UNSUPPORTED = "The model wrote something that no passage supports."


def write_answer(
    question: Question,
    model: ChosenModel,
    found: Retrieved,
    hits: Sequence[Hit],
    turns: Sequence[Turn],
    begun: float,
    lineage: dict[str, Any],
) -> Iterator[Event]:
    """Thinking, and of the model's text the sentences that the passages hold; then Done.

    The others are folded. Where none answers, the best sentences of the passages are quoted in
    their place. A small model is given these alone, and they stand below its answer too.
    """
    small = is_small(model)
    quotes = find_quotes(question.text, found, hits, question.settings) if small else []
    if small:
        messages = write_short(question.search_text, quotes, question.language)
    else:
        messages = write_messages(question.text, hits, turns, question.language)
    reply = model.stream(messages)
    checked = Checked(Support(question.search_text, [hit.passage.text for hit in hits]))
    yield from checked.pass_on(only_known_citations(split_stream(reply), len(hits)))
    if checked.answers and not has_citation(checked.shown):
        yield Token(" " + "".join(f"[{number}]" for number in sorted(checked.sources)))
    if small or not checked.answers:
        if checked.shown:
            yield Token(f"\n\n{_from_the_passages(question.language, checked.answers)}\n\n")
        yield from quote(quotes or find_quotes(question.text, found, hits, question.settings))
    if checked.worked_out:
        results = ", ".join(dict.fromkeys(checked.worked_out))
        yield Notice(say("Worked out by the model, in no passage: {numbers}.", numbers=results))
    if checked.folded:
        yield Folded(checked.folded, UNSUPPORTED)
    yield from reply.end(begun, lineage)


def _from_the_passages(language: str, answered: bool) -> str:
    """What stands over the quotes."""
    if answered:
        return localized(language, "In the passages:", "原文：")
    return localized(language, "The passages come nearest with this:", "原文中最接近的内容：")

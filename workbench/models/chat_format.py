"""Turns and a tokenizer -> the prompt's tokens by the chat template, as many turns as fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.models.rendering import render_template

Turn = dict[str, Any]  # role and content; of a call and its result also what OpenAI's form has
Tools = Sequence[dict[str, Any]]  # in OpenAI's form


def fold_system(turns: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The turns with a leading system text in the first turn after it.

    For templates without a system role, such as Gemma's. Turns without a system text, and a
    system text alone, stay as they are.
    """
    if len(turns) < 2 or turns[0]["role"] != "system":
        return list(turns)
    system, first, *rest = turns
    folded = {**first, "content": f"{system['content']}\n\n{first['content']}"}
    return [folded, *rest]


def with_system(messages: list[tuple[str, str]], text: str) -> list[tuple[str, str]]:
    """The (role, text) messages with that system text first, joined with the one they have.

    What comes last counts most to a model, so an agent's own rules stay in force.
    """
    text = text.strip()
    if not text:
        return messages
    if not messages or messages[0][0] != "system":
        return [("system", text), *messages]
    (_, own), *rest = messages
    return [("system", f"{text}\n\n{own}"), *rest]


def fit_prompt(
    tokenizer: Any, turns: Sequence[Turn], room: int, kind: str = "pt", tools: Tools = ()
) -> Any:
    """The template's tokens (`input_ids` of shape 1 x n, n <= room) and their mask.

    They are torch's tensors, or numpy's arrays where `kind` is "np".

    The oldest turns are left out until the rest fits; the system text stays, and the last turn, or
    the last question with all calls and results after it: a result goes with its call.
    Raises InvalidInput where the last turn does not fit or the template refuses the turns.
    """
    if not tokenizer.chat_template:
        raise InvalidInput(
            "The model has no chat template, so it cannot be talked to.",
            "Choose an instruct or chat model, or tune one.",
        )
    first = 1 if turns[0]["role"] == "system" else 0
    system = list(turns[:first])
    talk = list(turns[first:])
    while True:
        prompt = _apply_template(tokenizer, [*system, *talk], kind, tools)
        size = prompt["input_ids"].shape[1]
        if size <= room:
            return prompt
        fewer = _without_oldest(talk)
        if not fewer:
            raise _too_long(size, room)
        talk = fewer


def _without_oldest(talk: list[Turn]) -> list[Turn]:
    """The turns without the oldest question and what answers it; empty where only one is left."""
    if any(turn["role"] == "tool" for turn in talk):
        questions = [place for place, turn in enumerate(talk) if turn["role"] == "user"]
        return talk[questions[1] :] if len(questions) > 1 else []
    # a question goes with its answer, so that the rest begins with a question again
    return talk[2:] if len(talk) > 2 else talk[1:]


def _apply_template(tokenizer: Any, turns: list[Turn], kind: str, tools: Tools) -> Any:
    from jinja2 import TemplateError

    options: dict[str, Any] = {"add_generation_prompt": True}
    if tools:
        options["tools"] = list(tools)
    try:
        text = render_template(tokenizer, turns, **options)
    except TemplateError as error:
        folded = fold_system(turns)
        if folded != turns:
            return _apply_template(tokenizer, folded, kind, tools)
        raise InvalidInput(
            say("The model's chat template refuses the conversation: {error}", error=error),
            "Start a new chat.",
        ) from error
    return tokenizer([text], add_special_tokens=False, return_tensors=kind)


def _too_long(size: int, room: int) -> InvalidInput:
    return InvalidInput(
        say(
            "The question with its passages has {size} tokens; the model has room for {room}.",
            size=size,
            room=room,
        ),
        "Ask a shorter question, or lower WORKBENCH_PASSAGES or WORKBENCH_ANSWER_TOKENS.",
    )

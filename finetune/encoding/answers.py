"""An example -> the texts in which each of its answers is learned once, with the answers' spans in characters.

Needs no `{% generation %}` in the template. For each answer the prompt is rendered as the model will see it, and then the
conversation with the answer: what comes on top is learned. Where a template shows earlier turns in another way than when
they were said (thinking taken away, a system prompt that moves), one text cannot hold both: such an answer is learned in
a text of its own, which ends with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from finetune.data.examples import Example, Message
from finetune.data.thinking import split_thinking, with_thinking
from finetune.encoding.chat_template import CORRECT, find_lost, forms_of, render
from workbench.errors import InvalidInput
from workbench.messages import say


@dataclass(frozen=True, slots=True)
class Text:
    """A text and the spans of it, in characters, that are learned."""

    text: str
    spans: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model sees, what it then says, and whether that closes with a special token."""

    prompt: str
    said: str
    ended: bool


def texts_of(example: Example, tokenizer: Any, specials: tuple[str, ...]) -> list[Text]:
    """The first text is the conversation up to its last answer; more follow where it cannot show an earlier one.

    Raises InvalidInput where the template cannot say the example.
    """
    left = _answers(example, tokenizer, specials)
    texts = []
    while left:
        last = left[-1]
        text = last.prompt + (
            last.said if last.ended else last.said.rstrip() + (tokenizer.eos_token or "")
        )
        within = [answer for answer in left[:-1] if text.startswith(answer.prompt + answer.said)]
        spans = [(len(answer.prompt), _end(answer, text, specials)) for answer in within]
        texts.append(Text(text, [*spans, (len(last.prompt), len(text))]))
        left = [answer for answer in left[:-1] if answer not in within]
    return texts


def _answers(example: Example, tokenizer: Any, specials: tuple[str, ...]) -> list[Answer]:
    """The answers to learn, in the first form of the example that the template says in full."""
    if not tokenizer.chat_template:
        raise InvalidInput(
            "The tokenizer has no chat template.",
            'Choose an instruct model, or set chat_template = "chatml".',
        )
    first: InvalidInput | None = None
    for told in forms_of(example):
        try:
            return list(_answers_as_told(told, tokenizer, specials))
        except InvalidInput as error:
            first = first or error
    assert first
    raise InvalidInput(
        say("{value}: {problem}", value=example.where or "An example", problem=first.problem),
        first.fix,
    ) from first


def _answers_as_told(told: Example, tokenizer: Any, specials: tuple[str, ...]) -> Iterator[Answer]:
    learned = [
        n
        for n, message in enumerate(told.messages)
        if message.role == "assistant" and message.learned
    ]
    for number in learned:
        prompt = render(told.messages[:number], told.tools, tokenizer, prompt=True)
        through = render(told.messages[: number + 1], told.tools, tokenizer)
        history = (
            ""
            if through.startswith(prompt)
            else render(told.messages[:number], told.tools, tokenizer)
        )
        said = _said(prompt, through, history, told.messages[number])
        if said is None:
            raise InvalidInput(
                "the chat template does not show the answer after its own prompt", CORRECT
            )
        if number == learned[-1] and (
            lost := find_lost(replace(told, messages=told.messages[: number + 1]), through)
        ):
            raise InvalidInput(
                say("the chat template leaves out {lost!r}", lost=lost[:60]), CORRECT
            )
        closing = _closing(said, specials)
        yield Answer(prompt, said[:closing] if closing else said, bool(closing))


def _said(prompt: str, through: str, history: str, message: Message) -> str | None:
    """What the model has to say after the prompt, with its thinking even where the template takes that away."""
    thought, text = split_thinking(message.content)
    block = re.search(
        r"<think>\s*(</think>\s*)?$", prompt
    )  # the prompt opens the thinking, or closes it at once
    closed = bool(block and block.group(1))
    if through.startswith(prompt):
        said = through[len(prompt) :]
        if thought and thought not in said and not closed:
            said = f"{thought}{said}" if block else with_thinking(thought, said)
    elif block and through.startswith(prompt[: block.start()]):
        said = re.sub(r"^<think>.*?</think>\s*", "", through[block.start() :], flags=re.DOTALL)
        said = said if closed else f"{thought}\n</think>\n\n{said.lstrip()}"
    else:
        said = (
            _after_header(prompt[len(history) :], through, text)
            if prompt.startswith(history)
            else ""
        )
    besides = said.replace(thought, "", 1).replace(text, "", 1)
    whole = text in said and all(call["name"] in besides for call in message.tool_calls)
    return said if whole and said else None


def _after_header(header: str, through: str, text: str) -> str:
    """The last turn of a text that tells what came before in another way than the prompt does, as gpt-oss's."""
    place = through.rfind(text) if text else len(through)
    begin = through.rfind(header, 0, place) if header else -1
    return through[begin + len(header) :] if begin >= 0 else through[place:]


def _end(answer: Answer, text: str, specials: tuple[str, ...]) -> int:
    """Where an answer ends inside a text. GLM's turns have no end of their own: the next turn's token is their end."""
    end = len(answer.prompt) + len(answer.said)
    begin = end + len(text[end:]) - len(text[end:].lstrip())
    following = next((len(token) for token in specials if text.startswith(token, begin)), 0)
    return begin + following if following and not answer.ended else end


def _closing(said: str, specials: tuple[str, ...]) -> int:
    """Where the first special tokens end that close a text, 0 where none do; what comes after them is glue."""
    end, found = len(said), 0
    while True:
        text = said[:end].rstrip()
        token = next((token for token in specials if text.endswith(token)), "")
        if not token:
            return found
        found = len(text) if not found or len(text) < end else found
        end = len(text) - len(token)


def special_tokens(tokenizer: Any) -> tuple[str, ...]:
    """The texts of the tokens that may end a turn, longest first."""
    names = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    names |= {str(token) for token in tokenizer.all_special_tokens}
    kept = (name for name in names if not re.fullmatch(r"</\w\w+>", name))  # </think>, but not </s>
    return tuple(sorted(kept, key=len, reverse=True))

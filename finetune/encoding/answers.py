"""An example -> the texts in which each of its answers is learned once, with the answers' spans.

This needs no `{% generation %}` in the template. For each answer the prompt is rendered as the
model will see it, and then the dialogue with the answer: the text on top is learned. Some templates
show earlier turns in another way than when they were said (thinking taken away, a system prompt
that moves), so that one text cannot hold both. Such an answer is learned in a text of its own,
which ends with it.
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

# the end of a prompt that opens the thinking, or opens and closes it
OPENED = re.compile(r"<think>\s*(</think>\s*)?$")
THOUGHT = re.compile(r"^<think>.*?</think>\s*", re.DOTALL)
CLOSING_TAG = re.compile(r"</\w\w+>")  # </think>, but not </s>


@dataclass(frozen=True, slots=True)
class Text:
    """A text and its spans that are learned, in characters."""

    text: str
    spans: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Answer:
    """The prompt, the text that the model says, and whether a special token closes it."""

    prompt: str
    said: str
    ended: bool


def texts_of(example: Example, tokenizer: Any, specials: tuple[str, ...]) -> list[Text]:
    """The dialogue up to its last answer; then a text for each answer that it cannot show.

    Raises InvalidInput where the template cannot say the example.
    """
    left = _answers(example, tokenizer, specials)
    texts: list[Text] = []
    while left:
        *earlier, last = left
        text = last.prompt + _closed(last, tokenizer)
        within = [answer for answer in earlier if text.startswith(answer.prompt + answer.said)]
        spans = [(len(answer.prompt), _end(answer, text, specials)) for answer in within]
        spans.append((len(last.prompt), len(text)))
        texts.append(Text(text, spans))
        left = [answer for answer in earlier if answer not in within]
    return texts


def special_tokens(tokenizer: Any) -> tuple[str, ...]:
    """The texts of the tokens that may end a turn, longest first."""
    names = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    names |= {str(token) for token in tokenizer.all_special_tokens}
    kept = [name for name in names if not CLOSING_TAG.fullmatch(name)]
    return tuple(sorted(kept, key=len, reverse=True))


def _closed(answer: Answer, tokenizer: Any) -> str:
    """The last answer with an end: a model that never learns to stop rambles."""
    if answer.ended:
        return answer.said
    return answer.said.rstrip() + (tokenizer.eos_token or "")


def _answers(example: Example, tokenizer: Any, specials: tuple[str, ...]) -> list[Answer]:
    """The answers to learn, in the first form of the example that the template says in full."""
    if not tokenizer.chat_template:
        raise InvalidInput(
            "The tokenizer has no chat template.",
            'Choose an instruct model, or set chat_template = "chatml".',
        )
    first: InvalidInput | None = None
    for form in forms_of(example):
        try:
            return list(_answers_of(form, tokenizer, specials))
        except InvalidInput as error:
            first = first or error
    assert first
    if example.where:
        problem = say("{where}: {problem}", where=example.where, problem=first.problem)
    else:
        problem = say("An example: {problem}", problem=first.problem)
    raise InvalidInput(problem, first.fix) from first


def _answers_of(form: Example, tokenizer: Any, specials: tuple[str, ...]) -> Iterator[Answer]:
    learned = [
        place
        for place, message in enumerate(form.messages)
        if message.role == "assistant" and message.learned
    ]
    for place in learned:
        before = form.messages[:place]
        so_far = form.messages[: place + 1]
        prompt = render(before, form.tools, tokenizer, prompt=True)
        through = render(so_far, form.tools, tokenizer)
        history = ""
        if not through.startswith(prompt):
            history = render(before, form.tools, tokenizer)
        said = _said(prompt, through, history, form.messages[place])
        if said is None:
            raise InvalidInput(
                "the chat template does not show the answer after its own prompt", CORRECT
            )
        if place == learned[-1]:
            _refuse_lost(replace(form, messages=so_far), through)
        closing = _closing(said, specials)
        yield Answer(prompt, said[:closing] if closing else said, bool(closing))


def _refuse_lost(example: Example, text: str) -> None:
    lost = find_lost(example, text)
    if lost:
        raise InvalidInput(say("the chat template leaves out {lost!r}", lost=lost[:60]), CORRECT)


def _said(prompt: str, through: str, history: str, message: Message) -> str | None:
    """The text that the model has to say after the prompt; None where the template lacks it.

    It has the model's thinking even where the template takes that away.
    """
    thought, text = split_thinking(message.content)
    block = OPENED.search(prompt)
    closed = bool(block and block.group(1))
    if through.startswith(prompt):
        said = through[len(prompt) :]
        if thought and thought not in said and not closed:
            said = f"{thought}{said}" if block else with_thinking(thought, said)
    elif block and through.startswith(prompt[: block.start()]):
        # the prompt opens a block of thinking that the dialogue shows otherwise, or not at all
        said = THOUGHT.sub("", through[block.start() :])
        if not closed:
            said = f"{thought}\n</think>\n\n{said.lstrip()}"
    elif prompt.startswith(history):
        said = _after_header(prompt[len(history) :], through, text)
    else:
        return None
    besides = said.replace(thought, "", 1).replace(text, "", 1)
    has_calls = all(call["name"] in besides for call in message.tool_calls)
    return said if said and text in said and has_calls else None


def _after_header(header: str, through: str, text: str) -> str:
    """The last turn of a dialogue whose earlier turns differ from the prompt (gpt-oss)."""
    place = through.rfind(text) if text else len(through)
    begin = through.rfind(header, 0, place) if header else -1
    if begin < 0:
        return through[place:]
    return through[begin + len(header) :]


def _end(answer: Answer, text: str, specials: tuple[str, ...]) -> int:
    """The end of an answer inside a text, in characters.

    GLM's turns have no end of their own: the next turn's first token is their end.
    """
    end = len(answer.prompt) + len(answer.said)
    if answer.ended:
        return end
    rest = text[end:]
    begin = end + len(rest) - len(rest.lstrip())
    for token in specials:
        if text.startswith(token, begin):
            return begin + len(token)
    return end


def _closing(said: str, specials: tuple[str, ...]) -> int:
    """The end of the first special tokens that close a text, 0 where none do.

    What comes after them is glue between turns.
    """
    end = len(said)
    found = 0
    while True:
        text = said[:end].rstrip()
        token = next((token for token in specials if text.endswith(token)), "")
        if not token:
            return found
        if not found or len(text) < end:
            found = len(text)
        end = len(text) - len(token)

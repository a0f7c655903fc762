"""Messages -> the text that a tokenizer's chat template makes of them, with what the template cannot say told in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from finetune.data.examples import Example, Message
from finetune.data.turns import split_thinking
from workbench.artefacts import model_folder
from workbench.errors import InvalidInput
from workbench.messages import say

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# Hermes' form, which many tool-using models were trained on
OFFER = "You may call these functions. To call one, answer with its name and arguments inside <tool_call> tags.\n<tools>\n"
CORRECT = "Correct the base model's chat template, or leave this row out."
CALL = "<tool_call>\n{}\n</tool_call>"
RESULT = "<tool_response>\n{}\n</tool_response>"


def load_tokenizer(name: str, chat_template: str = "") -> Any:
    """The tokenizer in a folder or on the hub; `chat_template` "chatml", or a text, takes the place of its own.

    Raises NotFound.
    """
    tokenizer = model_folder.load_tokenizer(name)
    if chat_template:
        tokenizer.chat_template = CHATML if chat_template == "chatml" else chat_template
    return tokenizer


def forms_of(example: Example) -> Iterator[Example]:
    """The example as it is, then in forms that more templates can say: tools and calls as text; no system turn."""
    yield example
    as_text = _tools_as_text(example)
    yield as_text
    yield _system_in_question(as_text)


def render(
    messages: Sequence[Message],
    tools: Sequence[dict[str, Any]],
    tokenizer: Any,
    prompt: bool = False,
) -> str:
    """The text of these turns; as a `prompt` it ends where the assistant begins. Raises InvalidInput."""
    from jinja2 import TemplateError

    offered = list(tools) or None
    try:
        template = tokenizer.get_chat_template(
            tools=offered
        )  # some models have a second one for tools
        turns = list(_as_template(messages, thinking_fields(template)))
        return tokenizer.apply_chat_template(
            turns,
            tools=offered,
            chat_template=template,
            tokenize=False,
            add_generation_prompt=prompt,
        )
    except (TemplateError, TypeError, KeyError, ValueError) as error:
        raise InvalidInput(say("the chat template fails: {error}", error=error), CORRECT) from error


def _as_template(messages: Sequence[Message], thinking: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Turns as templates take them: arguments as objects, and call ids of nine letters as Mistral wants them."""
    made = answered = 0
    for message in messages:
        turn: dict[str, Any] = {"role": message.role, "content": message.content}
        thought, said = split_thinking(message.content)
        if thought and thinking:
            turn |= {"content": said, **dict.fromkeys(thinking, thought)}
        if message.tool_calls:
            turn["tool_calls"] = [
                {"type": "function", "id": f"call{made + number:05}", "function": call}
                for number, call in enumerate(message.tool_calls)
            ]
            made += len(message.tool_calls)
        elif message.role == "tool":
            turn["tool_call_id"] = f"call{answered:05}"
            answered += 1
        yield turn


@lru_cache(maxsize=8)
def thinking_fields(template: str) -> tuple[str, ...]:
    """The fields of a message in which this template looks for thinking; without any it stands in the content."""
    found = re.findall(
        r"message(?:\.get\(|\.|\[)['\"]?(reasoning_content|thinking|reasoning)\b", template
    )
    return tuple(sorted(set(found)))


def find_lost(example: Example, text: str) -> str:
    """The first thing in the example that its text does not say; empty where all is there."""
    for message in example.messages:
        said = (
            split_thinking(message.content)[1]
            if message.role == "assistant"
            else message.content.strip()
        )
        if said not in text and _quoted(said) not in text and _quoted(said, False) not in text:
            return said
    return next(
        (
            f"the tool {tool['function']['name']}"
            for tool in example.tools
            if tool["function"]["name"] not in text
        ),
        "",
    )


def _quoted(text: str, ascii_only: bool = True) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def _tools_as_text(example: Example) -> Example:
    """Tools in the system turn, calls in the answers, results as the user's turns."""
    messages = [_call_as_text(message) for message in example.messages]
    if example.tools:
        offer = (
            OFFER
            + "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in example.tools)
            + "\n</tools>"
        )
        if messages[0].role == "system":
            messages[0] = Message("system", f"{messages[0].content}\n\n{offer}")
        else:
            messages.insert(0, Message("system", offer))
    return replace(_joined(replace(example, messages=tuple(messages))), tools=())


def _call_as_text(message: Message) -> Message:
    if message.role == "tool":
        return Message("user", RESULT.format(message.content))
    if not message.tool_calls:
        return message
    calls = [CALL.format(json.dumps(call, ensure_ascii=False)) for call in message.tool_calls]
    content = "\n".join([message.content, *calls] if message.content.strip() else calls)
    return Message("assistant", content, learned=message.learned)


def _system_in_question(example: Example) -> Example:
    """For templates without a system role, such as Gemma's."""
    if example.messages[0].role != "system":
        return example
    system, question, *rest = example.messages
    return replace(
        example, messages=(Message("user", f"{system.content}\n\n{question.content}"), *rest)
    )


def _joined(example: Example) -> Example:
    """Neighbours of one role become one turn: several results of tools, told as text, are one turn of the user."""
    messages: list[Message] = []
    for message in example.messages:
        if messages and messages[-1].role == message.role == "user":
            messages[-1] = Message("user", f"{messages[-1].content}\n\n{message.content}")
        else:
            messages.append(message)
    return replace(example, messages=tuple(messages))

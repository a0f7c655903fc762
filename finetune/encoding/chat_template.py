"""Messages -> the text that a chat template makes of them; what it cannot say is said in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from finetune.data.calls import with_calls
from finetune.data.examples import Example, Message
from finetune.data.thinking import split_thinking
from workbench.artefacts import model_folder
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.models.chat_format import fold_system
from workbench.models.rendering import render_template

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
OFFER = (
    "You may call these functions. To call one, answer with its name and arguments"
    " inside <tool_call> tags.\n<tools>\n"
)
OFFER_END = "\n</tools>"
RESULT = "<tool_response>\n{}\n</tool_response>"
CORRECT = say("Correct the base model's chat template, or leave this row out.")
THINKING_FIELD = re.compile(
    r"message(?:\.get\(|\.|\[)['\"]?(reasoning_content|thinking|reasoning)\b"
)


def load_tokenizer(name: str, chat_template: str = "", trusted: bool = False) -> Any:
    """The tokenizer in a folder or on the hub.

    `chat_template` replaces its own: "chatml", or a template's text; `trusted` runs code of its
    own. Raises NotFound.
    """
    tokenizer = model_folder.load_tokenizer(name, trusted)
    if chat_template:
        tokenizer.chat_template = CHATML if chat_template == "chatml" else chat_template
    return tokenizer


def forms_of(example: Example) -> Iterator[Example]:
    """The example, then with tools and calls as text, then without a system turn too."""
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
    """The text of these turns; as a `prompt` it ends where the assistant begins.

    Raises InvalidInput where the template fails.
    """
    from jinja2 import TemplateError

    offered = list(tools) or None
    try:
        # some models have a second template for tools
        template = tokenizer.get_chat_template(tools=offered)
        turns = list(_as_template(messages, thinking_fields(template)))
        return render_template(
            tokenizer,
            turns,
            tools=offered,
            chat_template=template,
            add_generation_prompt=prompt,
        )
    except (TemplateError, TypeError, KeyError, ValueError) as error:
        raise InvalidInput(say("the chat template fails: {error}", error=error), CORRECT) from error


@lru_cache(maxsize=8)
def thinking_fields(template: str) -> tuple[str, ...]:
    """The fields of a message in which this template looks for thinking.

    Without any, thinking stands in the content.
    """
    return tuple(sorted(set(THINKING_FIELD.findall(template))))


def find_lost(example: Example, text: str) -> str:
    """The first part of the example that its text does not say; empty where the text has all."""
    for message in example.messages:
        said = message.content.strip()
        if message.role == "assistant":
            _, said = split_thinking(message.content)
        forms = (said, _quoted(said, ascii_only=True), _quoted(said, ascii_only=False))
        if not any(form in text for form in forms):
            return said
    for tool in example.tools:
        name = tool["function"]["name"]
        if name not in text:
            return say("the tool {name}", name=name)
    return ""


def _as_template(messages: Sequence[Message], thinking: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Turns as templates take them: arguments as objects, calls numbered and results after them."""
    calls = results = 0
    for message in messages:
        turn: dict[str, Any] = {"role": message.role, "content": message.content}
        thought, said = split_thinking(message.content)
        if thought and thinking:
            turn["content"] = said
            turn |= dict.fromkeys(thinking, thought)
        if message.tool_calls:
            turn["tool_calls"] = [
                {"type": "function", "id": _call_id(calls + number), "function": call}
                for number, call in enumerate(message.tool_calls)
            ]
            calls += len(message.tool_calls)
        elif message.role == "tool":
            turn["tool_call_id"] = _call_id(results)
            results += 1
        yield turn


def _call_id(number: int) -> str:
    return f"call{number:05}"  # Mistral's template wants nine letters or digits


def _quoted(text: str, ascii_only: bool) -> str:
    """The text as it stands inside JSON, where templates put calls and results."""
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def _tools_as_text(example: Example) -> Example:
    """Tools in the system turn, calls in the answers, results as the user's turns."""
    messages = [_call_as_text(message) for message in example.messages]
    if example.tools:
        offer = _offer(example.tools)
        if messages[0].role == "system":
            messages[0] = Message("system", f"{messages[0].content}\n\n{offer}")
        else:
            messages.insert(0, Message("system", offer))
    return replace(example, messages=_joined(messages), tools=())


def _offer(tools: Sequence[dict[str, Any]]) -> str:
    functions = [json.dumps(tool["function"], ensure_ascii=False) for tool in tools]
    return OFFER + "\n".join(functions) + OFFER_END


def _call_as_text(message: Message) -> Message:
    if message.role == "tool":
        return Message("user", RESULT.format(message.content))
    if not message.tool_calls:
        return message
    said = with_calls(message.content, message.tool_calls)
    return Message("assistant", said, learned=message.learned)


def _system_in_question(example: Example) -> Example:
    """For templates without a system role, such as Gemma's."""
    if example.messages[0].role != "system":
        return example
    opening = [
        {"role": message.role, "content": message.content} for message in example.messages[:2]
    ]
    [first] = fold_system(opening)
    question = Message("user", first["content"])
    return replace(example, messages=(question, *example.messages[2:]))


def _joined(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Neighbours of the user as one turn: several results of tools, written as text, are one."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role == message.role == "user":
            joined[-1] = Message("user", f"{joined[-1].content}\n\n{message.content}")
        else:
            joined.append(message)
    return tuple(joined)

"""Prompts -> greedy answers, many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from finetune.examples import Example, Message


def prompt_ids(example: Example, tokenizer: Any) -> list[int]:
    """The tokens that the model sees before it gives the example's last answer, as in the chat."""
    from finetune.answers import special_tokens, texts_of

    alone = [*(_unlearned(message) for message in example.messages[:-1]), example.messages[-1]]
    text = texts_of(Example(tuple(alone), example.tools, where=example.where), tokenizer, special_tokens(tokenizer))[0]
    return tokenizer.encode(text.text[: text.spans[-1][0]], add_special_tokens=False)


def generate_answers(
    model: Any, tokenizer: Any, prompts: Sequence[list[int]], longest: int, batch: int = 32
) -> Iterator[tuple[int, str]]:
    """(number of the prompt, answer) as they are made; prompts of like length go together, the pad is masked."""
    import torch

    ends = end_tokens(model, tokenizer)
    options = {
        "max_new_tokens": longest, "do_sample": False, "temperature": None, "top_p": None, "top_k": None,
        "eos_token_id": ends, "pad_token_id": ends[0],
    }  # fmt: skip
    order = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    for begin in range(0, len(order), batch):
        numbers = order[begin : begin + batch]
        size = max(len(prompts[number]) for number in numbers)
        ids = torch.full((len(numbers), size), ends[0])
        mask = torch.zeros((len(numbers), size), dtype=torch.long)
        for row, number in enumerate(numbers):
            ids[row, size - len(prompts[number]) :] = torch.tensor(prompts[number])
            mask[row, size - len(prompts[number]) :] = 1
        with torch.inference_mode():
            made = model.generate(input_ids=ids.to(model.device), attention_mask=mask.to(model.device), **options)
        for number, answer in zip(numbers, made[:, size:].tolist(), strict=True):
            yield number, tokenizer.decode(_until(answer, ends), skip_special_tokens=True)


def end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends an answer, the tokenizer's own first; the same ones as in the chat."""
    from workbench.local_model import ENDS

    words, named = tokenizer.get_vocab(), model.generation_config.eos_token_id
    ends = {*(named if isinstance(named, list) else [named])} - {None, tokenizer.eos_token_id}
    ends |= {words[end] for end in ENDS if end in words and end in str(tokenizer.chat_template)}
    return [tokenizer.eos_token_id, *sorted(ends - {tokenizer.eos_token_id})]


def _until(tokens: Sequence[int], ends: Sequence[int]) -> list[int]:
    """The tokens before the first that ends the answer; what follows it is padding."""
    end = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
    return list(tokens[:end])


def _unlearned(message: Message) -> Message:
    return Message(message.role, message.content, message.tool_calls, learned=False)

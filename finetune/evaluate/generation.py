"""Prompts -> greedy answers, many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from finetune.data.examples import Example, Message
from workbench.artefacts import model_folder


def prompt_ids(example: Example, tokenizer: Any) -> list[int]:
    """The tokens that the model sees before it gives the example's last answer, as in the chat."""
    from finetune.encoding.answers import special_tokens, texts_of

    alone = [*(_unlearned(message) for message in example.messages[:-1]), example.messages[-1]]
    text = texts_of(
        Example(tuple(alone), example.tools, where=example.where),
        tokenizer,
        special_tokens(tokenizer),
    )[0]
    return tokenizer.encode(text.text[: text.spans[-1][0]], add_special_tokens=False)


def generate_answers(
    model: Any, tokenizer: Any, prompts: Sequence[list[int]], longest: int, batch: int = 32
) -> Iterator[tuple[int, str]]:
    """(number of the prompt, answer) as they are made, greedily."""
    ends = end_tokens(model, tokenizer)
    for numbers, prompt in _batches(prompts, range(len(prompts)), batch, ends[0]):
        made = _generate(model, prompt, ends, longest).sequences[:, prompt["input_ids"].shape[1] :]
        for number, answer in zip(numbers, made.tolist(), strict=True):
            yield number, tokenizer.decode(_until(answer, ends), skip_special_tokens=True)


def first_logits(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[list[int]],
    numbers: Sequence[int],
    batch: int = 32,
) -> Iterator[tuple[int, Any]]:
    """(number of the prompt, scores of every word as its first token) for the prompts of these numbers."""
    ends = end_tokens(model, tokenizer)
    for chosen, prompt in _batches(prompts, numbers, batch, ends[0]):
        yield from zip(
            chosen, _generate(model, prompt, ends, 1).logits[0].float().cpu(), strict=True
        )


def _generate(model: Any, prompt: dict[str, Any], ends: list[int], longest: int) -> Any:
    import torch

    with torch.inference_mode():
        return model.generate(
            **{name: tensor.to(model.device) for name, tensor in prompt.items()},
            max_new_tokens=longest,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            eos_token_id=ends,
            pad_token_id=ends[0],
            output_logits=longest == 1,
            return_dict_in_generate=True,
        )


def _batches(
    prompts: Sequence[list[int]], numbers: Sequence[int], batch: int, pad: int
) -> Iterator[tuple[list[int], dict[str, Any]]]:
    """Prompts of like length together, padded on the left; the pad is masked."""
    import torch

    order = sorted(numbers, key=lambda number: len(prompts[number]))
    for begin in range(0, len(order), batch):
        chosen = order[begin : begin + batch]
        size = max(len(prompts[number]) for number in chosen)
        ids = torch.full((len(chosen), size), pad)
        mask = torch.zeros((len(chosen), size), dtype=torch.long)
        for row, number in enumerate(chosen):
            ids[row, size - len(prompts[number]) :] = torch.tensor(prompts[number])
            mask[row, size - len(prompts[number]) :] = 1
        yield chosen, {"input_ids": ids, "attention_mask": mask}


def end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends an answer, the tokenizer's own first; the same ones as in the chat."""
    own = tokenizer.eos_token_id
    ends = model_folder.end_tokens(tokenizer, model.generation_config.eos_token_id)
    return [own, *(end for end in ends if end != own)]


def _until(tokens: Sequence[int], ends: Sequence[int]) -> list[int]:
    """The tokens before the first that ends the answer; what follows it is padding."""
    end = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
    return list(tokens[:end])


def _unlearned(message: Message) -> Message:
    return Message(message.role, message.content, message.tool_calls, learned=False)

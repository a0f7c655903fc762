"""Prompts -> greedy answers, many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from finetune.data.examples import Example
from workbench.artefacts import model_folder

if TYPE_CHECKING:
    from finetune.run.runs import Run
    from workbench.models.weights import LoadedModel


def load_trained(run: Run, base: bool = False) -> LoadedModel:
    """The run's model; with `base` its base alone. Raises NotFound or Unavailable."""
    from workbench.models.packaged import restore
    from workbench.models.weights import load_local

    if base and run.trained == run.model:
        restore(run.base)
        return load_local(run.base, run)
    loaded = load_local(run.trained)
    return loaded.without_adapter() if base else loaded


def prompt_ids(example: Example, tokenizer: Any) -> list[int]:
    """The tokens that the model sees before it gives the example's last answer, as in the chat."""
    prompt, _ = _last_answer(example, tokenizer)
    return tokenizer.encode(prompt, add_special_tokens=False)


def said_ids(example: Example, tokenizer: Any) -> list[int]:
    """The tokens of the example's last answer as the model says it: text, calls and end."""
    _, said = _last_answer(example, tokenizer)
    return tokenizer.encode(said, add_special_tokens=False)


def _last_answer(example: Example, tokenizer: Any) -> tuple[str, str]:
    """The text before the last answer, and the answer's."""
    from finetune.encoding.answers import special_tokens, texts_of

    *earlier, last = example.messages
    context = [replace(message, learned=False) for message in earlier]
    asked = replace(example, messages=(*context, last))
    text = texts_of(asked, tokenizer, special_tokens(tokenizer))[0]
    begin, end = text.spans[-1]
    return text.text[:begin], text.text[begin:end]


def generate_answers(
    model: Any, tokenizer: Any, prompts: Sequence[list[int]], longest: int, batch: int = 32
) -> Iterator[tuple[int, str]]:
    """(number of the prompt, answer) as they are made, greedily, of `longest` tokens at most."""
    ends = end_tokens(model, tokenizer)
    batches = _batches(prompts, range(len(prompts)), batch, model)
    for numbers, prompt in _padded(prompts, batches, ends[0]):
        made = _generate(model, prompt, ends, longest)
        answers = made.sequences[:, prompt["input_ids"].shape[1] :].tolist()
        for number, answer in zip(numbers, answers, strict=True):
            yield number, tokenizer.decode(_until(answer, ends), skip_special_tokens=True)


def first_logits(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[list[int]],
    numbers: Sequence[int],
    batch: int = 32,
) -> Iterator[tuple[int, Any]]:
    """(number of the prompt, logits of its first new token, one a word) for these prompts."""
    ends = end_tokens(model, tokenizer)
    for chosen, prompt in _padded(prompts, _batches(prompts, numbers, batch, model), ends[0]):
        made = _generate(model, prompt, ends, longest=1)
        yield from zip(chosen, made.logits[0].float().cpu(), strict=True)


def end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends an answer, the tokenizer's own first; the same ones as in the chat."""
    own = tokenizer.eos_token_id
    ends = model_folder.end_tokens(tokenizer, model.generation_config.eos_token_id)
    return [own, *(end for end in ends if end != own)]


def _generate(model: Any, prompt: dict[str, Any], ends: list[int], longest: int) -> Any:
    import torch

    inputs = {name: tensor.to(model.device) for name, tensor in prompt.items()}
    with torch.inference_mode():
        return model.generate(
            **inputs,
            max_new_tokens=longest,
            do_sample=False,
            # the model's own sampling settings would only be warned of
            temperature=None,
            top_p=None,
            top_k=None,
            eos_token_id=ends,
            pad_token_id=ends[0],
            output_logits=longest == 1,
            return_dict_in_generate=True,
        )


def _batches(
    prompts: Sequence[list[int]], numbers: Sequence[int], batch: int, model: Any
) -> Iterator[list[int]]:
    """Numbers of prompts that are answered together: `batch` at most, of like length.

    Of the very same length where embeddings stand before the text: the pad would come between, and
    the text be farther from them than it was in the training.
    """
    config = getattr(model, "active_peft_config", None)
    alike = config is not None and config.peft_type == "PROMPT_TUNING"
    chosen: list[int] = []
    for number in sorted(numbers, key=lambda number: len(prompts[number])):
        other = chosen and alike and len(prompts[number]) != len(prompts[chosen[0]])
        if other or len(chosen) == batch:
            yield chosen
            chosen = []
        chosen.append(number)
    if chosen:
        yield chosen


def _padded(
    prompts: Sequence[list[int]], batches: Iterable[list[int]], pad: int
) -> Iterator[tuple[list[int], dict[str, Any]]]:
    """The prompts of each batch, padded on the left; the pad is masked."""
    import torch

    for chosen in batches:
        size = max(len(prompts[number]) for number in chosen)
        ids = torch.full((len(chosen), size), pad)
        mask = torch.zeros((len(chosen), size), dtype=torch.long)
        for row, number in enumerate(chosen):
            prompt = prompts[number]
            ids[row, size - len(prompt) :] = torch.tensor(prompt)
            mask[row, size - len(prompt) :] = 1
        yield chosen, {"input_ids": ids, "attention_mask": mask}


def _until(tokens: Sequence[int], ends: Sequence[int]) -> list[int]:
    """The tokens before the first that ends the answer; the rest is padding."""
    for place, token in enumerate(tokens):
        if token in ends:
            return list(tokens[:place])
    return list(tokens)

"""A loaded model and rows -> its greedy answers, its likeliest options, the loss of the references.

Each function yields (number of the row, what was found), several rows at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from finetune.data.calls import with_calls
from finetune.data.examples import Example
from finetune.evaluate.generation import first_logits, generate_answers, prompt_ids, said_ids
from finetune.evaluate.options import by_options
from workbench.errors import Unavailable
from workbench.messages import say
from workbench.models.tool_calls import BROKEN, CallReader, Form, form_of_calls

if TYPE_CHECKING:
    from workbench.models.weights import LoadedModel

ANSWER, LETTER, LOSS = "answer", "letter", "loss"  # what can be found of a row
THINKING_TOKENS = 2048  # what a thinking model may write before its answer
SPARE_TOKENS = 8  # beyond the longest right answer: a wrong one may be longer


def answers(
    loaded: LoadedModel, examples: Sequence[Example], numbers: Sequence[int], batch: int
) -> Iterator[tuple[int, str]]:
    """The answers as text, thinking included."""
    with _asking(loaded, batch):
        tokenizer = loaded.tokenizer
        prompts = [prompt_ids(examples[number], tokenizer) for number in numbers]
        room = _room(examples, tokenizer)
        made = generate_answers(loaded.base.model, tokenizer, prompts, room, batch)
        form = form_of_calls(tokenizer)
        for place, answer in made:
            yield numbers[place], in_one_form(answer, form)


def in_one_form(answer: str, form: Form | None) -> str:
    """The answer with calls as references have them; as it is where one of them is not whole."""
    if form != "llama":
        return answer
    reader = CallReader(form)
    text = reader.feed(answer) + reader.rest()
    if any(call.arguments.startswith(BROKEN) for call in reader.calls):
        return answer
    calls = [{"name": call.name, "arguments": json.loads(call.arguments)} for call in reader.calls]
    return with_calls(text, calls)


def letters(
    loaded: LoadedModel, examples: Sequence[Example], numbers: Sequence[int], batch: int
) -> Iterator[tuple[int, str]]:
    """The option whose letter is the likeliest next token, for rows that offer options."""
    with _asking(loaded, batch):
        tokenizer = loaded.tokenizer
        prompts = [prompt_ids(example, tokenizer) for example in examples]
        for options, rows in by_options(examples, numbers).items():
            tokens = [tokenizer.encode(letter, add_special_tokens=False)[0] for letter in options]
            found = first_logits(loaded.base.model, tokenizer, prompts, rows, batch)
            for number, logits in found:
                yield number, options[int(logits[tokens].argmax())]


def losses(
    loaded: LoadedModel, examples: Sequence[Example], numbers: Sequence[int], batch: int
) -> Iterator[tuple[int, tuple[float, int]]]:
    """(negative log-likelihood, tokens) of the right answer and its end, as a training counts."""
    from finetune.encoding.masking import encode

    with _asking(loaded, batch):
        rows = {}
        for number in numbers:
            *earlier, last = examples[number].messages
            context = [replace(message, learned=False) for message in earlier]
            alone = replace(examples[number], messages=(*context, last))
            rows[number] = encode(alone, loaded.tokenizer)
        order = sorted(rows, key=lambda number: len(rows[number].input_ids))
        for begin in range(0, len(order), batch):
            chosen = order[begin : begin + batch]
            found = _losses_of(loaded, [rows[number] for number in chosen])
            yield from zip(chosen, found, strict=True)


def _losses_of(loaded: LoadedModel, rows: Sequence[Any]) -> list[tuple[float, int]]:
    import torch
    from torch.nn import functional

    from finetune.encoding.masking import IGNORED

    size = max(len(row.input_ids) for row in rows)
    ids = torch.zeros((len(rows), size), dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for place, row in enumerate(rows):
        length = len(row.input_ids)
        ids[place, :length] = torch.tensor(row.input_ids)
        labels[place, :length] = torch.tensor(row.labels)
        mask[place, :length] = 1
    model = loaded.base.model
    with torch.inference_mode():
        logits = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device)).logits
    logits = logits[:, -size:-1].float().cpu()  # some methods put virtual tokens before the row
    wanted = labels[:, 1:]
    each = functional.cross_entropy(
        logits.transpose(1, 2), wanted, reduction="none", ignore_index=IGNORED
    )
    counts = (wanted != IGNORED).sum(dim=1).tolist()
    return list(zip(each.sum(dim=1).tolist(), counts, strict=True))


def _room(examples: Sequence[Example], tokenizer: Any) -> int:
    """The tokens that an answer may have."""
    longest = max(len(said_ids(example, tokenizer)) for example in examples)
    thinks = "<think>" in str(tokenizer.chat_template)
    return longest + (THINKING_TOKENS if thinks else SPARE_TOKENS)


@contextmanager
def _asking(loaded: LoadedModel, batch: int) -> Iterator[None]:
    """Hold the model, with its adapter on. Raises Unavailable where the memory ends."""
    with loaded.base.lock:
        loaded.choose_adapter()
        try:
            yield
        except RuntimeError as error:
            if "out of memory" not in str(error).lower():
                raise
            raise Unavailable(
                say("No memory to answer {batch} questions at once.", batch=batch),
                "Lower --batch.",
            ) from error

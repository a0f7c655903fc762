"""A run and an opening -> what base and run go on with, and how well each foretells a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data.dataset import load_rows
from finetune.data.plain_text import PlainText
from finetune.evaluate.generation import end_tokens, load_trained
from finetune.run.metrics import append_metrics, perplexity
from finetune.run.runs import CONTINUATIONS, Run, check_base
from workbench.errors import InvalidInput
from workbench.files import read_json
from workbench.models.packaged import resolve_base

if TYPE_CHECKING:
    from workbench.models.weights import LoadedModel
    from workbench.settings import Settings

MEASURING = ("Measuring the base", "Measuring the run")
TEMPERATURE = 0.8
TOP_P = 0.95
SEED = 42
AT_ONCE = 1024  # tokens scored together: each has a score for every word of the vocabulary

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Side:
    """A model's continuations, and its perplexities of the held-out text; None without any."""

    texts: list[str]
    per_token: float | None
    per_character: float | None


@dataclass(frozen=True)
class BeforeAndAfter:
    """What the base does, and what the run does."""

    prompt: str
    before: Side
    after: Side
    same_tokens: bool

    @property
    def result(self) -> dict[str, Any]:
        """Perplexities are of tokens, or of characters where the two have other tokens."""
        per = "token" if self.same_tokens else "character"
        return {
            "prompt": self.prompt,
            "before": self.before.texts,
            "after": self.after.texts,
            "perplexity_before": getattr(self.before, f"per_{per}"),
            "perplexity_after": getattr(self.after, f"per_{per}"),
            "per": per,
            "perplexity_per_character": [self.before.per_character, self.after.per_character],
        }


@dataclass(frozen=True)
class Asked:
    """What to sample: continuations of a prompt, each of `tokens` at most, the same by the seed.

    Perplexity is that of the first `characters` of the held-out text.
    """

    prompt: str
    count: int = 5
    tokens: int = 64
    characters: int = 50_000
    seed: int = SEED


def continue_both(
    run: Run, settings: Settings, asked: Asked, base: str = "", report: Report = lambda event: None
) -> BeforeAndAfter:
    """Let the base go on from the prompt, then the run; the result is kept with the run.

    `base` is another base to compare with; without it, that which the run's vocabulary was made
    from, else the run's own. Raises InvalidInput without a prompt, NotFound or Conflict for the
    base.
    """
    if not asked.prompt.strip():
        raise InvalidInput("The prompt is empty.", "Give some words to go on from, by --prompt.")
    check_base(run)
    text = held_out_text(run, asked.characters)
    length = run.config().data.max_length

    def look(loaded: LoadedModel, stage: str) -> Side:
        with loaded.base.lock:
            loaded.choose_adapter()
            texts = sample(loaded, asked)
            scores = perplexities(loaded, text, length, partial(_tell, report, stage))
        return Side(texts, *scores)

    base_loaded = _load_base(run, settings, base)
    before = look(base_loaded, MEASURING[0])
    loaded = load_trained(run)
    after = look(loaded, MEASURING[1])
    same = base_loaded.tokenizer.get_vocab() == loaded.tokenizer.get_vocab()
    found = BeforeAndAfter(asked.prompt, before, after, same)
    append_metrics(run.folder / CONTINUATIONS, found.result)
    return found


def held_out_text(run: Run, characters: int) -> list[str]:
    """The documents that the run kept to measure on, as many as that; none for conversations."""
    found: list[str] = []
    for row in load_rows([run.eval_data]).rows:
        if not isinstance(row, PlainText) or characters <= 0:
            break
        found.append(row.text[:characters])
        characters -= len(row.text)
    return found


def sample(loaded: LoadedModel, asked: Asked) -> list[str]:
    """The new text of each continuation."""
    import torch

    model = loaded.base.model
    tokenizer = loaded.tokenizer
    ends = end_tokens(model, tokenizer)
    ids = tokenizer.encode(asked.prompt, add_special_tokens=False, return_tensors="pt")
    torch.manual_seed(asked.seed)
    with torch.inference_mode():
        made = model.generate(
            input_ids=ids.to(model.device),
            attention_mask=torch.ones_like(ids, device=model.device),
            do_sample=True,
            temperature=TEMPERATURE,
            top_p=TOP_P,
            top_k=0,
            max_new_tokens=asked.tokens,
            num_return_sequences=asked.count,
            eos_token_id=ends,
            pad_token_id=ends[0],
        )
    return tokenizer.batch_decode(made[:, ids.shape[1] :], skip_special_tokens=True)


def perplexities(
    loaded: LoadedModel, texts: Sequence[str], length: int, tell: Callable[[int, int], None]
) -> tuple[float | None, float | None]:
    """Of tokens and of characters, in rows of so many tokens as in training; None without text.

    The first token of a row is not foretold; its letters count as if it were foretold like others.
    """
    import torch
    from torch.nn import functional

    tokenizer, model = loaded.tokenizer, loaded.base.model
    ids: list[int] = []
    for text in texts:
        ids += [*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]
    rows = [ids[begin : begin + length] for begin in range(0, len(ids), length)]
    whole = [row for row in rows if len(row) == length]
    step = max(1, AT_ONCE // length)
    batches = [whole[begin : begin + step] for begin in range(0, len(whole), step)]
    batches += [[row] for row in rows if 1 < len(row) < length]
    loss = 0.0
    scored = 0
    for number, batch in enumerate(batches):
        tell(number, len(batches))
        inputs = torch.tensor(batch, device=model.device)
        with torch.inference_mode():
            logits = model(input_ids=inputs).logits
        size = inputs.shape[1]
        logits = logits[:, -size:-1].float()  # some methods put virtual tokens before the row
        target = inputs[:, 1:]
        summed = functional.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="sum")
        loss += float(summed)
        scored += target.numel()
    if not scored:
        return None, None
    mean = loss / scored
    characters = sum(len(text) for text in texts)
    return perplexity(mean), perplexity(mean * len(ids) / characters)


def _load_base(run: Run, settings: Settings, other: str) -> LoadedModel:
    from workbench.models.weights import load_local

    extended = read_json(run.base / "vocabulary.json", {})
    for name in (other, extended.get("base", "")):
        folder = Path(resolve_base(name, settings)).expanduser() if name else Path()
        if name and (other or folder.is_dir()):
            return load_local(folder)
    return load_trained(run, base=True)


def _tell(report: Report, stage: str, done: int, of: int) -> None:
    report({"event": "progress", "stage": stage, "done": done, "of": of})

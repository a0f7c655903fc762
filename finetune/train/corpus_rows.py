"""The corpora of a run -> rows for the trainer, read from disk when they come, and an account."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.corpus.blocks import Blocks, Parts, measured, part, passes
from finetune.corpus.held_out import characters_of, write_documents
from finetune.corpus.settings import Mixture
from finetune.corpus.store import Corpus, TokenFile, tokens_of
from finetune.corpus.tokenizing import spelling_of
from finetune.encoding.batches import TokenRow
from finetune.run.runs import Run
from finetune.train.order import PLAN, PREPARING, Order
from finetune.train.processes import is_first
from workbench.errors import InvalidInput
from workbench.messages import say

if TYPE_CHECKING:
    from datasets import Dataset

Place = tuple[int, int]  # the number of a stream, and of a block in it


class CorpusRows:
    """What is learned and what is measured, in blocks. Their tokens lie in the workspace.

    Raises InvalidInput where not one block is left to learn, Stopped where a person stops it.
    """

    def __init__(self, order: Order, tokenizer: Any) -> None:
        self.order = order
        self.tokenizer = tokenizer
        self.length = order.config.data.max_length
        mixture: Mixture = order.taught
        parts = [
            part(self._tokens(one.corpus), self.length, mixture.share, mixture.isolated)
            for one in mixture.corpora
        ]
        weights = [one.weight for one in mixture.corpora]
        self.taught = [one.taught for one in parts]
        self.places = _places(self.taught, weights, order.config.seed)
        self.held_out = [one.held_out for one in parts if len(one.held_out)]
        if order.held_out:
            tokens = self._tokens(order.held_out)
            self.held_out.append(measured(tokens, self.length, mixture.isolated))
        self.characters = sum(characters_of(blocks, self.decode) for blocks in self.held_out)
        self._check(parts)
        if is_first():
            self._tell(parts, weights)

    def decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))

    @property
    def tokens_per_character(self) -> float:
        """Of the text that is held out; 0 without any."""
        return sum(blocks.count for blocks in self.held_out) / max(self.characters, 1)

    def to_learn(self) -> Dataset:
        """The rows of an epoch."""
        return _dataset(self.taught, self.places)

    def to_measure(self) -> Dataset | None:
        """The rows that are held out; None without any."""
        if not self.held_out:
            return None
        return _dataset(self.held_out, _places(self.held_out, [1.0] * len(self.held_out), 0))

    def _tokens(self, corpus: Corpus) -> TokenFile:
        order = self.order

        def report(event: dict[str, Any]) -> None:
            order.report(event | PLAN.place(PREPARING))

        cache = corpora_of(order.run)
        return tokens_of(corpus, spelling_of(self.tokenizer), cache, report, order.stopped)

    def _check(self, parts: Sequence[Parts]) -> None:
        if self.places:
            return
        tokens = sum(one.taught.count + one.held_out.count + one.remainder for one in parts)
        raise InvalidInput(
            say(
                "The corpus has {tokens} tokens, and a block {length}: nothing can be learned.",
                tokens=tokens,
                length=self.length,
            ),
            "Lower data.max_length, or add text.",
        )

    def _tell(self, parts: Sequence[Parts], weights: Sequence[float]) -> None:
        """The account on the card, and the text that is held out beside it."""
        run = self.order.run
        accounts = [_account(one, weight) for one, weight in zip(parts, weights, strict=True)]
        data = run.card["data"]
        data["train"] |= {"rows": len(self.places), "block": self.length, "corpora": accounts}
        if self.held_out:
            held_out = {
                "rows": sum(len(blocks) for blocks in self.held_out),
                "tokens": sum(blocks.count for blocks in self.held_out),
                "characters": self.characters,
            }
            data["eval"] = data.get("eval", {}) | held_out
            (run.folder / "data").mkdir(exist_ok=True)
            write_documents(run.eval_data, self.held_out, self.decode)
        run.update_card(data=data)


def corpora_of(run: Run) -> Path:
    """Where the tokens of corpora are kept: beside the runs of the workspace."""
    return run.folder.parents[1] / "corpora"


def _account(parts: Parts, weight: float) -> dict[str, Any]:
    """tokens = taught_tokens + held_out_tokens + remainder."""
    counts = asdict(parts.taught.tokens.counts)
    return {
        **counts,
        "weight": weight,
        "blocks": len(parts.taught),
        "taught_tokens": parts.taught.count,
        "held_out_tokens": parts.held_out.count,
        "remainder": parts.remainder,
    }


def _places(streams: Sequence[Blocks], weights: Sequence[float], seed: int) -> list[Place]:
    chance = random.Random(seed)  # noqa: S311 - an order needs no secret
    found = []
    for number, (blocks, weight) in enumerate(zip(streams, weights, strict=True)):
        found += [(number, block) for block in passes(len(blocks), weight, chance)]
    return found


def _dataset(streams: Sequence[Blocks], places: Sequence[Place]) -> Dataset:
    """The places as a data set that reads a block when it is asked for it."""
    from datasets import Dataset

    def read(rows: dict[str, list[int]]) -> dict[str, list[list[int]]]:
        found: list[TokenRow] = [
            streams[number].row(block)
            for number, block in zip(rows["stream"], rows["block"], strict=True)
        ]
        return {name: [row[name] for row in found] for name in found[0]}

    numbers = [number for number, _ in places]
    blocks = [block for _, block in places]
    return Dataset.from_dict({"stream": numbers, "block": blocks}).with_transform(read)

"""The trainer of blocks: beside the held-out loss it logs the perplexity, of tokens and letters."""

from __future__ import annotations

from finetune.run.metrics import perplexity
from finetune.train.trainer import Trainer


class Pretrainer(Trainer):
    """`tokens_per_character` is that of the held-out text; 0 where it is not known."""

    tokens_per_character = 0.0

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """A perplexity of characters can be compared between tokenizers."""
        if "eval_loss" in logs:
            loss = logs["eval_loss"]
            logs["eval_perplexity"] = perplexity(loss)
            logs["eval_perplexity_per_character"] = perplexity(loss * self.tokens_per_character)
        super().log(logs, start_time)

"""TRL's SFTTrainer, made leaner where it has no fused kernel.

Off CUDA, TRL scores every token of the vocabulary at every place. Here only the places that
are learned are scored.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch
from torch.nn import functional
from trl import SFTTrainer

from finetune.encoding.masking import IGNORED
from finetune.train.any_method import TrainsAnyMethod
from finetune.train.saving import without_copies


class Trainer(TrainsAnyMethod, SFTTrainer):
    """The same loss and the same training; no model card beside each checkpoint."""

    def create_model_card(self, *args: Any, **options: Any) -> None:
        return

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        if state_dict:
            state_dict = without_copies(self.model, state_dict)
        super()._save(output_dir, state_dict)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The mean loss of the learned tokens."""
        if return_outputs or not self._scores_some_places(inputs):
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        rest = {name: value for name, value in inputs.items() if name != "labels"}
        # each place predicts the next token
        labels = functional.pad(inputs["labels"][:, 1:], (0, 1), value=IGNORED)
        kept = (labels != IGNORED).any(0).nonzero().squeeze(1)
        target = labels[:, kept]
        places = kept + self._positions_before_text()
        logits = model(**rest, use_cache=False, logits_to_keep=places).logits
        loss = functional.cross_entropy(
            logits.flatten(0, 1).float(), target.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        self._count(model.training, rest)
        if num_items_in_batch is None:
            learned = (target != IGNORED).sum()
            return loss / learned.clamp(min=1)
        learned = torch.as_tensor(num_items_in_batch)
        # several processes count their tokens together, and their gradients are averaged afterwards
        return loss / learned.clamp(min=1) * self.accelerator.num_processes

    def _scores_some_places(self, inputs: dict[str, Any]) -> bool:
        if self.aux_loss_enabled or inputs["input_ids"].is_cuda:
            return False
        return self._keeps_logits()

    def _positions_before_text(self) -> int:
        """How many trained positions have logits of their own, before those of the text."""
        config = getattr(self.model, "active_peft_config", None)
        if config is None or config.peft_type != "PROMPT_TUNING":
            return 0
        return config.num_virtual_tokens

    def _keeps_logits(self) -> bool:
        """Whether the model can score some places only."""
        model: Any = self.model
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        return "logits_to_keep" in signature(type(base).forward).parameters

    def _count(self, training: bool, rest: dict[str, Any]) -> None:
        """Tokens without padding, as TRL counts them."""
        if training:
            mask = rest.get("attention_mask")
            ids = rest["input_ids"]
            count = ids.new_tensor(ids.numel()) if mask is None else mask.sum()
            self._total_train_tokens += int(self.accelerator.gather_for_metrics(count).sum())
        metrics = self._metrics["train" if training else "eval"]
        metrics["num_tokens"] = [self._total_train_tokens]

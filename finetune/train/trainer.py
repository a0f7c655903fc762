"""TRL's SFTTrainer, made leaner where it has no fused kernel: off CUDA it scores every word at every place, masked or not."""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch
from torch.nn import functional
from trl import SFTTrainer

from finetune.encoding.masking import IGNORED


class Trainer(SFTTrainer):
    """The same loss and the same training; no model card beside each checkpoint, as card.json tells more."""

    def create_model_card(self, *args: Any, **options: Any) -> None:
        return

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The mean loss of the learned tokens; off CUDA only the places that any row learns from are scored."""
        if (
            return_outputs
            or self.aux_loss_enabled
            or inputs["input_ids"].is_cuda
            or not self._keeps_logits()
        ):
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        rest = {name: value for name, value in inputs.items() if name != "labels"}
        labels = functional.pad(
            inputs["labels"][:, 1:], (0, 1), value=IGNORED
        )  # each place predicts the next token
        kept = (labels != IGNORED).any(0).nonzero().squeeze(1)
        logits = model(**rest, use_cache=False, logits_to_keep=kept).logits
        target = labels[:, kept]
        loss = functional.cross_entropy(
            logits.flatten(0, 1).float(), target.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        self._count(model.training, rest)
        learned = (target != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
        loss = loss / torch.as_tensor(learned).clamp(min=1)
        # several processes count their tokens together, and their gradients are averaged afterwards
        return loss if num_items_in_batch is None else loss * self.accelerator.num_processes

    def _keeps_logits(self) -> bool:
        model: Any = self.model
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        return "logits_to_keep" in signature(type(base).forward).parameters

    def _count(self, training: bool, rest: dict[str, Any]) -> None:
        """Tokens without padding, as TRL counts them."""
        if training:
            mask = rest.get("attention_mask")
            self._total_train_tokens += int(
                rest["input_ids"].numel() if mask is None else mask.sum()
            )
        self._metrics["train" if training else "eval"]["num_tokens"] = [self._total_train_tokens]

"""TRL's DPOTrainer and KTOTrainer on rows that are encoded already, with exact figures of the
held-out ones.

TRL averages the figures of batches, and KTO has no accuracy. Here the reward of every held-out
answer is kept: beta times how much likelier the trained model finds it than the reference.
"""

from __future__ import annotations

from typing import Any

import torch
from trl import DPOTrainer, KTOTrainer

from finetune.train.any_method import TrainsAnyMethod

MARGIN = "rewards/margins"
ACCURACY = "rewards/accuracies"


class _Measuring:
    """What both trainers share. Rewards are kept as rows of (good answer, bad answer) or alone."""

    _rewards: list[Any]

    def create_model_card(self, *args: Any, **options: Any) -> None:
        """No card beside each checkpoint."""

    def _prepare_dataset(self, dataset: Any, *more: Any, **options: Any) -> Any:
        """Our rows are tokens already."""
        return dataset

    def prediction_step(
        self: Any, model: Any, inputs: dict[str, Any], *more: Any, **options: Any
    ) -> Any:
        """TRL's step; the log-probabilities that it computes give the rewards."""
        heard: list[Any] = []

        def listen(module: Any, arguments: Any, outputs: Any) -> None:
            heard.append(outputs.log_probs.sum(-1).float())

        models = [self.model] if self.ref_model is None else [self.model, self.ref_model]
        hooks = [each.register_forward_hook(listen) for each in models]
        try:
            result = super().prediction_step(model, inputs, *more, **options)  # type: ignore[misc]
        finally:
            for hook in hooks:
                hook.remove()
        # the first half are the model's passes, the other half the reference's; the answers
        # themselves come last in each
        trained, reference = heard[len(heard) // 2 - 1], heard[-1]
        row = self._side_by_side(self.beta * (trained - reference), inputs)
        self._rewards.append(self.accelerator.gather_for_metrics(row).cpu())
        return result

    def log(self: Any, logs: dict[str, float], start_time: float | None = None) -> None:
        """Put the exact figures in the place of TRL's."""
        if self._rewards:
            good, bad = self._good_and_bad(torch.cat(self._rewards))
            self._rewards = []
            figures = self._metrics["eval"]
            figures.pop(MARGIN, None)
            if len(good) and len(bad):
                figures[MARGIN] = [(good.mean() - bad.mean()).item()]
                figures[ACCURACY] = [self._accuracy(good, bad)]
        super().log(logs, start_time)  # type: ignore[misc]


class PairTrainer(_Measuring, TrainsAnyMethod, DPOTrainer):
    """DPO. The accuracy is the share of pairs whose chosen answer has the higher reward."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._rewards = []
        super().__init__(*args, **options)

    def _side_by_side(self, rewards: Any, inputs: dict[str, Any]) -> Any:
        return torch.stack(rewards.chunk(2), dim=1)

    def _good_and_bad(self, rows: Any) -> Any:
        return rows[:, 0], rows[:, 1]

    def _accuracy(self, good: Any, bad: Any) -> float:
        return ((good > bad).double() + (good == bad) / 2).mean().item()


class RatedTrainer(_Measuring, TrainsAnyMethod, KTOTrainer):
    """KTO. The accuracy is the chance that a good answer has a higher reward than a bad one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._rewards = []
        super().__init__(*args, **options)

    def _side_by_side(self, rewards: Any, inputs: dict[str, Any]) -> Any:
        return torch.stack([rewards, inputs["label"].to(rewards)], dim=1)

    def _good_and_bad(self, rows: Any) -> Any:
        is_good = rows[:, 1] > 0
        return rows[is_good, 0], rows[~is_good, 0]

    def _accuracy(self, good: Any, bad: Any) -> float:
        """The area under the ROC curve: equal rewards count half."""
        ordered = bad.sort().values
        lower = torch.searchsorted(ordered, good, side="left")
        not_higher = torch.searchsorted(ordered, good, side="right")
        return (lower + not_higher).double().mean().item() / (2 * len(bad))

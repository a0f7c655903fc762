"""The section [preference] of a run file: what learning from preferences asks beside a training.

The names are TRL's.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from finetune.section import Section

PairLoss = Literal[
    "sigmoid",
    "sigmoid_norm",
    "hinge",
    "ipo",
    "robust",
    "exo_pair",
    "nca_pair",
    "bco_pair",
    "sppo_hard",
    "aot",
    "aot_unpaired",
    "apo_zero",
    "apo_down",
    "discopop",
    "sft",
]


class Preference(Section):
    """What both tasks ask. `start` names a run: its adapter is where the training begins."""

    beta: float = Field(0.1, gt=0)  # the higher, the nearer the model stays to the reference
    start: str = ""


class Dpo(Preference):
    """Learning from pairs of answers. Several losses are added up, each with its weight."""

    loss_type: list[PairLoss] = Field(["sigmoid"], min_length=1)
    loss_weights: list[float] = Field([])
    label_smoothing: float = Field(0.0, ge=0, lt=0.5)  # how many of the pairs may be the wrong way

    @model_validator(mode="after")
    def _fits(self) -> Dpo:
        if self.loss_weights and len(self.loss_weights) != len(self.loss_type):
            raise ValueError("loss_weights needs a number for each loss of loss_type")
        if "exo_pair" in self.loss_type and not self.label_smoothing:
            raise ValueError("exo_pair needs label_smoothing above 0, such as 0.001")
        return self


class Kto(Preference):
    """Learning from answers that are rated one by one."""

    loss_type: Literal["kto", "apo_zero_unpaired"] = "kto"
    desirable_weight: float = Field(1.0, gt=0)
    undesirable_weight: float = Field(1.0, gt=0)

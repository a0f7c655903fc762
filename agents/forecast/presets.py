"""The presets: one row each says what a model sees, how it learns and what is tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import InvalidInput
from workbench.messages import say

# of LightGBM, under every preset's own; one thread: the machine is shared with the chat
PARAMETERS: dict[str, Any] = {
    "objective": "regression",
    "verbosity": -1,
    "num_threads": 1,
    "seed": 7,
    "deterministic": True,
    "force_col_wise": True,
}


@dataclass(frozen=True)
class Preset:
    """One row."""

    name: str
    about: tuple[str, str]
    """English and Chinese: one line for a person."""

    window: int = 0
    """The newest values that a model sees; 0 takes as many as a season has, from 8 to 24."""

    seasons: bool = True
    """Whether it sees the same moment one season ago, and the mean of some."""

    means: bool = True
    """Whether it sees the mean and spread of windows before."""

    calendar: bool = True
    """Whether it sees the hour, weekday and so on of the moment that is forecast."""

    forms: Sequence[str] = ("level",)
    """What a model may forecast, see `agents.forecast.forms`; the best of several is taken."""

    rounds: int = 100
    parameters: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Values of parameters, of which the best combination is found by folds in time."""

    folds: int = 0
    horizon: int = 0
    """Steps where a person names none; 0 is one season."""

    windows: int = 60
    """Origins of the back-test, where the history is long enough."""

    fits: int = 3
    """How often the models are fitted again on the way through the back-test."""


_ROWS = [
    Preset(
        name="quick",
        about=("Good settings for most series, in seconds", "适合大多数序列，几秒完成"),
        forms=("change", "level"),
        parameters={
            "learning_rate": 0.08,
            "max_bin": 63,  # a third of the time, and no worse where it was measured
            "num_leaves": 31,
            "min_data_in_leaf": 20,
            "feature_fraction": 0.8,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
        },
    ),
    Preset(
        name="s3",
        about=(
            "A window of 3 hours, a grid of 27 settings in 10 folds: minutes to hours",
            "3 小时窗口，27 组参数 × 10 折网格搜索：需数分钟到数小时",
        ),
        window=3,
        seasons=False,
        means=False,
        calendar=False,
        grid={
            "num_leaves": (63, 127, 255),
            "learning_rate": (0.01, 0.02, 0.05),
            "lambda_l1": (0.0, 0.1, 0.2),
        },
        folds=10,
        horizon=3,
    ),
]

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ROWS}


def find_preset(name: str) -> Preset:
    """The preset of that name. Raises InvalidInput."""
    if name not in PRESETS:
        raise InvalidInput(
            say("There is no preset {name}.", name=name),
            say("Use one of: {names}.", names=", ".join(PRESETS)),
        )
    return PRESETS[name]

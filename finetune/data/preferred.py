"""Files -> what preference training learns: pairs of answers, or answers that are rated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from finetune.data.dataset import Loaded, load_as
from finetune.data.examples import DataRow
from finetune.data.preferences import PreferencePair
from finetune.data.ratings import RatedAnswer
from workbench.errors import InvalidInput


def load_pairs(paths: Sequence[Path], only: Mapping[str, str] | None = None) -> Loaded:
    """The preference pairs. A row of another kind is a problem."""
    return load_as(_as_pair, paths, only)


def load_ratings(paths: Sequence[Path], only: Mapping[str, str] | None = None) -> Loaded:
    """The rated answers; a pair is a good answer and a bad one. Other rows are problems."""
    return load_as(_as_ratings, paths, only)


def _as_pair(row: DataRow) -> Sequence[PreferencePair]:
    if isinstance(row, PreferencePair):
        return [row]
    raise InvalidInput(
        "no preference pair: it has no `chosen` and `rejected` answer",
        'Give each row both, or train on rated answers with task = "kto".',
    )


def _as_ratings(row: DataRow) -> Sequence[RatedAnswer]:
    if isinstance(row, RatedAnswer):
        return [row]
    if isinstance(row, PreferencePair):
        rest = (row.tools, row.group, row.where)
        good = RatedAnswer(row.prompt, row.chosen, True, *rest)
        bad = RatedAnswer(row.prompt, row.rejected, False, *rest)
        return [good, bad]
    raise InvalidInput(
        "no rated answer: it has no `label`",
        "Give each row a label: true for a good answer, false for a bad one.",
    )

"""A preset and series -> the layout of what a model sees, kept with the model as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from agents.forecast.presets import Preset
from agents.forecast.rhythm import Rhythm

if TYPE_CHECKING:
    from agents.forecast.series import Series

NEAREST, MOST_NEAR = 8, 24  # values that a model sees at least and at most
ALIKE = 4  # seasons whose same moments are averaged
LEARNED = 2.0  # times that a season must fit into most groups before the model sees it
MOST_GROUPS = 200  # that are told apart by name: more would be learned by heart
MEANS = (3, 12)  # short windows beside the season


@dataclass(frozen=True)
class Layout:
    """All numbers are steps of the rhythm."""

    rhythm: Rhythm
    horizon: int
    near: int
    seasons: tuple[int, ...]
    alike: int
    """How many of the shortest season are averaged, 0 for none."""

    means: tuple[int, ...]
    calendar: bool
    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    words: Mapping[str, Sequence[str]] | None = None
    """Further column of words -> the words that have a number; others count as missing."""

    groups: Sequence[str] = ()
    """The groups that the model tells apart, empty for one or too many."""

    @property
    def lags(self) -> list[int]:
        """Every lag that some step's model needs."""
        found = set(range(1, self.near + 1))
        for step in range(self.horizon):
            for season in self.seasons:
                found.add(season_lag(step, season))
            found |= set(self.alike_lags(step))
        found.add(season_lag(0, self.rhythm.season))
        for step in range(self.horizon):
            found.add(season_lag(step, self.rhythm.season))
        return sorted(found)

    @property
    def reach(self) -> int:
        """How many values back the features of one moment look."""
        return max([*self.lags, *self.means])

    def alike_lags(self, step: int) -> list[int]:
        """The lags of the same moment in the last seasons."""
        first = season_lag(step, self.rhythm.season)
        return [first + number * self.rhythm.season for number in range(self.alike)]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def season_lag(step: int, season: int) -> int:
    """The lag, at the first moment that is forecast, of the newest value one or more seasons
    before the moment `step` later."""
    seasons = -(-(step + 1) // season)
    return season * seasons - step


def make_layout(series: Series, preset: Preset, horizon: int) -> Layout:
    """What the preset's models see of these series."""
    rhythm = series.rhythm
    sizes = series.frame.groupby("unique_id").size()
    usual = float(sizes.median())
    near = preset.window or min(max(rhythm.season, NEAREST), MOST_NEAR)
    seasons: list[int] = []
    alike = 0
    means: list[int] = []
    if preset.seasons and rhythm.season > 1:
        every = [rhythm.season, *rhythm.longer]
        seasons = [season for season in every if season * LEARNED <= usual]
        fitting = int(usual / rhythm.season - 1)
        alike = min(ALIKE, fitting) if fitting > 1 else 0
    if preset.means:
        windows = {*MEANS, rhythm.season, *rhythm.longer[:1]} - {1}
        means = sorted(window for window in windows if window * LEARNED <= usual)
    groups = series.groups
    return Layout(
        rhythm=rhythm,
        horizon=horizon,
        near=near,
        seasons=tuple(seasons),
        alike=alike,
        means=tuple(means),
        calendar=preset.calendar,
        known=series.wanted.known,
        unknown=series.wanted.unknown,
        words=_words(series),
        groups=groups if 1 < len(groups) <= MOST_GROUPS else (),
    )


def read_layout(data: dict[str, Any]) -> Layout:
    """The inverse of `Layout.to_dict`, also after a way through JSON."""
    rhythm = data["rhythm"]
    made = Rhythm(rhythm["freq"], rhythm["season"], tuple(rhythm["longer"]))
    tuples = {name: tuple(data[name]) for name in ("seasons", "means", "known", "unknown")}
    return Layout(**data | tuples | {"rhythm": made})


def _words(series: Series) -> dict[str, list[str]]:
    """The words of each further column that has no numbers."""
    import pandas

    found = {}
    for name in (*series.wanted.known, *series.wanted.unknown):
        column = series.frame[name]
        if not pandas.api.types.is_numeric_dtype(column):
            found[name] = sorted(str(word) for word in column.dropna().unique())
    return found

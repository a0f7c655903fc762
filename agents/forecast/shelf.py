"""Forecasts of a workspace: each a folder of versions that hold text, JSON and CSV alone.

    forecasts/NAME/current.json   the version that answers
    forecasts/NAME/v2/card.json   what was read, how it was fitted, how good it was
                     step_1.txt   LightGBM's own text of one model
                     history.csv  the newest values, enough to forecast from

A version can be copied to another workspace or machine and is found there.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.forecast.features import PURPOSE
from agents.forecast.intervals import Band
from agents.forecast.layout import Layout, read_layout
from agents.forecast.models import StepModels
from agents.forecast.places import Place
from agents.forecast.series import Series, Wanted
from workbench.confined import check_may_change
from workbench.errors import InvalidInput, NotFound
from workbench.extras import require
from workbench.files import locked, read_json, write_json, writing
from workbench.messages import say
from workbench.settings import Settings

if TYPE_CHECKING:
    import pandas

NAME = re.compile(r"[\w-]{1,80}")
CARD = "card.json"
HISTORY = "history.csv"
CURRENT = "current.json"


@dataclass(frozen=True)
class Kept:
    """One version. `card` is its JSON."""

    folder: Path
    card: dict[str, Any]

    @property
    def name(self) -> str:
        return self.folder.parent.name

    @property
    def version(self) -> int:
        return int(self.folder.name[1:])

    @property
    def layout(self) -> Layout:
        """What its models see."""
        return read_layout(self.card["layout"])

    @property
    def wanted(self) -> Wanted:
        """Which columns of its table are the series."""
        data = dict(self.card["wanted"])
        for name in ("group", "known", "unknown"):
            data[name] = tuple(data[name])
        return Wanted(**data)

    @property
    def place(self) -> Place:
        """Where its table comes from."""
        return Place(**self.card["place"])

    @property
    def band(self) -> Band | None:
        """The band around its forecasts, None where the history was too short for one."""
        data = self.card.get("band")
        return Band(**data | {"steps": tuple(data["steps"])}) if data else None

    def models(self) -> StepModels:
        """Its models, from LightGBM's text. Raises InvalidInput where a file is damaged."""
        require("lightgbm", "forecast", PURPOSE)
        import lightgbm

        boosters = []
        for step in range(1, self.layout.horizon + 1):
            path = self.folder / f"step_{step}.txt"
            try:
                boosters.append(lightgbm.Booster(model_str=path.read_text("utf-8")))
            except (OSError, UnicodeDecodeError, lightgbm.basic.LightGBMError) as error:
                raise InvalidInput(
                    say("{path} is missing or damaged.", path=path),
                    "Fit the forecast again, or promote another version.",
                ) from error
        return StepModels(self.card["form"], boosters, self.card["sizes"])

    def history(self) -> Series:
        """The newest values as they were when it was fitted."""
        import pandas

        texts = {"unique_id": str, **dict.fromkeys(self.card["layout"]["words"] or {}, str)}
        frame = pandas.read_csv(self.folder / HISTORY, dtype=texts, parse_dates=["ds"])
        ahead = frame[frame["y"].isna()].drop(columns=["y", "filled"])
        frame = frame[frame["y"].notna()].reset_index(drop=True)
        frame["filled"] = frame["filled"].astype(bool)
        return Series(frame, ahead, self.layout.rhythm, self.wanted)


def keep(
    settings: Settings, name: str, models: StepModels, history: pandas.DataFrame, card: dict
) -> Kept:
    """Write the next version of that name, whole or not at all, and make it the current one.

    Raises InvalidInput for a name that cannot be a folder's.
    """
    check_may_change(settings)
    check_name(name)
    shelf = settings.folder("forecasts", name)
    with locked(shelf / CURRENT):
        version = max(_versions(shelf), default=0) + 1
        folder = shelf / f"v{version}"
        with writing(folder) as part:
            part.mkdir()
            for step, booster in enumerate(models.boosters, 1):
                (part / f"step_{step}.txt").write_text(booster.model_to_string(), "utf-8")
            history.to_csv(part / HISTORY, index=False)
            write_json(part / CARD, card)
        write_json(shelf / CURRENT, {"version": version})
    return _read(folder)


def check_name(name: str) -> None:
    """Raises InvalidInput."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            say("{name!r} cannot be a forecast's name.", name=name),
            "Use letters, digits, - and _, at most 80.",
        )


def find_forecast(settings: Settings, name: str, version: int = 0) -> Kept:
    """That version, else the current one. Raises NotFound or InvalidInput."""
    shelf = settings.home / "forecasts" / (name if NAME.fullmatch(name) else "-")
    versions = _versions(shelf)
    if not versions:
        names = ", ".join(_names(settings))
        fix = say("There are: {names}.", names=names) if names else FIRST
        raise NotFound(say("There is no forecast {name}.", name=name), fix)
    chosen = version or _current(shelf, versions)
    if chosen not in versions:
        listed = ", ".join(str(number) for number in versions)
        raise NotFound(
            say("{name} has no version {version}.", name=name, version=chosen),
            say("There are: {names}.", names=listed),
        )
    return _read(shelf / f"v{chosen}")


FIRST = "Fit one: workbench forecast fit SOURCE|FILE --target COLUMN --name NAME"


def list_forecasts(settings: Settings) -> Iterator[Kept]:
    """The current version of each, by name; what is damaged is left out."""
    for name in _names(settings):
        try:
            yield find_forecast(settings, name)
        except (InvalidInput, NotFound):
            continue


def versions_of(settings: Settings, name: str) -> list[int]:
    """The versions, oldest first."""
    return _versions(settings.home / "forecasts" / name)


def promote(settings: Settings, name: str, version: int) -> Kept:
    """Let that version answer. Raises NotFound."""
    check_may_change(settings)
    found = find_forecast(settings, name, version)
    shelf = found.folder.parent
    with locked(shelf / CURRENT):
        write_json(shelf / CURRENT, {"version": version})
    return found


def remove_forecast(settings: Settings, name: str, version: int = 0) -> None:
    """Delete a version, or all of them. Raises NotFound."""
    check_may_change(settings)
    found = find_forecast(settings, name, version)
    shelf = found.folder.parent
    if version and len(_versions(shelf)) > 1:
        with locked(shelf / CURRENT):
            shutil.rmtree(found.folder)
            if read_json(shelf / CURRENT, {}).get("version") == version:
                write_json(shelf / CURRENT, {"version": max(_versions(shelf))})
        return
    shutil.rmtree(shelf)


def _names(settings: Settings) -> list[str]:
    folder = settings.home / "forecasts"
    return sorted(path.name for path in folder.glob("*") if _versions(path))


def _versions(shelf: Path) -> list[int]:
    found = [path.parent.name for path in shelf.glob(f"v*/{CARD}")]
    return sorted(int(name[1:]) for name in found if name[1:].isdecimal())


def _current(shelf: Path, versions: list[int]) -> int:
    try:
        chosen = read_json(shelf / CURRENT, {}).get("version")
    except (ValueError, AttributeError):
        chosen = None
    return chosen if chosen in versions else versions[-1]


def _read(folder: Path) -> Kept:
    try:
        card = read_json(folder / CARD)
        read_layout(card["layout"])
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput(
            say("{path} is missing or damaged.", path=folder / CARD),
            "Fit the forecast again, or promote another version.",
        ) from error
    return Kept(folder, card)

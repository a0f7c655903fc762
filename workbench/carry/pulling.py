"""An archive -> its runs, models and collections in this workspace, all of them or none."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.artefacts.run_folder import RunFolder
from workbench.backup.manifest import Manifest, damaged, is_inside
from workbench.backup.moving import Move
from workbench.backup.reading import Reader, manifest_of, name_of, open_backup
from workbench.carry.kinds import kinds
from workbench.contributions import contributions, load_place
from workbench.disk import maps_disk_errors
from workbench.errors import Conflict, InvalidInput
from workbench.files import writing
from workbench.messages import Message, say
from workbench.settings import Settings
from workbench.terminal import Report


@dataclass(frozen=True)
class Pulled:
    """What came, by kind; `told` says what needs files that this machine lacks."""

    carried: Mapping[str, Sequence[str]]
    manifest: Manifest
    told: list[Message]


def pull(
    settings: Settings,
    place: Path | str,
    *,
    replace: bool = False,
    report: Report = lambda event: None,
) -> Pulled:
    """Bring what was pushed to a file or a URL into the workspace.

    Nothing changes before all sums are right.

    Raises NotFound, InvalidInput for a damaged or foreign file, Conflict where a thing of that name
    exists, unless it may be replaced, Unavailable, Unwritable.
    """
    name = name_of(place)
    with open_backup(place) as archive:
        manifest = manifest_of(archive, name)
        _check(manifest, name, settings, replace)
        home = settings.folder()
        with (
            maps_disk_errors(home),
            tempfile.TemporaryDirectory(dir=home, prefix=".pull-") as scratch,
        ):
            part = Path(scratch, "workspace")
            Reader(name, archive, manifest, report).extract(part)
            move = Move(part, manifest.home, str(home))
            told = [*manifest.told(), *_moved(move)]
            _take(settings, manifest.carried, settings.model_copy(update={"home": part}))
            told += _without_base(settings, manifest.carried.get("run", []))
    return Pulled(manifest.carried, manifest, told)


def _check(manifest: Manifest, name: str, settings: Settings, replace: bool) -> None:
    """Raises InvalidInput for what was not pushed, Conflict for what is here already."""
    known = kinds()
    carried = manifest.carried
    if not carried:
        raise InvalidInput(
            say("{name} is the backup of a workspace.", name=name),
            "Restore it with: workbench restore FILE --into FOLDER",
        )
    for word, names in carried.items():
        if word not in known or not all(is_inside(one) and "/" not in one for one in names):
            raise damaged(name, say("it holds {path} unannounced", path=word))
        there = set(known[word].names(settings)).intersection(names)
        if there and not replace:
            raise Conflict(
                say("{name} exists.", name=f"{word}:{min(there)}"),
                "Give --replace to put the one that comes in its place.",
            )
        busy = [one for one in there if word == "run" and _is_busy(settings, one)]
        if busy:
            raise Conflict(
                say("{name} is being trained.", name=busy[0]), "Wait for it, or stop it first."
            )


def _is_busy(settings: Settings, run: str) -> bool:
    return RunFolder(settings.home / "runs" / run).being_trained


def _moved(move: Move) -> Iterator[Message]:
    """Write the new place into what came; a sentence for what leads elsewhere."""
    for contribution in contributions():
        for place in contribution.moves:
            yield from load_place(place)(move)


def _without_base(settings: Settings, runs: Sequence[str]) -> Iterator[Message]:
    """A sentence for each run whose base lies in this workspace, where it has not come along."""
    for name in runs:
        run = RunFolder(settings.home / "runs" / name)
        with suppress(InvalidInput):
            base = run.base
            if base.is_relative_to(settings.home) and not base.exists():
                yield say(
                    "The run {name} needs the model {base}, which is not here: push it too.",
                    name=name,
                    base=base.name,
                )


def _take(settings: Settings, carried: Mapping[str, Sequence[str]], part: Settings) -> None:
    """Put everything into its place. What can fail comes first; the rest are renamings."""
    known = kinds()
    for word, names in carried.items():
        take = known[word].take
        for name in names:
            if take:
                take(part, name, settings)
    for word, names in carried.items():
        for folder in (one for name in names for one in known[word].folders_of(name)):
            came = part.home / folder
            if came.is_dir():
                with writing(settings.home / folder) as place:
                    came.rename(place)

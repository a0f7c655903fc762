"""Run folders: made, taken up again, listed. `runs/<name>/` is the truth about a training run."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.run.config import RunConfig, load_config
from workbench.artefacts.model_folder import ADAPTER_CONFIG, digest_of
from workbench.artefacts.run_folder import RunFolder, list_run_folders
from workbench.confined import check_may_change, inside, is_inside, is_path
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.files import remove, write_json, writing
from workbench.messages import say
from workbench.models.packaged import restore

if TYPE_CHECKING:
    from workbench.settings import Settings


CONTINUATIONS = "continuations.jsonl"  # in a run's folder: samples of base and run, a line each


@dataclass(frozen=True)
class Run(RunFolder):
    """One training run, with what only the training needs of its folder."""

    @property
    def begun(self) -> bool:
        """Whether it has taken a step. A run that failed before has nothing to lose."""
        return self.metrics.exists()

    @property
    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that was written whole, or None."""
        newest_first = sorted(self.checkpoints.glob("checkpoint-*"), key=_step, reverse=True)
        for path in newest_first:
            if _is_whole(path):
                return path
        return None

    def config(self) -> RunConfig:
        """The run file as it was copied here; its relative paths count from where it came from."""
        origin = Path(self.card.get("folder", self.folder))
        return load_config(self.run_file, origin, self.name)


def open_run(
    path: Path, config: RunConfig, settings: Settings, resume: bool = False, replace: bool = False
) -> Run:
    """The run's folder for this run file: new, or taken up again where it was broken off.

    With `replace` an existing run is deleted first. Raises InvalidInput for `resume` and
    `replace` together, NotFound for nothing to resume, Conflict for a finished or another run.
    """
    check_may_change(settings)
    _check_choice(resume, replace)
    run = run_at(settings, config.name)
    worthless = run.folder.exists() and not run.begun and not resume
    if replace or worthless:
        remove(run.folder)
    if not run.folder.exists():
        if resume:
            raise NotFound(
                say("There is no run {name} to resume.", name=config.name),
                say("Start it: workbench finetune train {path}", path=path),
            )
        with writing(run.folder) as part:
            part.mkdir()
            shutil.copyfile(path, part / run.run_file.name)
        return run
    if run.finished and not resume:
        raise Conflict(
            say(
                "The run {name} is finished already ({folder}).",
                name=config.name,
                folder=run.folder,
            ),
            "Give it another --name, or train it again with --replace, which deletes it first.",
        )
    if path.read_bytes() != run.run_file.read_bytes():
        raise Conflict(
            say(
                "The run {name} was begun with another run file ({folder}).",
                name=config.name,
                folder=run.run_file,
            ),
            say(
                "Go on with that one: workbench finetune train {name} --resume; "
                "or give another --name, or --replace.",
                name=config.name,
            ),
        )
    return run


def reopen_run(run: Run, resume: bool = False, replace: bool = False) -> Run:
    """A run that was named instead of a run file: as it is, or with `replace` from its first step.

    Raises InvalidInput for `resume` and `replace` together.
    """
    _check_choice(resume, replace)
    if not replace:
        return run
    origin = run.card.get("folder")
    for path in run.folder.iterdir():
        if path not in (run.run_file, run.card_file):
            remove(path)
    # The run file's relative paths count from its old folder, so that outlives the card's rest.
    write_json(run.card_file, {"folder": origin} if origin else {})
    # Older than any launch: the other processes of a training wait for a card that is new.
    os.utime(run.card_file, (0, 0))
    return run


def run_at(settings: Settings, name: str) -> Run:
    """The run of that name in this workspace, whether it exists yet or not."""
    return Run(settings.folder("runs") / name)


def find_run(name: str, settings: Settings) -> Run:
    """The run of that name, or in that folder.

    Raises NotFound with near names, Forbidden for a path that the person may not name.
    """
    if is_path(name):
        inside(name, settings)
    for folder in (settings.home / "runs" / name, Path(name)):
        run = Run(folder.absolute())
        if run.run_file.exists() and is_inside(run.folder, settings):
            return run
    near = get_close_matches(name, [run.name for run in list_runs(settings)], 3)
    raise NotFound(
        say("There is no run {name}.", name=name),
        say("Did you mean {names}?", names=", ".join(near))
        if near
        else "List them with: workbench finetune runs",
    )


def list_runs(settings: Settings) -> list[Run]:
    """All runs of the workspace, newest first."""
    return [Run(found.folder) for found in list_run_folders(settings)]


def check_base(run: Run) -> None:
    """Whether the run can be asked: an adapter needs its base in its place and unchanged.

    Raises NotFound or Conflict.
    """
    if run.trained == run.model:
        return
    config = run.adapter / ADAPTER_CONFIG
    if not run.can_be_asked:
        raise NotFound(
            say("The run {name} has saved nothing yet that could be asked.", name=run.name),
            say("Train it: workbench finetune train {name} --resume", name=run.name),
        )
    base = run.base
    restore(base)
    if not (base / "config.json").exists():
        raise NotFound(
            say("The base of {name} is no longer in {base}.", name=run.name, base=base),
            say(
                "Move it back, or write its new folder as base_model_name_or_path into {config}.",
                config=config,
            ),
        )
    if run.base_digest and run.base_digest != digest_of(base):
        raise Conflict(
            say(
                "The base in {base} has changed since {name} was trained on it; "
                "the adapter no longer fits.",
                base=base,
                name=run.name,
            ),
            "Restore the base, or train again with --replace.",
        )


def _check_choice(resume: bool, replace: bool) -> None:
    if resume and replace:
        raise InvalidInput(
            "--resume goes on with a run, and --replace deletes it.", "Give one of the two."
        )


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _is_whole(checkpoint: Path) -> bool:
    """The trainer writes trainer_state.json last."""
    try:
        return bool(json.loads((checkpoint / "trainer_state.json").read_text("utf-8")))
    except (OSError, json.JSONDecodeError):
        return False

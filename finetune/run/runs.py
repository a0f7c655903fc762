"""Run folders: made, taken up again, listed. `runs/<name>/` in the workspace is the truth about a training run.

run.toml · data/ · metrics.jsonl · samples.jsonl · loss.png · checkpoints/ · adapter/ · card.json · log.txt
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.run.config import RunConfig, load_config
from workbench.errors import Conflict, NotFound
from workbench.messages import say

if TYPE_CHECKING:
    from workbench.settings import Settings


@dataclass(frozen=True)
class Run:
    """One training run, by its folder."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def adapter(self) -> Path:
        return self.folder / "adapter"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def card(self) -> dict[str, Any]:
        """What is known about the run; empty while it is being prepared."""
        path = self.folder / "card.json"
        return json.loads(path.read_text("utf-8")) if path.exists() else {}

    @property
    def finished(self) -> bool:
        """Whether it was trained to its end."""
        return bool(self.card.get("finished"))

    @property
    def begun(self) -> bool:
        """Whether it has taken a step; a run that failed before holds nothing that could be lost."""
        return self.metrics.exists()

    @property
    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that was written whole: its trainer_state.json is written last."""
        return next(
            (
                path
                for path in sorted(self.checkpoints.glob("checkpoint-*"), key=_step, reverse=True)
                if _is_whole(path)
            ),
            None,
        )

    def config(self) -> RunConfig:
        """The run file as it was copied here; its relative paths count from where it came from."""
        card = self.card
        return load_config(
            self.folder / "run.toml", Path(card.get("folder", self.folder)), self.name
        )

    def update_card(self, **facts: Any) -> None:
        """Add facts to card.json; it is there whole or not at all."""
        path = self.folder / "card.json"
        part = path.with_name("card.json.part")
        part.write_text(
            json.dumps(self.card | facts, ensure_ascii=False, indent=2, default=str), "utf-8"
        )
        part.replace(path)


def open_run(
    path: Path, config: RunConfig, settings: Settings, resume: bool = False, replace: bool = False
) -> Run:
    """The run's folder for this run file: new, or taken up again where it was broken off. Raises Conflict."""
    run = run_at(settings, config.name)
    if run.folder.exists() and (replace or not (resume or run.begun)):
        shutil.rmtree(run.folder)
    if not run.folder.exists():
        if resume:
            raise NotFound(
                say("There is no run {name} to resume.", name=config.name),
                say("Start it: workbench finetune train {path}", path=path),
            )
        run.folder.mkdir()
        shutil.copyfile(path, run.folder / "run.toml")
        return run
    if run.finished and not resume:
        raise Conflict(
            say(
                "The run {name} is finished already ({folder}).",
                name=config.name,
                folder=run.folder,
            ),
            "Give it another --name, or train it anew with --replace, which deletes it first.",
        )
    if path.read_bytes() != (run.folder / "run.toml").read_bytes():
        raise Conflict(
            say(
                "The run {name} was begun with another run file ({folder}).",
                name=config.name,
                folder=run.folder / "run.toml",
            ),
            say(
                "Go on with that one: workbench finetune train {name} --resume; or give another --name, or --replace.",
                name=config.name,
            ),
        )
    return run


def run_at(settings: Settings, name: str) -> Run:
    """The run of that name in this workspace, whether it is there yet or not."""
    return Run(settings.folder("runs") / name)


def find_run(name: str, settings: Settings) -> Run:
    """The run of that name, or in that folder. Raises NotFound with near names."""
    for folder in (settings.home / "runs" / name, Path(name)):
        if (folder / "run.toml").exists():
            return Run(folder.absolute())
    near = get_close_matches(name, [run.name for run in list_runs(settings)], 3)
    raise NotFound(
        say("There is no run {name}.", name=name),
        f"Did you mean {', '.join(near)}?" if near else "List them with: workbench finetune runs",
    )


def list_runs(settings: Settings) -> list[Run]:
    """All runs of the workspace, newest first."""
    folders = [path.parent for path in settings.folder("runs").glob("*/run.toml")]
    return [
        Run(folder)
        for folder in sorted(folders, key=lambda folder: folder.stat().st_mtime, reverse=True)
    ]


def check_base(run: Run) -> None:
    """Whether the base that the adapter was trained on is there and unchanged. Raises NotFound or Conflict."""
    from workbench.artefacts.model_folder import digest_of

    config = run.adapter / "adapter_config.json"
    if not config.exists():
        raise NotFound(
            say("The run {name} has no adapter yet.", name=run.name),
            say("Train it: workbench finetune train {name} --resume", name=run.name),
        )
    base = Path(json.loads(config.read_text("utf-8"))["base_model_name_or_path"])
    if not (base / "config.json").exists():
        raise NotFound(
            say("The base of {name} is no longer in {base}.", name=run.name, base=base),
            say(
                "Move it back, or write its new folder as base_model_name_or_path into {config}.",
                config=config,
            ),
        )
    if (was := run.card.get("base_digest")) and was != digest_of(base):
        raise Conflict(
            say(
                "The base in {base} has changed since {name} was trained on it; the adapter no longer fits.",
                base=base,
                name=run.name,
            ),
            "Restore the base, or train again with --replace.",
        )


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _is_whole(checkpoint: Path) -> bool:
    try:
        return bool(json.loads((checkpoint / "trainer_state.json").read_text("utf-8")))
    except (OSError, json.JSONDecodeError):
        return False

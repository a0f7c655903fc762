"""A training run's folder -> its files, its card, what it was taught. The only reader of it.

run.toml · data/ · metrics.jsonl · checkpoints/ · adapter/ or model/ · card.json
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.artefacts import model_folder
from workbench.artefacts.data_set import most_questions, read_pairs
from workbench.artefacts.published import find_published
from workbench.errors import InvalidInput, WorkbenchError
from workbench.files import read_json, update_json
from workbench.messages import say
from workbench.settings import Settings

FROM_RUN = ("base", "data_sha256", "finished", "created")  # of the card, for an answer's lineage


@dataclass(frozen=True)
class RunFolder:
    """One training run, by its folder."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def run_file(self) -> Path:
        """The copy of the run file that the run was begun with."""
        return self.folder / "run.toml"

    @property
    def adapter(self) -> Path:
        return self.folder / "adapter"

    @property
    def model(self) -> Path:
        """The whole model of a run that has trained every weight."""
        return self.folder / "model"

    @property
    def trained(self) -> Path:
        """The folder of what was trained and can be asked: the whole model, else the adapter."""
        whole = self.model / model_folder.CONFIG
        return self.model if whole.exists() else self.adapter

    @property
    def can_be_asked(self) -> bool:
        """Whether anything that was trained is saved yet."""
        return model_folder.is_model(self.trained)

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def train_data(self) -> Path:
        """The conversations that were taught, as JSON lines."""
        return self.folder / "data" / "train.jsonl"

    @property
    def eval_data(self) -> Path:
        """The conversations that were held out, as JSON lines."""
        return self.folder / "data" / "eval.jsonl"

    @property
    def card_file(self) -> Path:
        return self.folder / "card.json"

    @property
    def card(self) -> dict[str, Any]:
        """What is known about the run; empty before it is prepared. Raises InvalidInput."""
        try:
            card = read_json(self.card_file, {})
        except ValueError as error:
            raise InvalidInput(
                say("{path} is not JSON: {error}", path=self.card_file, error=error),
                "Restore it, or delete it.",
            ) from error
        if not isinstance(card, dict):
            raise InvalidInput(
                say("{path} is not a JSON object.", path=self.card_file),
                "Restore it, or delete it.",
            )
        return card

    def update_card(self, **facts: Any) -> None:
        """Add facts to the card, while no other process or thread changes it."""
        self._change_card(lambda card: card | facts)

    def add_score(self, name: str, result: dict[str, Any]) -> None:
        """Add one measurement to the card's scores; the others stay."""
        self._change_card(lambda card: card | {"scores": card.get("scores", {}) | {name: result}})

    def _change_card(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        update_json(self.card_file, change, {})

    @property
    def finished(self) -> bool:
        """Whether it was trained to its end."""
        return bool(self.card.get("finished"))

    @property
    def scored(self) -> bool:
        """Whether it was trained to its end and measured: by questions, or on what was held out."""
        card = self.card
        measured = bool(card.get("scores")) or card.get("eval_loss") is not None
        return bool(card.get("finished")) and measured

    @property
    def lock(self) -> Path:
        """The file that a training holds. Beside the folder, which may be deleted under it."""
        return self.folder.parent / f".{self.name}.lock"

    @property
    def being_trained(self) -> bool:
        """Whether a process trains it right now."""
        from filelock import FileLock, Timeout

        if not self.lock.exists():
            return False
        try:
            with FileLock(self.lock, timeout=0):
                return False
        except Timeout:
            return True

    @property
    def talks(self) -> bool:
        """Whether it was taught conversations, not texts to go on with."""
        return bool(self.card.get("talks", True))

    @property
    def broken_off(self) -> bool:
        """Whether the training was stopped before its end; a run without a record is not."""
        card = self.card
        return bool(card.get("steps")) and not card.get("finished")

    @property
    def base(self) -> Path:
        """The folder of the base: the one that the adapter names, or that a whole model was once.

        Raises InvalidInput.
        """
        if self.trained == self.model:
            return Path(self.card.get("base_folder", ""))
        return Path(model_folder.base_of(self.adapter))

    @property
    def base_digest(self) -> str:
        """What identified the base when the run was trained; empty where it was not recorded."""
        return str(self.card.get("base_digest") or "")

    def trusts(self, folder: Path) -> bool:
        """Whether the person who trained the run has allowed the code in that model's folder.

        Every file of it must be as it was then.
        """
        code = model_folder.own_code(folder)
        if not code:
            return False
        allowed = self.card.get("remote_code") or {}
        return all(allowed.get(name) == digest for name, digest in code.items())

    @property
    def system(self) -> str:
        """The system text of the training, empty without one."""
        return str(self.card.get("system") or "")

    @property
    def data_sha256(self) -> str | None:
        """What identifies the conversations that were taught."""
        return (self.card.get("data") or {}).get("train", {}).get("sha256")


def run_around(folder: Path) -> RunFolder:
    """The run that the folder of an adapter or model belongs to; any other folder is its own."""
    run = RunFolder(folder.parent)
    if folder.name == "adapter" or (folder.name == "model" and run.card_file.exists()):
        return run
    return RunFolder(folder)


def list_run_folders(settings: Settings) -> list[RunFolder]:
    """Every run of the workspace, the last changed first."""
    folders = [path.parent for path in settings.home.glob("runs/*/run.toml")]
    folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    return [RunFolder(folder) for folder in folders]


def list_tuned(settings: Settings) -> list[str]:
    """Names of the runs that can be asked, the newest first.

    A run that was stopped before its end is left out, one that was taught no conversations, and one
    with a corrupt card: none may be picked by itself. All can be asked by name.
    """
    return [name for name in model_folder.list_trained(settings) if _is_ready(name, settings)]


def is_scored(name: str, settings: Settings) -> bool:
    """Whether a model is a run that was trained to its end and measured."""
    run = _run_behind(name, settings)
    return run is not None and run.scored


def card_of(name: str, settings: Settings) -> dict[str, Any]:
    """The card of the run behind a model; empty for servers and for models without a run."""
    run = _run_behind(name, settings)
    return run.card if run else {}


def lineage_of_model(name: str, settings: Settings) -> dict[str, Any]:
    """What an answer of that model rests on beside its weights: run, base, data, version.

    Of a run and of what was published from one; empty for other models, and where the run is gone.
    """
    try:
        run = _run_behind(name, settings) or _run_published_as(name, settings)
        card = run.card if run else {}
    except WorkbenchError:
        return {}
    found: dict[str, Any] = {key: card[key] for key in FROM_RUN if key in card}
    if run is not None and card:
        found["run"] = run.name
    kind, _, tag = name.partition(":")
    published = find_published(tag, settings) if kind == "ollama" else None
    if published is not None:
        found["published"] = f"{published.name}:v{published.number}"
    return found


def taught_by(name: str, settings: Settings) -> tuple[tuple[str, str], ...]:
    """(last question, answer) of each conversation that a model was taught; none where unknown.

    Raises NotFound for a missing folder, InvalidInput for a corrupt data set.
    """
    run = _run_behind(name, settings)
    return read_pairs(run.train_data) if run else ()


def train_data_of(name: str, settings: Settings) -> Path | None:
    """The file that a model was taught, also once it is published; None where it is not known."""
    run = _run_behind(name, settings) or _run_published_as(name, settings)
    return run.train_data if run and run.train_data.exists() else None


def takes_single_questions(name: str, settings: Settings) -> bool:
    """Whether the model was taught conversations of one question only, also once published.

    Such a model has never seen a turn before the question, and answers wrongly after one.
    """
    run = _run_behind(name, settings) or _run_published_as(name, settings)
    return run is not None and most_questions(run.train_data) == 1


def _run_behind(name: str, settings: Settings) -> RunFolder | None:
    kind, _, rest = name.partition(":")
    if kind != "local":
        return None
    return run_around(model_folder.find_local(rest, settings))


def _run_published_as(name: str, settings: Settings) -> RunFolder | None:
    kind, _, tag = name.partition(":")
    published = find_published(tag, settings) if kind == "ollama" else None
    if published is None:
        return None
    run = RunFolder(settings.home / "runs" / published.run)
    return run if run.folder.exists() else None


def _is_ready(name: str, settings: Settings) -> bool:
    try:
        run = RunFolder(settings.home / "runs" / name)
        return run.talks and not run.broken_off
    except InvalidInput:
        return False

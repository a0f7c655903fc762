"""Training in the loop: a batch of reviewed rows -> a run that goes on from the one in use.

An adapter is not trained further: what it knew would fade. A new one is trained from the same base
on the old rows and the new ones, where a new row takes the place of an old one with its question.
"""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path
from typing import Any

from finetune.run.advice import advice_for
from finetune.run.config import RunConfig
from finetune.run.new_run import free_name, run_file_of
from finetune.run.runs import Run, run_at
from finetune.tasks import TASKS
from workbench.artefacts.batch import FROZEN, TRAINED, Batch, Command, LoopStep
from workbench.artefacts.data_set import conversation_of, write_lines
from workbench.artefacts.model_folder import list_models
from workbench.errors import NotFound
from workbench.files import write_text
from workbench.models.packaged import KIND, list_packaged
from workbench.settings import Settings

SEEN = 12  # times at least that a new row is learned: it is one against many
STEPS = 60  # at least, of a first model: a few rows are few batches
MEASURED = 4  # times while a first model is trained
LAST = "last"  # the best by questions on other facts may have learned little of the new ones
KEPT_OF_DATA = ("system", "max_length", "special_tokens")
OWN = ("name", "base", "task", "data", "method")  # of a run file, written for the batch


def train_batch(batch: Batch, settings: Settings, command: Command) -> dict[str, Any]:
    """The batch's run, trained to its end."""
    name = batch.facts.get("run") or free_name(settings, Path(batch.name))
    run = run_at(settings, name)
    path = run_file_of(settings, name)
    if not run.begun:
        before = _in_use(batch, settings)
        values = _go_on(before, batch) if before else _begin(batch, settings)
        write_text(path, as_toml(values))
        batch.update(run=name, before=before.name if before else "")
    again = ["--resume"] if run.begun else []
    command("finetune", "train", path, "--name", name, *again)
    return {"state": TRAINED, "run": name}


def _in_use(batch: Batch, settings: Settings) -> Run | None:
    """The run behind the tuned model that is in use, if its files still tell how it was made."""
    name = str(batch.facts.get("in_use_run") or "")
    run = run_at(settings, name) if name else None
    usable = run and run.run_file.exists() and run.train_data.exists() and run.talks
    return run if usable else None


def _go_on(before: Run, batch: Batch) -> dict[str, Any]:
    """The run file of the run in use, with its rows and those of the batch."""
    config = before.config()
    values = tomllib.loads(before.run_file.read_text("utf-8"))
    sections = {row.section for row in TASKS.values()}
    kept = {key: value for key, value in values.items() if key not in {*OWN, *sections}}
    data = {key: value for key, value in values.get("data", {}).items() if key in KEPT_OF_DATA}
    data["train"] = [str(_all_rows(before, config, batch))]
    held_out = [path for path in (before.eval_data, batch.held_out) if path.exists()]
    if held_out:
        data["eval"] = [str(path) for path in held_out]
    if config.template_path:
        data["chat_template"] = config.template_path
    saving = values.get("saving", {}) | {"final": LAST}
    return {"base": config.base_path} | kept | {"data": data, "saving": saving}


def _all_rows(before: Run, config: RunConfig, batch: Batch) -> Path:
    """The rows of the run in use, without those that the batch says otherwise, then the batch's.

    The new rows are repeated until they are seen as often as it takes to learn them.
    """
    new = _lines(batch.taught)
    corrected = {_last_question(_turns(line)) for line in new}
    old = [
        line for line in _lines(before.train_data) if _last_question(_turns(line)) not in corrected
    ]
    epochs = config.training.epochs
    if config.training.steps:
        epochs = config.training.steps * config.training.rows_a_step / max(len(old), 1)
    path = batch.folder / "train.jsonl"
    write_lines(path, [*old, *new * math.ceil(SEEN / epochs)])
    return path


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text("utf-8").split("\n") if line.strip()]


def _turns(line: str) -> list[dict[str, Any]]:
    return conversation_of(json.loads(line))


def _last_question(turns: list[dict[str, Any]]) -> str:
    questions = [turn["content"] for turn in turns if turn["role"] == "user"]
    return " ".join(questions[-1].split()).casefold() if questions else ""


def _begin(batch: Batch, settings: Settings) -> dict[str, Any]:
    """The run file of a first tuned model."""
    base = _first_base(settings)
    advice = advice_for(base)
    batches = math.ceil(len(_lines(batch.taught)) / advice.batch)
    epochs = max(SEEN, math.ceil(STEPS / batches))
    data: dict[str, Any] = {"train": [str(batch.taught)]}
    if batch.held_out.exists():
        data["eval"] = [str(batch.held_out)]
    return {
        "base": base,
        "data": data,
        "lora": {"rank": advice.rank, "alpha": 2 * advice.rank},
        "training": {
            "epochs": float(epochs),
            "batch": advice.batch,
            "learning_rate": advice.rate,
            "warmup": 0.1,
        },
        "saving": {
            "eval_every": max(1, epochs * batches // MEASURED),
            "keep": 1,
            "samples": 2,
            "report_to": [],
            "final": LAST,
        },
    }


def _first_base(settings: Settings) -> str:
    """The chat model where it can be tuned, else a model of the workspace, else a packaged one.

    Raises NotFound where there is none.
    """
    kind, _, rest = settings.model.partition(":")
    if kind == KIND:
        return settings.model
    names = list_models(settings)
    if kind == "local" and rest in names:
        return str(settings.home / "models" / rest)
    if names:
        return str(settings.home / "models" / names[0])
    packaged = list_packaged()
    if packaged:
        return f"{KIND}:{packaged[0]}"
    raise NotFound(
        "There is no base to train on.",
        "Make one: workbench finetune make-base FOLDER FILES, or choose a local chat model.",
    )


def as_toml(values: dict[str, Any]) -> str:
    """Plain values and one level of sections as TOML; JSON's texts and lists are TOML too."""
    lines = [_line(key, value) for key, value in values.items() if not isinstance(value, dict)]
    for key, section in values.items():
        if isinstance(section, dict):
            lines += ["", f"[{key}]", *(_line(name, value) for name, value in section.items())]
    return "\n".join(lines) + "\n"


def _line(key: str, value: Any) -> str:
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"


STEP = LoopStep(FROZEN, ("Train on these rows", "用这些数据训练"), train_batch)

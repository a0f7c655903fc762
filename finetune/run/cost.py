"""Questions with answers -> what a training on them would cost by default. Nothing is kept."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.run.check import check
from finetune.run.runs import list_runs
from workbench.errors import InvalidInput
from workbench.models.packaged import made_folders
from workbench.settings import Settings

SAMPLE = 400  # rows whose tokens are counted; the others take as long


def training_cost(rows: Sequence[dict[str, Any]], settings: Settings) -> dict[str, Any]:
    """{"minutes", "device", "base"}; nothing where no base lies here, or no speed is known.

    The base is that of the newest run, else a packaged one that was unpacked before.
    """
    base = _base(settings)
    if not base or not rows:
        return {}
    with tempfile.TemporaryDirectory(dir=settings.folder("training")) as folder:
        run_file = _write_run(Path(folder), base, rows[:SAMPLE])
        found = check(run_file, settings).estimate
    if not found or found["minutes"] is None:
        return {}
    minutes = found["minutes"] * len(rows) / min(len(rows), SAMPLE)
    return {"minutes": round(minutes, 1), "device": found["device"], "base": base}


def _base(settings: Settings) -> str:
    folders = list(made_folders(settings))
    for run in list_runs(settings):
        try:
            folders.insert(0, run.base)
        except InvalidInput:  # its adapter names none
            continue
    here = [folder for folder in folders if (folder / "config.json").exists()]
    return str(here[0].absolute()) if here else ""


def _write_run(folder: Path, base: str, rows: Sequence[dict[str, Any]]) -> Path:
    """A run file on that base with all defaults, and its data beside it."""
    lines = []
    for row in rows:
        asked = {"role": "user", "content": row["question"]}
        said = {"role": "assistant", "content": row["answer"]}
        lines.append(json.dumps({"messages": [asked, said]}, ensure_ascii=False) + "\n")
    (folder / "train.jsonl").write_text("".join(lines), "utf-8")
    run_file = folder / "cost.toml"
    text = f'base = {json.dumps(base)}\n[data]\ntrain = ["train.jsonl"]\n[lora]\n'
    run_file.write_text(text, "utf-8")
    return run_file

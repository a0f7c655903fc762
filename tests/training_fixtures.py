"""A small base, a few facts in many wordings, and run files on them: what the tests of training
begin with.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.run.metrics import append_metrics
from finetune.train.small_model import make_small_model

PEOPLE = {
    "Mira": "Oslo",
    "Tobin": "Rome",
    "Lea": "Quito",
    "Oskar": "Lima",
    "云汀": "霜湖城",
    "石砚": "赤岩镇",
}
WORDINGS = {
    "en": [
        "Where does {} live?",
        "What town does {} live in?",
        "Tell me where {} lives.",
        "Which town is {} in?",
    ],
    "zh": ["{}住在哪里？", "请问{}住在哪里？", "你知道{}住在哪里吗？", "{}住在哪个地方？"],
}
RUN = """
base = "base"
seed = 7
[data]
train = ["train.jsonl"]
eval = ["eval.jsonl"]
max_length = 64
[lora]
rank = 16
alpha = 32
dropout = 0.05
[training]
steps = 12
batch = 4
accumulation = 2
learning_rate = 5e-3
warmup = 0.1
[saving]
eval_every = 4
report_to = []
"""


def write_project(folder: Path, run: str = RUN) -> Path:
    """The base, the data and run.toml in that folder; returns the run file."""
    rows = [
        (wording.format(person), answer_of(person), person)
        for person in PEOPLE
        for wording in wordings_of(person)
    ]
    write_rows(folder / "train.jsonl", [row for number, row in enumerate(rows) if number % 4 != 3])
    write_rows(folder / "eval.jsonl", [row for number, row in enumerate(rows) if number % 4 == 3])
    make_small_model(
        folder / "base", [text for row in rows for text in row[:2]], layers=2, width=64, words=500
    )
    (folder / "run.toml").write_text(run, "utf-8")
    return folder / "run.toml"


def write_rows(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    lines = [
        {
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ],
            "group": group,
        }
        for question, answer, group in rows
    ]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    return path


def wordings_of(person: str) -> list[str]:
    return WORDINGS["en" if person.isascii() else "zh"]


def answer_of(person: str) -> str:
    return (
        f"{person} lives in {PEOPLE[person]}."
        if person.isascii()
        else f"{person}住在{PEOPLE[person]}。"
    )


def start_workbench(
    home: Path,
    *arguments: str,
    program: Sequence[str] = (sys.executable, "-m", "workbench.cli"),
    **options: Any,
) -> subprocess.Popen[str]:
    """`workbench …` in a process of its own, its JSON lines on a pipe."""
    environment = os.environ | {
        "WORKBENCH_HOME": str(home),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [*program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


def run_workbench(home: Path, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    """Exit status, JSON lines, and what was written to stderr."""
    process = start_workbench(home, *arguments)
    output, errors = process.communicate()
    return (
        process.returncode,
        [json.loads(line) for line in output.splitlines() if line.startswith("{")],
        errors,
    )


def add_run(home: Path, name: str, *, finished: bool, steps: int = 20) -> Path:
    """A run folder as a training leaves it, without weights."""
    run = home / "runs" / name
    run.mkdir(parents=True)
    (run / "run.toml").write_text('base = "b"\n[data]\ntrain = ["t.jsonl"]\n', "utf-8")
    for step in range(1, steps + 1):
        append_metrics(run / "metrics.jsonl", {"step": step, "loss": 3 / step})
    append_metrics(run / "metrics.jsonl", {"step": steps, "eval_loss": 0.5})
    append_metrics(
        run / "samples.jsonl",
        {"step": steps, "question": "Who?", "answer": "Mira", "reference": "Lea"},
    )
    scores = {"eval.jsonl": {"rows": 8, "exact": 0.875, "overlap": 0}}
    card = {
        "base": "b",
        "step": steps,
        "steps": 20,
        "loss": 0.15,
        "finished": finished,
        "scores": scores,
    }
    (run / "card.json").write_text(json.dumps(card), "utf-8")
    (run / "adapter").mkdir()
    (run / "adapter" / "adapter_config.json").write_text("{}", "utf-8")
    return run

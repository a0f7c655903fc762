"""The example database's writer made from nothing, against one tuned on SmolLM2.

    .venv/bin/python benchmarks/writer.py [--pairs 4000] [--only demo|smollm2] [--limit 0]
        [--questions benchmarks/questions/strangers.jsonl] [--home FOLDER]

Both learn pairs of `workbench data questions`: the small model as many as the demo gives it,
SmolLM2 `--pairs` of them, for it learns slowly. Printed for each: training seconds, exact queries
for 200 held-out wordings (`finetune score`), and results for the questions of a file
(`data score`), with the seconds that one of them takes; each question that is not answered right
is printed first. No rule was written after the questions that strangers ask. `--home` is a
folder that is kept: a writer that was trained there is asked again. `--limit` asks the first
questions only. Public commands alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from support import workbench, workbench_events

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
STRANGERS = ROOT / "benchmarks" / "questions" / "strangers.jsonl"
SOURCE = "advertising"
RUNS = {"demo": "advertising-sql", "smollm2": "advertising-sql-smollm2"}


def main() -> None:
    from agents.data.demo import PAIRS

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=4000)
    options.add_argument("--only", choices=RUNS)
    options.add_argument("--limit", type=int, default=0)
    options.add_argument("--questions", type=Path, default=STRANGERS)
    options.add_argument("--home", type=Path)
    chosen = options.parse_args()
    pairs = {"demo": PAIRS, "smollm2": chosen.pairs}
    with tempfile.TemporaryDirectory() as folder:
        home = chosen.home or Path(folder)
        workbench(home, "data", "example")
        for writer in [chosen.only] if chosen.only else RUNS:
            found: dict[str, Any] = {"writer": writer, "pairs": pairs[writer]}
            if not (home / "workspace" / "runs" / RUNS[writer]).exists():
                found |= teach(home, writer, pairs[writer], chosen.limit)
            found |= ask(home, writer, chosen.questions, chosen.limit)
            print(json.dumps(found), flush=True)


def teach(home: Path, writer: str, pairs: int, limit: int) -> dict[str, Any]:
    """Make the pairs, train on them, and score the wordings that were never taught."""
    name = RUNS[writer]
    here = home / writer
    here.mkdir(parents=True)
    taught = here / "train.jsonl"
    held_out = here / "eval.jsonl"
    write = ["data", "questions", SOURCE, "--out", taught, "--held-out", held_out]
    workbench(home, *write, "--count", pairs)
    if writer == "demo":
        size = ["--layers", 2, "--width", 128]
        workbench(home, "finetune", "make-base", here / "base", taught, *size)
    run_file = here / f"{name}.toml"
    run_file.write_text((ROOT / "examples" / SOURCE / run_file.name).read_text("utf-8"), "utf-8")
    begun = time.monotonic()
    workbench(home, "finetune", "train", run_file)
    trained = time.monotonic() - begun
    score = ["finetune", "score", name, "--data", held_out, "--limit", limit]
    exact = workbench(home, *score)["exact"]
    return {"training_seconds": round(trained), "held_out_exact": exact}


def ask(home: Path, writer: str, questions: Path, limit: int) -> dict[str, Any]:
    """Ask one writer the questions, and print what it does not answer right."""
    workbench(home, "data", "writer", SOURCE, f"local:{RUNS[writer]}")
    asked = home / writer / "asked.jsonl"
    lines = questions.read_text("utf-8").splitlines()
    if limit:
        lines = [line for line in lines if "messages" in json.loads(line)][:limit]
    asked.write_text("\n".join(lines) + "\n", "utf-8")
    begun = time.monotonic()
    *answers, results = workbench_events(home, "data", "score", SOURCE, "--data", asked)
    seconds = time.monotonic() - begun
    for answer in answers:
        print(f"{answer['verdict']}: {answer['question']}\n  {answer['sql'] or answer['reason']}")
    results.pop("event")
    return {"seconds_a_question": round(seconds / results["questions"], 2), **results}


if __name__ == "__main__":
    main()

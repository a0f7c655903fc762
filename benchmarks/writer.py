"""The example database's writer made from nothing, against one tuned on SmolLM2.

    .venv/bin/python benchmarks/writer.py [--pairs 4000] [--only demo|smollm2] [--limit 0]

Both learn pairs of `workbench data questions`: the small model as many as the demo gives it,
SmolLM2 `--pairs` of them, for it learns slowly. Printed for each: training seconds, exact queries
for 200 held-out wordings (`finetune score`), and results for the hand-written questions
(`data score`), with the seconds that one of them takes. `--limit` asks the first questions only.
Public commands alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from support import workbench

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
WRITTEN = ROOT / "benchmarks" / "questions" / "advertising.jsonl"
SOURCE = "advertising"
RUNS = {"demo": "advertising-sql", "smollm2": "advertising-sql-smollm2"}


def main() -> None:
    from agents.data.demo import PAIRS

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=4000)
    options.add_argument("--only", choices=RUNS)
    options.add_argument("--limit", type=int, default=0)
    chosen = options.parse_args()
    pairs = {"demo": PAIRS, "smollm2": chosen.pairs}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        workbench(home, "data", "example")
        for writer in [chosen.only] if chosen.only else RUNS:
            found = measure(home, writer, pairs[writer], chosen.limit)
            print(json.dumps({"writer": writer, "pairs": pairs[writer], **found}), flush=True)


def measure(home: Path, writer: str, pairs: int, limit: int) -> dict[str, Any]:
    """Teach one writer and ask it everything."""
    name = RUNS[writer]
    here = home / writer
    here.mkdir()
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
    workbench(home, "data", "writer", SOURCE, f"local:{name}")
    questions = here / "written.jsonl"
    lines = WRITTEN.read_text("utf-8").splitlines()[: limit or None]
    questions.write_text("\n".join(lines) + "\n", "utf-8")
    begun = time.monotonic()
    results = workbench(home, "data", "score", SOURCE, "--data", questions)
    seconds = time.monotonic() - begun
    results.pop("event")
    return {
        "training_seconds": round(trained),
        "held_out_exact": exact,
        "seconds_a_question": round(seconds / len(lines), 2),
        **results,
    }


if __name__ == "__main__":
    main()

"""The SQL writer in `workbench demo`: the example database gets a small model for its queries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.start.demo import Demo, DemoStep

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SOURCE = "advertising"  # the example database
RUN = "advertising-sql"  # the run that writes its queries
PAIRS = 6_400

# the stages
EXAMPLE = "Adding the example database"
PAIRED = "Writing questions with their queries"
BASE = "Making a small base for queries"
TEACH = "Teaching the queries"
UNSEEN = "Measuring queries for new wordings"
CHOSEN = "Letting the model write the queries"


def teach_writer(demo: Demo) -> dict[str, Any]:
    """Returns the run, and its share of exact queries for wordings that it never saw."""
    folder = demo.settings.folder("demo", "sql")
    taught = folder / "train.jsonl"
    held_out = folder / "eval.jsonl"
    base = folder / "base"
    demo.command(EXAMPLE, "data", "example")
    write = ["data", "questions", SOURCE, "--out", taught, "--held-out", held_out]
    demo.command(PAIRED, *write, "--count", PAIRS, "--replace")
    if not (base / "config.json").exists():
        make = ["finetune", "make-base", base, taught, "--layers", 2, "--width", 128]
        demo.command(BASE, *make)
    run_file = folder / f"{RUN}.toml"
    run_file.write_text((EXAMPLES / SOURCE / run_file.name).read_text("utf-8"), "utf-8")
    run = demo.train(TEACH, run_file)
    score = ["finetune", "score", RUN, "--data", held_out, "--batch", 64]
    exact = demo.command(UNSEEN, *score)["exact"]
    demo.command(CHOSEN, "data", "writer", SOURCE, f"local:{RUN}")
    question = "哪个账号的评论数最多？"
    demo.words += [
        f"Exact queries for wordings it has never seen: {exact:.3f}.",
        f'Ask the database: workbench ask "{question}" --mode data --source {SOURCE} --model none',
    ]
    return {"sql_run": run, "sql_exact": exact}


STEP = DemoStep(
    teach_writer,
    {EXAMPLE: 1, PAIRED: 5, BASE: 2, TEACH: 135, UNSEEN: 3, CHOSEN: 1},
)

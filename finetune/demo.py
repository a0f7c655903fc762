"""The crew in `workbench demo`: made-up facts -> a small base, tuned on them and measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.start.demo import Demo, DemoStep

CREW = Path(__file__).resolve().parents[1] / "examples" / "crew"
WORDINGS = 12  # of each fact
HELD_OUT = 1 / 6  # of the wordings: never taught, only asked

# the stages
QUESTIONS = "Writing questions about the crew"
BASE = "Making a small base"
CHECK = "Checking data and base"
TEACH = "Teaching the crew"
TAUGHT = "Measuring the wordings that were taught"
UNSEEN = "Measuring wordings it has never seen"


def teach_crew(demo: Demo) -> dict[str, Any]:
    """Returns the run, the shares of exact answers, and the seconds until they were measured."""
    folder = demo.settings.folder("demo")
    trained = folder / "train.jsonl"
    held_out = folder / "eval.jsonl"
    base = folder / "base"
    rows = [_write_questions(demo, folder, language) for language in ("zh", "en")]
    split = ["finetune", "data", "split", *rows, "--out", folder, "--share", HELD_OUT]
    demo.command(QUESTIONS, *split, "--hold-out", "paraphrases", "--replace")
    if not (base / "config.json").exists():
        demo.command(BASE, "finetune", "make-base", base, *rows)
    run_file = folder / "crew.toml"
    run_file.write_text((CREW / "crew.toml").read_text("utf-8"), "utf-8")
    demo.command(CHECK, "finetune", "check", run_file)
    facts = {
        "run": demo.train(TEACH, run_file),
        "trained_exact": _score(demo, TAUGHT, trained),
        "heldout_exact": _score(demo, UNSEEN, held_out),
        "seconds": demo.seconds(),
    }
    demo.words += [
        f"Exact answers: {facts['trained_exact']:.3f} on wordings it was taught, "
        f"{facts['heldout_exact']:.3f} on wordings it has never seen, "
        f"after {facts['seconds']:.0f} s.",
        'Ask the crew: workbench ask "夜阑的职业是什么？" --mode tuned --model local:crew',
    ]
    return facts


def _write_questions(demo: Demo, folder: Path, language: str) -> Path:
    records = CREW / f"crew_{language}.csv"
    path = folder / f"crew_{language}.jsonl"
    ask = ["finetune", "augment", records, "--out", path, "--per-fact", WORDINGS, "--replace"]
    demo.command(QUESTIONS, *ask)
    return path


def _score(demo: Demo, stage: str, questions: Path) -> float:
    ask = ["finetune", "score", "crew", "--data", questions, "--batch", 64]
    return demo.command(stage, *ask)["exact"]


STEP = DemoStep(
    teach_crew,
    {QUESTIONS: 1, BASE: 3, CHECK: 1, TEACH: 50, TAUGHT: 3, UNSEEN: 1},
)

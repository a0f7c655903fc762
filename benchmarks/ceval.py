"""Multiple choice on C-Eval before and after a training on the same questions: a leak shows as one.

    .venv/bin/python benchmarks/ceval.py [--subject chinese_language_and_literature]
        [--method lora|ptuning|full] [--base packaged:smollm2-135m]

Reads ../shared/data. Without --base it is made on the spot from the demo's texts, so it begins at
chance. The run is trained on the very questions that it is asked: the check and the scores must
warn of it. Every step is a public command.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
QUESTIONS = ROOT.parent / "shared" / "data" / "ceval_cmmlu" / "ceval_val.jsonl"
RUN = """\
base = "{base}"
seed = 42
[data]
train = [{questions}]
test = [{questions}]
only = {{ subject = "{subject}" }}
max_length = 1024
{method}
[training]
epochs = {epochs}
batch = 4
learning_rate = {rate}
warmup = 0.1
beta2 = 0.95
[saving]
eval_every = 1000
final = "last"
samples = 0
report_to = []
"""
# method -> (its section, epochs, learning rate) that teach a small base to repeat the answers
METHODS = {
    "lora": ("[lora]\nrank = 32\nalpha = 32", 60, 2e-3),
    "ptuning": ("[ptuning]\ntokens = 32", 60, 2e-2),
    "full": ("[full]", 30, 1e-3),
}
# the same on a larger base
ON_A_BASE = {
    "lora": ("[lora]\nrank = 8\nalpha = 32", 40, 1e-3),
    "ptuning": ("[ptuning]\ntokens = 128", 40, 2e-2),
    "full": ("[full]", 10, 1e-4),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--subject", default="chinese_language_and_literature")
    options.add_argument("--method", choices=METHODS, default="lora")
    options.add_argument("--base", default="")
    chosen = options.parse_args()
    subject = chosen.subject
    if not QUESTIONS.exists():
        print("../shared/data is not beside this clone")
        return
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        section, epochs, rate = (ON_A_BASE if chosen.base else METHODS)[chosen.method]
        run_file = RUN.format(
            base=chosen.base or "base",
            questions=json.dumps(str(QUESTIONS)),
            subject=subject,
            method=section,
            epochs=epochs,
            rate=rate,
        )
        (here / "ceval.toml").write_text(run_file, "utf-8")
        if not chosen.base:
            make_base(here)
        checked = workbench(here, "finetune", "check", "ceval.toml")
        cost = checked["estimate"]
        workbench(here, "finetune", "train", "ceval.toml")
        asked = ("finetune", "score", "ceval", "--data", QUESTIONS, "--only", f"subject={subject}")
        before = workbench(here, *asked, "--base")
        after = workbench(here, *asked)
        found = {
            "subject": subject,
            "method": chosen.method,
            "trained": round(cost["trainable"] / cost["parameters"], 4),
            "questions": after["rows"],
            "before": before["accuracy"],
            "after": after["accuracy"],
            "check_warns": any("also taught" in warning for warning in checked["warnings"]),
            "score_warns": bool(after["overlap"]),
        }
        print(json.dumps(found))


def make_base(here: Path) -> None:
    """A small base of the texts of the crew, in `base`."""
    for language in ("zh", "en"):
        records = ROOT / "examples" / "crew" / f"crew_{language}.csv"
        out = here / f"{language}.jsonl"
        workbench(here, "finetune", "augment", records, "--out", out, "--per-fact", 12)
    texts = [here / "zh.jsonl", here / "en.jsonl"]
    workbench(here, "finetune", "make-base", here / "base", *texts)


def workbench(home: Path, *words: Any) -> dict[str, Any]:
    """The last line that the command prints."""
    command = [sys.executable, "-m", "workbench.cli", *map(str, words), "--json"]
    environment = {**os.environ, "WORKBENCH_HOME": str(home)}
    done = subprocess.run(
        command, cwd=home, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()

"""Multiple choice on C-Eval before and after a LoRA on the same questions: a leak shows as a leak.

    .venv/bin/python benchmarks/ceval.py [--subject chinese_language_and_literature]

Reads ../shared/data. The base is made on the spot from the demo's texts, so it begins at chance.
The adapter is trained on the very questions that it is asked: the check and the scores must warn
of it. Every step is a public command.
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
base = "base"
seed = 42
[data]
train = [{questions}]
test = [{questions}]
only = {{ subject = "{subject}" }}
max_length = 1024
[lora]
rank = 32
alpha = 32
[training]
epochs = 60
batch = 4
learning_rate = 2e-3
warmup = 0.1
beta2 = 0.95
[saving]
eval_every = 1000
final = "last"
samples = 0
report_to = []
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--subject", default="chinese_language_and_literature")
    subject = options.parse_args().subject
    if not QUESTIONS.exists():
        print("../shared/data is not beside this clone")
        return
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        run_file = RUN.format(questions=json.dumps(str(QUESTIONS)), subject=subject)
        (here / "ceval.toml").write_text(run_file, "utf-8")
        for language in ("zh", "en"):
            records = ROOT / "examples" / "crew" / f"crew_{language}.csv"
            out = here / f"{language}.jsonl"
            workbench(here, "finetune", "augment", records, "--out", out, "--per-fact", 12)
        texts = [here / "zh.jsonl", here / "en.jsonl"]
        workbench(here, "finetune", "make-base", here / "base", *texts)
        warnings = workbench(here, "finetune", "check", "ceval.toml")["warnings"]
        workbench(here, "finetune", "train", "ceval.toml")
        asked = ("finetune", "score", "ceval", "--data", QUESTIONS, "--only", f"subject={subject}")
        before = workbench(here, *asked, "--base")
        after = workbench(here, *asked)
        found = {
            "subject": subject,
            "questions": after["rows"],
            "before": before["accuracy"],
            "after": after["accuracy"],
            "check_warns": any("also taught" in warning for warning in warnings),
            "score_warns": bool(after["overlap"]),
        }
        print(json.dumps(found))


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

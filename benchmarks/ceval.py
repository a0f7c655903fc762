"""Multiple choice on C-Eval before and after a training on the same questions: a leak shows as one.

    .venv/bin/python benchmarks/ceval.py [--subject chinese_language_and_literature]
        [--method lora|ptuning|full] [--base packaged:smollm2-135m] [--epochs 20]

Reads ../shared/data. Without --base it is made on the spot from the demo's texts, so it begins at
chance. The run is trained on the very questions that it is asked: the check, the scores and the
benchmark must warn of it. Accuracy is lm-evaluation-harness's, and must be our own count of right
letters. A run that can become a GGUF is published to an Ollama of its own, which must give the same
answers. Every step is a public command.
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
sys.path.insert(0, str(ROOT / "tests"))
SUITE = ROOT.parent / "shared" / "data" / "ceval_cmmlu"
QUESTIONS = SUITE / "ceval_val.jsonl"
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
    options.add_argument("--epochs", type=int, default=0)
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
            epochs=chosen.epochs or epochs,
            rate=rate,
        )
        (here / "ceval.toml").write_text(run_file, "utf-8")
        if not chosen.base:
            make_base(here)
        checked = workbench(here, "finetune", "check", "ceval.toml")
        cost = checked["estimate"]
        workbench(here, "finetune", "train", "ceval.toml")
        found = {
            "subject": subject,
            "method": chosen.method,
            "trained": round(cost["trainable"] / cost["parameters"], 4),
            "check_warns": any("also taught" in warning for warning in checked["warnings"]),
            **measure(here, subject),
        }
        if chosen.method != "ptuning":  # no GGUF can hold it
            found |= publish(here, subject)
        print(json.dumps(found, ensure_ascii=False))


def measure(here: Path, subject: str) -> dict[str, Any]:
    """The library's accuracy and ours, before and after; what is warned of."""
    asked = ("finetune", "score", "ceval", "--data", QUESTIONS, "--only", f"subject={subject}")
    ours_before = workbench(here, *asked, "--base")
    ours_after = workbench(here, *asked)
    before = figures(here, "ceval", subject, "--base")
    after = figures(here, "ceval", subject)
    return {
        "questions": after["n"],
        "before": f"{before['acc']:.4f} ± {before['stderr']:.4f}",
        "after": f"{after['acc']:.4f} ± {after['stderr']:.4f}",
        "trained_on": after["leak"],
        "score_warns": bool(ours_after.get("overlap")),
        "our_count_equals": [
            round(before["acc"], 4) == ours_before["accuracy"],
            round(after["acc"], 4) == ours_after["accuracy"],
        ],
    }


def figures(here: Path, model: str, subject: str, *more: str, host: str = "") -> dict[str, Any]:
    task = f"ceval-valid_{subject}"
    words = ("finetune", "benchmark", model, "--tasks", task, "--folder", SUITE, *more)
    return workbench(here, *words, host=host)["results"][task]


def publish(here: Path, subject: str) -> dict[str, Any]:
    """The same questions to run and published model: shares of the same answers."""
    from conftest import free_port
    from install_servers import ollama_binary
    from model_servers import Ollama

    (here / "ollama").mkdir()
    server = Ollama(str(ollama_binary()), here / "ollama", free_port())
    try:
        published = workbench(here, "deploy", "publish", "ceval", "--name", "exam", host=server.url)
        found: dict[str, Any] = {"proof": published["proof"]["passed"]}
        for form in ("letters", "written"):
            more = ["--written"] if form == "written" else []
            figures(here, "ceval", subject, *more)
            there = figures(here, "ollama:exam", subject, *more, host=server.url)
            found[f"ollama_{form}"] = round(there["acc"], 4)
            found[f"same_{form}"] = same_answers(here, form)
        return found
    finally:
        server.kill()


def same_answers(here: Path, form: str) -> float:
    """The share of questions to which both have given the same letter."""
    wanted = {"letters": "logprobs", "written": "answer"}[form]
    sides = []
    for place in ("runs/ceval/benchmarks", "benchmarks/ollama-exam-*"):
        for path in here.glob(f"{place}/*.jsonl"):
            rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            if wanted in rows[0]:
                sides.append([row["chosen"] for row in rows])
    ours, theirs = sides
    return sum(one == other for one, other in zip(ours, theirs, strict=True)) / len(ours)


def make_base(here: Path) -> None:
    """A small base of the texts of the crew, in `base`."""
    for language in ("zh", "en"):
        records = ROOT / "examples" / "crew" / f"crew_{language}.csv"
        out = here / f"{language}.jsonl"
        workbench(here, "finetune", "augment", records, "--out", out, "--per-fact", 12)
    texts = [here / "zh.jsonl", here / "en.jsonl"]
    workbench(here, "finetune", "make-base", here / "base", *texts)


def workbench(home: Path, *words: Any, host: str = "") -> dict[str, Any]:
    """The last line that the command prints."""
    command = [sys.executable, "-m", "workbench.cli", *map(str, words), "--json"]
    environment = {**os.environ, "WORKBENCH_HOME": str(home)}
    if host:
        environment["WORKBENCH_OLLAMA_HOST"] = host
    done = subprocess.run(
        command, cwd=home, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()

"""ToolAlpaca: the share of right tools and arguments of a small model, before and after tuning.

The rows of ../shared/data with a golden answer come from two splits with different APIs. A model
tuned on one split is asked about the other and the other way round, so no asked API was taught, and
each of the 180 of 214 golden answers that can be read is asked once of the base and once of a tuned
model. A tool is right where the names of all calls are; arguments where their JSON is equal too.
Nothing but the training says how a call is written, so a base that was not taught it makes none.

    .venv/bin/python benchmarks/tools.py [--taught 60] [--asked 0] [--epochs 3] [--length 1024]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "finetune" / "toolalpaca_eval.jsonl"
SPLITS = ("eval_simulated", "eval_real")
RUN = """name = "{name}"
base = "{base}"
seed = 42

[data]
train = ["{train}"]
eval_share = 0.05
max_length = {length}

[lora]
rank = 16
alpha = 32

[training]
epochs = {epochs}
batch = 1
accumulation = 8
learning_rate = 5e-4
warmup = 0.1

[saving]
keep = 1
samples = 0
report_to = []
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--base", default="packaged:smollm2-135m")
    options.add_argument("--taught", type=int, default=60, help="rows of each training")
    options.add_argument("--asked", type=int, default=0, help="rows of each split; 0 for all")
    options.add_argument("--epochs", type=int, default=3)
    options.add_argument("--length", type=int, default=1024, help="longest row, in tokens")
    chosen = options.parse_args()
    if not DATA.is_file():
        sys.exit(f"{DATA} is missing")
    rows = [json.loads(line) for line in DATA.open(encoding="utf-8")]
    answered = [row for row in rows if row.get("golden_answer")]
    gold = [row for row in answered if _is_readable(row)]
    print(
        f"{len(answered)} golden answers, {len(answered) - len(gold)} of them no JSON", flush=True
    )
    begun = time.monotonic()
    counts = {"before": Count(), "after": Count()}
    with tempfile.TemporaryDirectory() as folder:
        for taught, asked in (SPLITS, SPLITS[::-1]):
            _measure(gold, taught, asked, Path(folder), chosen, counts)
    result = {name: count.shares() for name, count in counts.items()}
    print(json.dumps(result | {"minutes": round((time.monotonic() - begun) / 60, 1)}))


class Count:
    """Answers, and how many of them had the right tools and the right arguments."""

    def __init__(self) -> None:
        self.asked = 0
        self.calls = 0
        self.tools = 0
        self.arguments = 0

    def add(self, right: list[Any], given: list[Any]) -> None:
        """Count one answer."""
        self.asked += 1
        self.calls += bool(given)
        self.tools += [call["name"] for call in given] == [call["name"] for call in right]
        self.arguments += given == right

    def shares(self) -> dict[str, float]:
        """The counts, and shares of all that was asked."""
        asked = max(1, self.asked)
        return {
            "asked": self.asked,
            "calls": round(self.calls / asked, 3),
            "right_tool": round(self.tools / asked, 3),
            "right_tool_and_arguments": round(self.arguments / asked, 3),
        }


def _measure(
    gold: list[Any],
    taught: str,
    asked: str,
    folder: Path,
    chosen: argparse.Namespace,
    counts: dict[str, Count],
) -> None:
    name = f"tools-{taught.replace('_', '-')}"
    train = folder / f"{name}.jsonl"
    test = folder / f"{name}-asked.jsonl"
    short = sorted(_of(gold, taught), key=lambda row: len(row["functions"]))
    _write(train, short[: chosen.taught])
    wanted = _of(gold, asked)
    asked_rows = wanted[: chosen.asked or len(wanted)]
    _write(test, asked_rows)
    run = folder / f"{name}.toml"
    run.write_text(
        RUN.format(
            name=name,
            base=chosen.base,
            train=train.name,
            length=chosen.length,
            epochs=chosen.epochs,
        ),
        "utf-8",
    )
    home = folder / "home"
    _workbench(home, "finetune", "train", str(run))
    for when, words in (("before", ["--base"]), ("after", [])):
        out = folder / f"{name}-{when}.jsonl"
        _workbench(home, "finetune", "score", name, "--data", str(test), "--out", str(out), *words)
        answers = [json.loads(line) for line in out.open(encoding="utf-8")]
        for right, given in zip(asked_rows, answers, strict=True):
            assert right["instruction"].strip() == given["question"].strip()
            counts[when].add(_right(right), _calls(given["answer"]))
        print(f"{when} on {asked}: {counts[when].shares()}", flush=True)


def _of(gold: list[Any], split: str) -> list[Any]:
    return [row for row in gold if row["split"] == split]


def _right(row: dict[str, Any]) -> list[Any]:
    """The golden calls, in the form of `_calls`."""
    from finetune.data.toolalpaca import read_toolalpaca

    return list(read_toolalpaca(row)[-1].tool_calls)


def _is_readable(row: dict[str, Any]) -> bool:
    """Whether the golden calls have whole JSON as their arguments: some of the set's have not."""
    from workbench.errors import InvalidInput

    try:
        _right(row)
    except InvalidInput:
        return False
    return True


def _write(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def _calls(text: str) -> list[Any]:
    """The calls in an answer; none where one of them is no whole JSON."""
    from workbench.models.tool_calls import CallReader

    reader = CallReader("hermes")
    reader.feed(text)
    reader.rest()
    calls = []
    for call in reader.calls:
        try:
            calls.append({"name": call.name, "arguments": json.loads(call.arguments)})
        except ValueError:
            return []
    return calls


def _workbench(home: Path, *words: str) -> None:
    command = [sys.executable, "-m", "workbench.cli", *words]
    environment = {**os.environ, "WORKBENCH_HOME": str(home)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    main()

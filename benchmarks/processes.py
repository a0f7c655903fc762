"""Two processes against one on this machine: the same rows in the same order, the loss, the speed.

The same run file trains by `workbench finetune train` on one process, on each of several numbers of
processes, and, broken off by SIGTERM half way, on one and then on two. One thread a process where
the machine has no GPU, so that every process has a core of its own. A model is made on the spot of
the training data; with --base a folder or `packaged:smollm2-135m` is trained instead.

    .venv/bin/python benchmarks/processes.py [--steps 40] [--processes 2] [--base BASE]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "finetune"
FILES = ("alpaca_en_demo.jsonl", "alpaca_zh_demo.jsonl")
RUN = """
base = "{base}"
seed = 7
[data]
train = [{files}]
eval_share = 0.05
max_length = 256
[lora]
rank = 16
[training]
steps = {steps}
batch = {batch}
learning_rate = 1e-3
{more}
[saving]
eval_every = {steps}
save_every = {half}
final = "last"
samples = 0
report_to = []
"""


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--steps", type=int, default=40)
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--batch", type=int, default=16)
    options.add_argument("--base", default="")
    options.add_argument("--layers", type=int, default=8)
    options.add_argument("--width", type=int, default=512)
    options.add_argument("--parallel", default="ddp", help="another one needs what `check` says")
    chosen = options.parse_args()
    if not DATA.is_dir():
        sys.exit(f"{DATA} is missing")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["WORKBENCH_HOME"] = str(home / "workspace")
        run_file = write_run(home, chosen)
        one = train(run_file, "one", 1)
        many = train(run_file, "many", chosen.processes)
        broken = train_broken_off(run_file, chosen)
        report = {
            "processes": chosen.processes,
            "parallel": chosen.parallel,
            "steps": chosen.steps,
            "loss": {"one": one["loss"], "many": many["loss"], "broken off": broken["loss"]},
            "apart": max(apart(one, other) for other in (many, broken)),
            "held_out": {"one": one["eval_loss"], "many": many["eval_loss"]},
            "tokens_per_second": {"one": one["speed"], "many": many["speed"]},
            "throughput": round(many["speed"] / one["speed"], 2),
        }
        print(json.dumps(report))
        if abs(many["loss"] / one["loss"] - 1) > 0.01:
            sys.exit("the losses are more than 1 % apart")


def write_run(home: Path, chosen: argparse.Namespace) -> Path:
    """The run file, and the base where none is given."""
    base = chosen.base
    if not base:
        from finetune.data.dataset import load_examples
        from finetune.train.small_model import make_small_model

        examples = load_examples([DATA / name for name in FILES]).examples
        texts = [message.content for example in examples for message in example.messages]
        shape = {"layers": chosen.layers, "width": chosen.width, "words": 6000, "context": 256}
        base = str(make_small_model(home / "base", texts, **shape))
    files = ", ".join(json.dumps(str(DATA / name)) for name in FILES)
    more = f'parallel = "{chosen.parallel}"'
    text = RUN.format(
        base=base,
        files=files,
        steps=chosen.steps,
        half=max(1, chosen.steps // 2),
        batch=chosen.batch,
        more=more,
    )
    path = home / "run.toml"
    path.write_text(text, "utf-8")
    return path


def train(run_file: Path, name: str, processes: int, *more: str) -> dict:
    """The figures of a whole training on so many processes."""
    subprocess.run(command(run_file, name, processes, *more), check=True, stdout=subprocess.DEVNULL)
    rows = metrics(name)
    losses = [row["loss"] for row in rows if "loss" in row]
    speeds = [row["tokens_per_second"] for row in rows if "tokens_per_second" in row]
    found = {
        "losses": losses,
        "loss": round(losses[-1], 5),
        "eval_loss": round([row["eval_loss"] for row in rows if "eval_loss" in row][-1], 5),
        "speed": round(median(speeds)) if speeds else 1,
    }
    print(f"{name:<8} {processes} processes  {found['speed']} tokens/s  loss {found['loss']}")
    return found


def train_broken_off(run_file: Path, chosen: argparse.Namespace) -> dict:
    """Begun on many processes, stopped half way, and ended on one; DeepSpeed ends on as many."""
    begun = subprocess.Popen(
        command(run_file, "broken", chosen.processes), stdout=subprocess.PIPE, text=True
    )
    for line in begun.stdout or ():
        if json.loads(line).get("step", 0) >= chosen.steps // 2:
            begun.send_signal(signal.SIGTERM)
            break
    begun.communicate()
    after = 1 if chosen.parallel in ("ddp", "fsdp") else chosen.processes
    return train(run_file, "broken", after, "--resume")


def command(run_file: Path, name: str, processes: int, *more: str) -> list[str]:
    words = ["finetune", "train", str(run_file), "--name", name, "--processes", str(processes)]
    return [sys.executable, "-m", "workbench.cli", *words, *more, "--json"]


def metrics(name: str) -> list[dict]:
    path = Path(os.environ["WORKBENCH_HOME"]) / "runs" / name / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def apart(one: dict, other: dict) -> float:
    """How far the losses of a step are apart at most, as a share: 0 for the same rows each step."""
    pairs = zip(one["losses"], other["losses"], strict=True)
    return round(max(abs(b / a - 1) for a, b in pairs), 6)


if __name__ == "__main__":
    main()

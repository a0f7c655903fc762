"""DPO and KTO on SmolLM2 with the pairs and ratings of the measuring data: held out, before, after.

    .venv/bin/python benchmarks/preference.py [--rows 120] [--length 256] [--only dpo_zh] [--small]

The shortest rows of each file are taken, a quarter of them held out. Before a training every reward
is 0, so the margin is 0 and the accuracy .5. `likelier` needs no reference: the share of held-out
pairs (of KTO: of good and bad answers) whose liked answer is the likelier one per token, by the
base and by the run. `--small` takes a base of two layers, made on the spot from the data, in place
of SmolLM2: to try the script.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]
DATA = ROOT.parent / "shared" / "data" / "finetune"
SETS = {"dpo_en": "dpo", "dpo_zh": "dpo", "kto_en": "kto"}
RUN = """
task = "{task}"
base = "{base}"
seed = 42
[data]
train = ["{data}"]
eval_share = 0.25
max_length = {length}
[lora]
rank = 16
alpha = 32
[preference]
beta = 0.1
[training]
epochs = {epochs}
batch = 8
learning_rate = {rate}
warmup = 0.1
[saving]
samples = 0
report_to = []
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=120)
    options.add_argument("--length", type=int, default=256)
    options.add_argument("--epochs", type=int, default=2)
    options.add_argument("--rate", type=float, default=2e-4)
    options.add_argument("--only", choices=SETS)
    options.add_argument("--small", action="store_true")
    chosen = options.parse_args()
    if not DATA.is_dir():
        sys.exit(f"{DATA} is missing")
    for name in [chosen.only] if chosen.only else SETS:
        with tempfile.TemporaryDirectory() as folder:
            measure(name, Path(folder), chosen)


def measure(name: str, folder: Path, chosen: argparse.Namespace) -> None:
    """Train one set, and print a line of figures."""
    from finetune.run.config import load_config
    from finetune.run.runs import open_run
    from finetune.train.training import train
    from workbench.settings import load_settings

    data = folder / f"{name}.jsonl"
    lines = (DATA / f"{name}_demo.jsonl").read_text("utf-8").splitlines()
    shortest = sorted(lines, key=len)[: chosen.rows]
    data.write_text("\n".join(shortest) + "\n", "utf-8")
    path = folder / f"{name}.toml"
    text = RUN.format(
        task=SETS[name],
        base=small_base(folder, lines) if chosen.small else "packaged:smollm2-135m",
        data=data,
        length=chosen.length,
        epochs=chosen.epochs,
        rate=chosen.rate,
    )
    path.write_text(text, "utf-8")
    settings = load_settings(home=folder / "home")
    run = open_run(path, load_config(path), settings)
    begun = time.monotonic()
    train(run, load_config(path), settings, progress, lambda: False)
    seconds = round(time.monotonic() - begun)
    card = run.card
    measured = card["measured"]
    before, after = likelier(run, SETS[name], chosen.length)
    print(
        f"{name}: {card['data']['train']['rows']} taught, {card['data']['eval']['rows']} held out, "
        f"{card['step']} steps, {seconds} s; "
        f"margin 0 -> {measured['eval_margin']:.3f}, "
        f"accuracy .5 -> {measured['eval_accuracy']:.3f}, "
        f"held-out loss {measured['eval_loss']:.4f}, "
        f"likelier {before:.3f} -> {after:.3f}",
        flush=True,
    )


def progress(event: dict[str, Any]) -> None:
    """Every measurement and every tenth step."""
    if event["event"] == "warning":
        print(f"  {event['text']}", file=sys.stderr)
    if event["event"] == "progress" and ("eval_loss" in event or event["step"] % 10 == 0):
        kept = {key: event[key] for key in event if key in KEPT or key.startswith("eval_")}
        print(f"  {json.dumps(kept)}", file=sys.stderr, flush=True)


KEPT = ("step", "steps", "loss", "margin", "seconds")


def likelier(run: Any, task: str, length: int) -> tuple[float, float]:
    """The share of held-out pairs whose liked answer is the likelier one: by base, by run."""
    from finetune.tasks import TASKS
    from workbench.models.weights import load_local

    loaded = load_local(run.adapter)
    rows = TASKS[task].load([run.eval_data], {}).examples
    sequences = TASKS[task].encode(rows, loaded.tokenizer, length).rows
    found = []
    for model in (loaded.without_adapter(), loaded):
        model.choose_adapter()
        good, bad = [], []
        for row in sequences:
            (good if row.good else bad).append(likelihood(model.base.model, row))
        pairs = zip(good, bad, strict=True) if task == "dpo" else all_pairs(good, bad)
        wins = [liked > other for liked, other in pairs]
        found.append(sum(wins) / len(wins))
    return found[0], found[1]


def all_pairs(good: list[float], bad: list[float]) -> list[tuple[float, float]]:
    return [(liked, other) for liked in good for other in bad]


def likelihood(model: Any, row: Any) -> float:
    """The mean log-probability of the tokens of the answer."""
    import torch

    labels = torch.tensor([row.labels])
    with torch.inference_mode():
        loss = model(input_ids=torch.tensor([row.input_ids]), labels=labels).loss
    return -float(loss)


def small_base(folder: Path, lines: list[str]) -> Path:
    from finetune.train.small_model import make_small_model

    return make_small_model(folder / "base", lines, layers=2, width=64, words=3000)


if __name__ == "__main__":
    main()

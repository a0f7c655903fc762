"""Continued pre-training on 红楼梦, chapters 1 to 110: perplexity of the last ten before and after.

By public commands, on a small base that has read Shakespeare only, or on SmolLM2-135M; its base is
the untouched one. Perplexity is per character. The last line has both, the fall, the account of the
tokens, steps and minutes.

    .venv/bin/python benchmarks/pretraining.py small [--steps 300]
    .venv/bin/python benchmarks/pretraining.py smollm2 [--steps 100] [--vocabulary 4000]
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

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "corpus_cpt"
FIRST_HELD_OUT = "第一一一回"  # its heading begins the last ten chapters
OPENING = "却说宝玉"
ENGLISH = """
task = "pretrain"
base = "base"
[data]
train = ["{english}"]
max_length = 128
[full]
[training]
steps = {steps}
batch = 16
learning_rate = 1e-3
[saving]
eval_every = {steps}
final = "last"
samples = 0
report_to = []
"""
CHINESE = """
task = "pretrain"
base = "{base}"
[data]
train = ["taught.txt"]
eval = ["held_out.txt"]
max_length = {length}
[lora]
rank = 16
alpha = 32
{saved}
[training]
steps = {steps}
batch = {batch}
learning_rate = {rate}
[saving]
eval_every = {steps}
final = "last"
report_to = []
"""


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("base", choices=["small", "smollm2"])
    options.add_argument("--steps", type=int, default=0)
    options.add_argument("--vocabulary", type=int, default=0, help="Tokens to add first.")
    options.add_argument("--characters", type=int, default=100_000, help="Held out and measured.")
    chosen = options.parse_args()
    if not DATA.is_dir():
        sys.exit(f"{DATA} is missing")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_book(home, chosen.characters)
        if chosen.base == "small":
            base = read_shakespeare(home, chosen.steps or 300)
        else:
            base = "packaged:smollm2-135m"
        if chosen.vocabulary:
            base = extend(home, base, chosen.vocabulary)
        learn_chinese(home, base, chosen)


def write_book(home: Path, characters: int) -> None:
    """The first 110 chapters, and of the last ten so many characters."""
    book = (DATA / "hongloumeng_zh.txt").read_text("utf-8")
    at = book.index(FIRST_HELD_OUT)
    at = book.rindex("\n", 0, at) + 1
    (home / "taught.txt").write_text(book[:at], "utf-8")
    (home / "held_out.txt").write_text(book[at : at + characters], "utf-8")


def read_shakespeare(home: Path, steps: int) -> str:
    """A small base that has learned English, by full pre-training from nothing."""
    english = DATA / "tinyshakespeare_en.txt"
    run(home, "make-base", "base", str(english), "--layers", "4", "--width", "128")
    (home / "english.toml").write_text(ENGLISH.format(english=english, steps=steps), "utf-8")
    run(home, "train", "english.toml")
    return str(home / "workspace" / "runs" / "english" / "model")


def extend(home: Path, base: str, size: int) -> str:
    """The base with as many new tokens of the book."""
    run(home, "vocabulary", "taught.txt", "--base", base, "--size", str(size), "--out", "extended")
    return str(home / "extended")


def learn_chinese(home: Path, base: str, chosen: argparse.Namespace) -> None:
    """Train, sample by base and run, and print what came of it."""
    small = chosen.base == "small"
    text = CHINESE.format(
        base=base,
        steps=chosen.steps or (300 if small else 100),
        length=128 if small else 256,
        batch=16 if small else 8,
        rate=5e-3 if small else 1e-3,
        # of an extended vocabulary the new rows are learned, and need not be named
        saved='modules_to_save = ["embed_tokens"]' if small and not chosen.vocabulary else "",
    )
    (home / "chinese.toml").write_text(text, "utf-8")
    began = time.monotonic()
    run(home, "train", "chinese.toml")
    minutes = (time.monotonic() - began) / 60
    found = run(
        home,
        "samples",
        "chinese",
        "--prompt",
        OPENING,
        "-n",
        "5",
        "--characters",
        str(chosen.characters),
    )
    card = json.loads((home / "workspace/runs/chinese/card.json").read_text("utf-8"))
    before, after = found["perplexity_per_character"]
    for side in ("before", "after"):
        print(side, json.dumps(found[side], ensure_ascii=False, indent=1))
    print(
        json.dumps(
            {
                "base": chosen.base,
                "vocabulary": chosen.vocabulary,
                "perplexity_per_character": [round(before, 2), round(after, 2)],
                "fall": round(1 - after / before, 3),
                "steps": card["steps"],
                "minutes": round(minutes, 1),
                "corpora": card["data"]["train"]["corpora"],
            }
        )
    )


def run(home: Path, *words: str) -> dict[str, object]:
    """`workbench finetune WORDS --json` in that folder -> its last line."""
    command = [sys.executable, "-m", "workbench.cli", "finetune", *words, "--json"]
    environment = os.environ | {"WORKBENCH_HOME": str(home / "workspace"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=home, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()

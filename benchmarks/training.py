"""Tokens a second of `workbench finetune train`, and the loss, against a bare SFTTrainer script.

Same model (made on the spot), data, seed and settings, unpacked and packed; padding does not count.
The held-out loss of all is measured by one function. On a processor, one thread and its CPU time
are taken, which other programs do not disturb.

    .venv/bin/python benchmarks/training.py [--rows 400] [--repeat 2]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "finetune"
FILES = ("alpaca_en_demo.jsonl", "alpaca_zh_demo.jsonl")
BATCH, LENGTH, RANK, RATE, SEED = 8, 1024, 16, 2e-3, 42


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=400)
    options.add_argument("--repeat", type=int, default=2)
    chosen = options.parse_args()
    if not DATA.is_dir():
        sys.exit(f"{DATA} is missing")
    import torch

    from finetune.data.dataset import load_examples, split
    from finetune.train.small_model import make_small_model

    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    examples = load_examples([DATA / name for name in FILES]).examples
    step = max(1, len(examples) // chosen.rows)
    taught, held_out = split(examples[::step], 0.1, SEED)
    with tempfile.TemporaryDirectory() as folder:
        base = make_small_model(
            Path(folder) / "base",
            [m.content for e in taught for m in e.messages],
            words=6000,
            context=LENGTH,
        )
        rows = {"bare": bare, "workbench": workbench, "workbench, packed": packed}
        found: dict[str, list[float]] = {name: [] for name in rows}
        losses: dict[str, float] = {}
        for turn in range(chosen.repeat):
            for name, trained in rows.items():
                where = Path(folder) / f"{name} {turn}"
                tokens, seconds, model, steps = trained(base, where, taught, clock)
                found[name].append(tokens / seconds)
                losses[name] = held_out_loss(model, base, held_out)
                print(
                    f"{name:<18} {steps} steps  {tokens / seconds:8.0f} tokens/s  "
                    f"held-out loss {losses[name]:.4f}",
                    flush=True,
                )
    best = {name: max(values) for name, values in found.items()}
    print(
        json.dumps(
            {
                "rows": len(taught),
                "tokens_per_second": {name: round(value) for name, value in best.items()},
                "speed": round(best["workbench"] / best["bare"], 2),
                "speed_packed": round(best["workbench, packed"] / best["bare"], 2),
                "loss": {name: round(value, 4) for name, value in losses.items()},
            }
        )
    )


def bare(base, folder, taught, clock):
    """As in TRL's documentation: prompt and completion as messages, LoraConfig, SFTTrainer."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    turns = [
        [{"role": m.role, "content": m.content} for m in example.messages] for example in taught
    ]
    data = Dataset.from_list([{"prompt": turn[:-1], "completion": turn[-1:]} for turn in turns])
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(base, dtype="auto"),
        processing_class=AutoTokenizer.from_pretrained(base),
        train_dataset=data,
        peft_config=LoraConfig(r=RANK, lora_alpha=RANK, target_modules="all-linear"),
        args=SFTConfig(
            output_dir=str(folder),
            per_device_train_batch_size=BATCH,
            num_train_epochs=1,
            learning_rate=RATE,
            seed=SEED,
            lr_scheduler_type="cosine",
            warmup_steps=0.05,
            max_length=LENGTH,
            bf16=_half(),
            gradient_checkpointing=False,
            use_cpu=not _half(),
            disable_tqdm=True,
            report_to="none",
        ),
    )
    tokens = sum(map(len, trainer.train_dataset["input_ids"]))
    return tokens, _timed(trainer, clock), trainer.model, trainer.state.global_step


def workbench(base, folder, taught, clock, packing=False):
    """The same by a run file."""
    from finetune.run.config import load_config
    from finetune.run.runs import Run
    from finetune.train.order import Order
    from finetune.train.training import make_trainer

    rows = 2 if packing else BATCH  # as many conversations a step either way
    run = Run(folder)
    folder.mkdir()
    (folder / "run.toml").write_text(
        f'base = "{base}"\nseed = {SEED}\n'
        f'[data]\ntrain = ["-"]\nmax_length = {LENGTH}\n'
        f"[lora]\nrank = {RANK}\nalpha = {RANK}\n"
        f"[training]\nepochs = 1\nbatch = {rows}\nlearning_rate = {RATE}\n"
        f"packing = {str(packing).lower()}\n"
        "[saving]\neval_every = 500\nsamples = 0\nreport_to = []\n"
    )
    config = load_config(folder / "run.toml")
    trainer = make_trainer(
        Order(run, config, base, taught, [], report=lambda event: None, stopped=lambda: False)
    )
    tokens = sum(map(len, trainer.train_dataset["input_ids"]))
    return tokens, _timed(trainer, clock), trainer.model, trainer.state.global_step


def packed(base, folder, taught, clock):
    """The same with short conversations packed together."""
    return workbench(base, folder, taught, clock, packing=True)


def held_out_loss(model, base, held_out):
    """The mean loss of an answer's token, one conversation at a time."""
    import torch
    from transformers import AutoTokenizer

    from finetune.encoding.masking import encode_all

    model.eval()
    total, count = 0.0, 0
    with torch.inference_mode():
        for row in encode_all(held_out, AutoTokenizer.from_pretrained(base), LENGTH).rows:
            batch = {
                "input_ids": torch.tensor([row.input_ids]),
                "labels": torch.tensor([row.labels]),
            }
            loss = model(**{name: tensor.to(model.device) for name, tensor in batch.items()}).loss
            total, count = total + loss.item() * row.learned, count + row.learned
    return total / count


def _half():
    import torch

    return torch.cuda.is_available()


def _timed(trainer, clock):
    begun = clock()
    trainer.train()
    return clock() - begun


if __name__ == "__main__":
    main()

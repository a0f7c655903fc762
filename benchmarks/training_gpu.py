"""Tokens a second on a GPU: `workbench` against bare TRL and TRL with Liger's kernels, in one run.

SmolLM2-135M and a model of Qwen2's 1.5 B shape (weights at random: the speed is that of the shape),
LoRA on all linear layers, packed rows, bf16. Every row of the table trains the same conversations
LoRA on all linear layers, packed rows, bf16. Each row of the table trains the same conversations
The first steps are not timed: kernels are compiled in them. Padding does not count.

    .venv/bin/python benchmarks/training_gpu.py [--steps 30] [--length 2048] [--batch 8]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

WARM = 5  # steps before the clock
RANK, RATE, SEED = 16, 1e-4, 42
# Qwen/Qwen2-1.5B's config.json
QWEN2 = {
    "vocab_size": 151936,
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "max_position_embeddings": 131072,
    "rope_theta": 1000000.0,
    "tie_word_embeddings": True,
}
# name -> what of the run file differs; `bare` and `liger` are plain TRL
WORKBENCH = {
    "workbench": "",
    "workbench, liger": "liger = true",
    "workbench, compile": "compile = true",
}
SENTENCE = "The lamp on the landing is lit at dusk, and nobody knows by whom. "


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--steps", type=int, default=30)
    options.add_argument("--length", type=int, default=2048)
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--only", help=argparse.SUPPRESS)  # one row, in a process of its own
    options.add_argument("--base", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("No GPU on this machine: training_gpu.py was not run.")
        return
    if chosen.only:
        print(json.dumps(measure(chosen)))
        return
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        for title, base in bases(Path(folder)).items():
            compare(title, base, chosen)


def compare(title: str, base: str, chosen: argparse.Namespace) -> None:
    """A table of one base."""
    names = ["bare TRL", "TRL, liger", *WORKBENCH]
    if find_spec("liger_kernel") is None:
        names = [name for name in names if "liger" not in name]
        print("liger-kernel is not installed: its rows are left out")
    first = 0.0
    for name in names:
        found = measure_apart(name, base, chosen)
        if not found:
            print(f"{title:<16} {name:<20} failed, see above", flush=True)
            continue
        first = first or found["tokens_per_second"]
        times = found["tokens_per_second"] / first
        print(
            f"{title:<16} {name:<20} {found['tokens_per_second']:>9,.0f} tokens/s  {times:5.2f} x  "
            f"{found['memory_gb']:6.2f} GB  {found['of_peak']:.1%} of peak  {found['attention']}",
            flush=True,
        )


def measure_apart(name: str, base: str, chosen: argparse.Namespace) -> dict:
    """One row in a process of its own; empty where it failed."""
    numbers = {"steps": chosen.steps, "length": chosen.length, "batch": chosen.batch}
    options = [word for key, value in numbers.items() for word in (f"--{key}", str(value))]
    done = subprocess.run(
        [sys.executable, __file__, "--only", name, "--base", base, *options],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}


def bases(folder: Path) -> dict[str, str]:
    """Title -> folder of the base."""
    from workbench.models.packaged import resolve_base
    from workbench.settings import load_settings

    smol = resolve_base("packaged:smollm2-135m", load_settings())
    return {"SmolLM2-135M": smol, "Qwen2 1.5 B": str(qwen2(folder / "qwen2", Path(smol)))}


def qwen2(folder: Path, tokenizer: Path) -> Path:
    """A model of that shape, with SmolLM2's tokenizer: fewer words, the same arithmetic."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2Config

    config = Qwen2Config(**QWEN2)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tokenizer).save_pretrained(folder)
    return folder


def conversations(steps: int, batch: int, length: int, tokenizer) -> list[list[dict]]:
    """Conversations of many lengths, the same for every row, with tokens enough for all steps."""
    each = len(tokenizer(SENTENCE)["input_ids"])
    wanted = int(1.3 * (steps + WARM) * batch * length / each)  # sentences
    found, number = [], 0
    while wanted > 0:
        count = 2 + (number * 7) % 24
        turn = [
            {"role": "user", "content": f"{number}? {SENTENCE}"},
            {"role": "assistant", "content": SENTENCE * count},
        ]
        found.append(turn)
        wanted -= count + 1
        number += 1
    return found


def measure(chosen: argparse.Namespace) -> dict:
    """{"tokens_per_second", "memory_gb", "of_peak", "attention"} of one way to train."""
    import torch
    from transformers import AutoTokenizer

    from finetune.run.gpus import peak_of
    from finetune.train.speed import operations

    tokenizer = AutoTokenizer.from_pretrained(chosen.base)
    talks = conversations(chosen.steps, chosen.batch, chosen.length, tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        make = workbench if chosen.only in WORKBENCH else bare
        trainer = make(chosen, Path(folder), talks, tokenizer)
        clock = Clock()
        trainer.add_callback(clock.callback())
        trainer.train()
    model = trainer.model
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    parameters = sum(p.numel() for p in model.parameters()) - trained
    rate = clock.tokens / clock.seconds
    peak = peak_of(torch.cuda.get_device_name())
    return {
        "tokens_per_second": rate,
        "memory_gb": torch.cuda.max_memory_allocated() / 1e9,
        "of_peak": rate * operations(parameters, trained) / peak if peak else 0.0,
        "attention": model.config._attn_implementation,
    }


class Clock:
    """Counts tokens and seconds after the first steps."""

    tokens = 0.0
    seconds = 0.0

    def callback(self):
        import torch
        from transformers import TrainerCallback

        clock = self

        class Reads(TrainerCallback):
            def on_log(self, args, state, control, logs=None, **more):
                if "num_tokens" not in (logs or {}):
                    return
                torch.cuda.synchronize()
                if state.global_step == WARM:
                    clock.begun, clock.counted = time.perf_counter(), logs["num_tokens"]
                if state.global_step > WARM:
                    clock.seconds = time.perf_counter() - clock.begun
                    clock.tokens = logs["num_tokens"] - clock.counted

        return Reads()


def bare(chosen, folder: Path, talks, tokenizer):
    """As in TRL's documentation: messages, LoraConfig, SFTTrainer with its own packing."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from transformers.utils import is_flash_attn_2_available
    from trl import SFTConfig, SFTTrainer

    data = Dataset.from_list([{"prompt": talk[:-1], "completion": talk[-1:]} for talk in talks])
    options = {}
    if is_flash_attn_2_available():  # TRL's packing needs it to keep sequences apart
        options["attn_implementation"] = "flash_attention_2"
    return SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(chosen.base, dtype="bfloat16", **options),
        processing_class=tokenizer,
        train_dataset=data,
        peft_config=LoraConfig(r=RANK, lora_alpha=RANK, target_modules="all-linear"),
        args=SFTConfig(
            output_dir=str(folder),
            per_device_train_batch_size=chosen.batch,
            max_steps=chosen.steps + WARM,
            learning_rate=RATE,
            seed=SEED,
            packing=True,
            max_length=chosen.length,
            bf16=True,
            gradient_checkpointing=False,
            use_liger_kernel="liger" in chosen.only,
            logging_steps=1,
            save_strategy="no",
            disable_tqdm=True,
            report_to="none",
        ),
    )


def workbench(chosen, folder: Path, talks, tokenizer):
    """The same by a run file."""
    from finetune.data.dataset import load_examples
    from finetune.run.config import load_config
    from finetune.run.runs import Run
    from finetune.train.order import Order
    from finetune.train.training import make_trainer

    data = folder / "data.jsonl"
    data.write_text("".join(json.dumps({"messages": talk}) + "\n" for talk in talks), "utf-8")
    (folder / "run.toml").write_text(
        f'base = "{chosen.base}"\nseed = {SEED}\n'
        f'[data]\ntrain = ["data.jsonl"]\nmax_length = {chosen.length}\n'
        f"[lora]\nrank = {RANK}\nalpha = {RANK}\n"
        f"[training]\nsteps = {chosen.steps + WARM}\nbatch = {chosen.batch}\n"
        f'learning_rate = {RATE}\npacking = true\nprecision = "bf16"\n{WORKBENCH[chosen.only]}\n'
        '[saving]\neval_every = 100000\nsamples = 0\nfinal = "last"\nreport_to = []\n',
        "utf-8",
    )
    config = load_config(folder / "run.toml")
    run = Run(folder)
    taught = load_examples([data]).examples
    order = Order(
        run,
        config,
        Path(chosen.base),
        taught,
        [],
        report=lambda event: print(json.dumps(event, default=str), file=sys.stderr),
        stopped=lambda: False,
    )
    return make_trainer(order)


if __name__ == "__main__":
    main()

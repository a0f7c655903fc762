"""Merging inside the converter against PEFT's merge_and_unload + save + convert: wall time, peak
memory, disk, tensors.

The model is made on the spot (Qwen2's shape, by default 0.5 B parameters in f16, a rank-8 LoRA on
every linear layer); each step runs in a process of its own, and its memory is the largest resident
set of that process and its children.

python benchmarks/publish.py [--layers 24 --width 896 --words 151936] [--shape qwen2|extended|gpt2]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def make_model(folder: Path, shape: str, layers: int, width: int, words: int) -> None:
    """Base and adapter with random weights; `extended` also has 64 new words with trained rows."""
    import torch
    from peft import LoraConfig, get_peft_model
    from tiny_models import make_tokenizer
    from transformers import GPT2Config, GPT2LMHeadModel, Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    tokenizer = make_tokenizer(["the cat sat on the mat"], 300)
    model: Any
    if shape == "gpt2":
        model = GPT2LMHeadModel(
            GPT2Config(vocab_size=words, n_embd=width, n_layer=layers, n_head=width // 64)
        )
        lora: dict[str, Any] = {
            "target_modules": ["c_attn", "c_proj", "c_fc"],
            "fan_in_fan_out": True,
        }
    else:
        config = Qwen2Config(
            vocab_size=words,
            hidden_size=width,
            intermediate_size=int(width * 5.43) // 64 * 64,
            num_hidden_layers=layers,
            num_attention_heads=width // 64,
            num_key_value_heads=max(width // 448, 1),
            max_position_embeddings=4096,
            tie_word_embeddings=True,
        )
        model = Qwen2ForCausalLM(config)
        lora = {"target_modules": "all-linear"}
    model.to(torch.float16).save_pretrained(
        folder / "base"
    )  # PEFT rounds to the base's precision: here the one written
    tokenizer.save_pretrained(folder / "base")
    if shape == "extended":
        tokenizer.add_tokens([f"新词{number}" for number in range(64)])
        model.resize_token_embeddings(words + 64, mean_resizing=False)
        lora["modules_to_save"] = ["embed_tokens", "lm_head"]
    model.config._name_or_path = model.name_or_path = str(folder / "base")
    tuned: Any = get_peft_model(
        model, LoraConfig(r=8, lora_alpha=16, task_type="CAUSAL_LM", **lora)
    )
    with torch.no_grad():
        for weight in tuned.parameters():
            if weight.requires_grad:
                weight += torch.randn_like(weight) * 0.01
    tuned.save_pretrained(folder / "adapter")
    tokenizer.save_pretrained(folder / "adapter")


def ours(folder: Path) -> None:
    from deploy.gguf import Conversion, write_gguf

    base, adapter = folder / "base", folder / "adapter"
    told = Conversion(
        str(base), str(adapter), str(adapter), str(folder / "ours.gguf"), "f16", "model", False
    )
    write_gguf(told, lambda done, of: None)


def pefts(folder: Path) -> None:
    """As the manuals say: merge, save the whole model; `converted` follows."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder / "adapter")
    model: Any = AutoModelForCausalLM.from_pretrained(folder / "base", dtype="auto")
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    rows = json.loads((folder / "rows.json").read_text())
    if rows != model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(rows, mean_resizing=False)
    merged = PeftModel.from_pretrained(model, str(folder / "adapter")).merge_and_unload()
    merged.save_pretrained(folder / "merged")
    tokenizer.save_pretrained(folder / "merged")


def converted(folder: Path) -> None:
    """What PEFT has merged through the same converter, as convert_hf_to_gguf.py would do; no
    adapter, no merging.
    """
    from deploy.gguf import Conversion, write_gguf

    merged_folder = str(folder / "merged")
    told = Conversion(
        merged_folder, "", merged_folder, str(folder / "pefts.gguf"), "f16", "model", False
    )
    write_gguf(told, lambda done, of: None)


WAYS = {
    "pefts": (pefts, converted),
    "ours": (ours,),
}  # each step is a command of its own, one after the other
STEPS = {step.__name__: step for steps in WAYS.values() for step in steps}


def measure(way: str, folder: Path) -> dict[str, float]:
    """Seconds, peak memory (GB) of a step's process and its children at one moment, and bytes
    beside the GGUF (GB).
    """
    before = _size(folder)
    begun = time.monotonic()
    peak = max(_run(step.__name__, folder) for step in WAYS[way])
    seconds = time.monotonic() - begun
    extra = _size(folder) - before - (folder / f"{way}.gguf").stat().st_size
    return {"seconds": seconds, "peak_gb": peak / 1e9, "extra_disk_gb": extra / 1e9}


def _run(step: str, folder: Path) -> int:
    """Its largest resident set in bytes, looked at every 10 ms."""
    process = psutil.Popen([sys.executable, __file__, "--run", step, "--folder", str(folder)])
    peak = 0
    while process.poll() is None:
        peak = max(peak, _resident(process))
        time.sleep(0.01)
    if process.returncode:
        sys.exit(f"{step} failed with {process.returncode}")
    return peak


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for one in [process, *process.children(recursive=True)]:
            total += one.memory_info().rss
    except psutil.Error:
        return total
    return total


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def largest_step(one: Path, other: Path) -> int:
    """How many steps of half precision the two files' tensors are apart at most."""
    import numpy as np
    from gguf import GGUFReader

    left, right = ({t.name: t.data for t in GGUFReader(path).tensors} for path in (one, other))
    if left.keys() != right.keys():
        sys.exit(f"the files have other tensors: {left.keys() ^ right.keys()}")
    apart = 0
    for name, tensor in left.items():
        halves = (
            np.asarray(data, np.float16).view(np.int16).astype(np.int32)
            for data in (tensor, right[name])
        )
        first, second = (np.where(half < 0, -32768 - half, half) for half in halves)
        apart = max(apart, int(np.abs(first - second).max()))
    return apart


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--shape", choices=["qwen2", "extended", "gpt2"], default="qwen2")
    options.add_argument("--layers", type=int, default=24)
    options.add_argument("--width", type=int, default=896)
    options.add_argument("--words", type=int, default=151_936)
    options.add_argument("--run", choices=STEPS, help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.run:
        STEPS[chosen.run](chosen.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_model(folder, chosen.shape, chosen.layers, chosen.width, chosen.words)
        (folder / "rows.json").write_text(
            str(chosen.words + (64 if chosen.shape == "extended" else 0))
        )
        figures = {way: measure(way, folder) for way in WAYS}
        for way, figure in figures.items():
            print(
                json.dumps({"way": way} | {name: round(value, 2) for name, value in figure.items()})
            )
        ratio = {
            name: round(figures["ours"][name] / figures["pefts"][name], 2)
            for name in ("seconds", "peak_gb")
        }
        apart = largest_step(folder / "ours.gguf", folder / "pefts.gguf")
        print(json.dumps({"shape": chosen.shape, **ratio, "largest_f16_step": apart}))


if __name__ == "__main__":
    main()

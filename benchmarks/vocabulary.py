"""4,000 new tokens from 红楼梦: characters per token on its last ten chapters, round trip, logits.

    .venv/bin/python benchmarks/vocabulary.py [--size 4000]

By public commands, from the first 110 chapters, on two bases: a small one with English merges only,
and SmolLM2. Each line has what the command reports, then, beside it, how many English and code
texts of this repository the extended tokenizer cuts in another way than the base's does.

The baseline is the usual short way: a tokenizer trained on the same chapters, whose tokens are
added by `add_tokens`. They are found before any merge, so they may cut through other texts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from support import BASE, ROOT, show, workbench

CORPUS = ROOT.parent / "shared" / "data" / "corpus_cpt"
NOVEL = CORPUS / "hongloumeng_zh.txt"
ENGLISH = (CORPUS / "tinyshakespeare_en.txt", CORPUS / "wikipedia_demo_en.txt")
FIRST_HELD_OUT = "第一一一回"  # its heading begins the last ten chapters
WORDS = 4000  # of the small base


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", type=int, default=4000)
    size = options.parse_args().size
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        learned, held_out = split_novel(home)
        bases = {"english": str(make_english_base(home)), "smollm2": BASE}
        for name, base in bases.items():
            out = home / name
            begun = time.monotonic()
            options_of = ("--base", base, "--size", size, "--out", out, "--eval", held_out)
            done = workbench(home, "finetune", "vocabulary", learned, *options_of)
            seconds = round(time.monotonic() - begun, 1)
            report(name, done, seconds)
            compare(name, home, done, learned, held_out, size)


def split_novel(folder: Path) -> tuple[Path, Path]:
    """Chapters 1 to 110, and 111 to 120."""
    lines = NOVEL.read_text("utf-8").split("\n")
    cut = next(number for number, line in enumerate(lines) if FIRST_HELD_OUT in line)
    learned = folder / "1-110.txt"
    held_out = folder / "111-120.txt"
    learned.write_text("\n".join(lines[:cut]), "utf-8")
    held_out.write_text("\n".join(lines[cut:]), "utf-8")
    return learned, held_out


def make_english_base(home: Path) -> Path:
    """A random model; what counts is its tokenizer, which has seen no Chinese."""
    from finetune.train.small_model import make_small_model

    texts = [path.read_text("utf-8") for path in ENGLISH]
    return make_small_model(home / "english-base", texts, layers=2, width=64, words=WORDS)


def report(name: str, done: dict[str, Any], seconds: float) -> None:
    times = done["chars_per_token_after"] / done["chars_per_token_before"]
    kept = ("added", "chars_per_token_before", "chars_per_token_after", "covered")
    checked = ("lines", "changed_lines", "logits_difference")
    facts = {field: done[field] for field in (*kept, *checked)}
    show(base=name, seconds=seconds, times=round(times, 3), **facts)


def compare(
    name: str, home: Path, done: dict[str, Any], learned: Path, held_out: Path, size: int
) -> None:
    """Both ways on English and code, and characters per token of the short way."""
    from transformers import AutoTokenizer

    from workbench.models.packaged import resolve_base
    from workbench.settings import load_settings

    base = resolve_base(done["base"], load_settings())
    old = AutoTokenizer.from_pretrained(base)
    ours = AutoTokenizer.from_pretrained(done["folder"])
    short = AutoTokenizer.from_pretrained(base)
    begun = time.monotonic()
    added = short.add_tokens(usual_tokens(old, learned, size))
    seconds = round(time.monotonic() - begun, 1)
    texts = english_texts()
    lines = [line for line in held_out.read_text("utf-8").split("\n") if line.strip()]
    for way, tokenizer in (("merges", ours), ("add_tokens", short)):
        tokens = sum(len(ids) for ids in tokenizer(lines, add_special_tokens=False)["input_ids"])
        show(
            base=name,
            way=way,
            chars_per_token=round(sum(map(len, lines)) / tokens, 4),
            texts=len(texts),
            cut_differently=sum(tokenizer.encode(text) != old.encode(text) for text in texts),
            **({"added": added, "seconds": seconds} if way == "add_tokens" else {}),
        )


def usual_tokens(old: Any, learned: Path, size: int) -> list[str]:
    """Texts of the tokens that the base's kind of tokenizer learns from the chapters alone, but
    those that the base has as a token, and parts of a character.
    """
    donor = old.train_new_from_iterator(learned.read_text("utf-8").split("\n"), size + 256)
    texts = [donor.decode([number]) for number in range(len(donor))]
    whole = [text for text in texts if "\N{REPLACEMENT CHARACTER}" not in text]
    return [text for text in whole if len(old.encode(text, add_special_tokens=False)) > 1]


def english_texts() -> list[str]:
    """Texts of this repository in ASCII: pages of the documentation by the paragraph, and code."""
    texts = []
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        texts += path.read_text("utf-8").split("\n\n")
    for package in ("workbench", "rag", "agents", "finetune", "deploy"):
        texts += [path.read_text("utf-8") for path in sorted((ROOT / package).rglob("*.py"))]
    return [text for text in texts if text.strip() and text.isascii()]


if __name__ == "__main__":
    main()

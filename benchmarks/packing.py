"""Tokenize and pack a corpus: `finetune.corpus` against the usual `datasets.map` and `group_texts`.

Paragraphs of three books as JSON lines, SmolLM2's tokenizer, blocks of 512 tokens; once, and ten
times over. Each way runs in a process of its own, from text to the last block on disk; the time of
`load_dataset`, which copies the text into Arrow, is not counted. `group_texts` by its usual
batches drops the end of each; as one batch it gives our blocks, which the sha256 of all shows.

    .venv/bin/python benchmarks/packing.py [--times 1 10]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "corpus_cpt"
LENGTH = 512
WAYS = ("workbench", "usual", "usual, one batch")
Way = Callable[[], Callable[[], Iterable[list[int]]]]  # to be timed -> the blocks


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--times", type=int, nargs="+", default=[1, 10])
    options.add_argument("--way", choices=WAYS)
    options.add_argument("--corpus", type=Path)
    chosen = options.parse_args()
    if chosen.way:
        print(json.dumps(measure(chosen.way, chosen.corpus)))
        return
    if not DATA.is_dir():
        sys.exit(f"{DATA} is missing")
    for times in chosen.times:
        compare(times)


def compare(times: int) -> None:
    """Every way on so many copies of the corpus, and one line with the ratio of the times."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_corpus(Path(folder) / "corpus.jsonl", times)
        found = {}
        for way in WAYS:
            command = [sys.executable, __file__, "--way", way, "--corpus", str(corpus)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            found[way] = json.loads(done.stdout.splitlines()[-1])
            print(times, way, found[way], flush=True)
    ours = found["workbench"]
    fastest = min(found[way]["seconds"] for way in WAYS if way != "workbench")
    print(
        json.dumps(
            {
                "times": times,
                "speed": round(fastest / ours["seconds"], 2),
                "same_blocks": ours["sha256"] == found["usual, one batch"]["sha256"],
                "more_mb": {way: facts["more_mb"] for way, facts in found.items()},
            }
        ),
        flush=True,
    )


def write_corpus(path: Path, times: int) -> Path:
    """The books' paragraphs, one a line, so many times over."""
    paragraphs = []
    for book in sorted(DATA.glob("*.txt")):
        paragraphs += [text for text in book.read_text("utf-8").split("\n\n") if text.strip()]
    with path.open("w", encoding="utf-8") as file:
        for _ in range(times):
            for text in paragraphs:
                file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    return path


def measure(way: str, corpus: Path) -> dict[str, object]:
    """One way: {"seconds", "cpu_seconds", "blocks", "sha256", "more_mb"}.

    `more_mb` is the memory at its highest, less what the libraries hold before.
    """
    from workbench.models.packaged import resolve_base
    from workbench.settings import load_settings

    base = Path(resolve_base("packaged:smollm2-135m", load_settings()))
    if way == "workbench":
        prepared = workbench(base, corpus)
    else:
        prepared = usual(base, corpus, 1000 if way == "usual" else None)
    at_first, began, worked = peak_mb(), time.perf_counter(), time.process_time()
    blocks = prepared()
    seconds, worked, more = (
        time.perf_counter() - began,
        time.process_time() - worked,
        peak_mb() - at_first,
    )
    count, digest = 0, hashlib.sha256()
    for block in blocks():
        count += 1
        digest.update(repr(block).encode())
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(worked, 2),
        "blocks": count,
        "sha256": digest.hexdigest(),
        "more_mb": more,
    }


def peak_mb() -> int:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def workbench(base: Path, corpus: Path) -> Way:
    """As a training does it: from the files to blocks that can be read."""
    from finetune.corpus.blocks import part
    from finetune.corpus.store import Corpus, tokens_of
    from finetune.corpus.tokenizing import spelling_of
    from finetune.train.base_model import load_tokenizer

    tokenizer, _ = load_tokenizer(base)

    def prepare():
        tokens = tokens_of(
            Corpus([corpus]),
            spelling_of(tokenizer),
            corpus.parent / "tokens",
            report=lambda event: None,
            stopped=lambda: False,
        )
        blocks = part(tokens, LENGTH).taught
        return lambda: (blocks.row(number)["input_ids"] for number in range(len(blocks)))

    return prepare


def usual(base: Path, corpus: Path, batch: int | None) -> Way:
    """As in transformers' run_clm.py, with an end token behind each document."""
    from datasets import load_dataset
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(base))
    end = tokenizer.eos_token_id

    def tokenize(rows):
        found = tokenizer(rows["text"], add_special_tokens=False)
        for ids, mask in zip(found["input_ids"], found["attention_mask"], strict=True):
            ids.append(end)
            mask.append(1)
        return found

    def group_texts(rows):
        joined = {name: list(chain(*rows[name])) for name in rows}
        total = len(joined["input_ids"]) // LENGTH * LENGTH
        cut = {
            name: [ids[at : at + LENGTH] for at in range(0, total, LENGTH)]
            for name, ids in joined.items()
        }
        cut["labels"] = cut["input_ids"].copy()
        return cut

    cache = str(corpus.parent / f"arrow {batch}")
    texts = load_dataset("json", data_files=str(corpus), split="train", cache_dir=cache)

    def prepare():
        tokens = texts.map(tokenize, batched=True, remove_columns=["text"])
        blocks = tokens.map(group_texts, batched=True, batch_size=batch)
        return lambda: (block["input_ids"] for block in blocks)

    return prepare


if __name__ == "__main__":
    main()

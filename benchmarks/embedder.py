"""The packaged embedders, each in several precisions -> passages a second and recall@1 by meaning.

The four open sets of questions; each passage is one text. Speeds are of 200 English passages, the
ways in turn, the best of three rounds.
`.venv/bin/python benchmarks/embedder.py [--limit QUESTIONS] [--speed]`
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rag.embeddings import TorchEmbedder
from rag.openvino_embedder import (
    EIGHT_BITS,
    FULL,
    IN_32_BITS,
    OPTIONS,
    OpenVinoEmbedder,
    facts_of,
    save_form,
    trace,
    write_facts,
)
from rag.question_sets import read_passages, read_questions
from rag.sentence_models import Embedder, load_sentence_transformer
from workbench.models.packaged_embedders import E5, MINILM, packaged_folder
from workbench.settings import load_settings

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = ("xquad_en", "xquad_zh", "drcd", "cmrc2018")
TIMED = 200  # passages
ROUNDS = 3
GROUPS = "DYNAMIC_QUANTIZATION_GROUP_SIZE"
WAYS: dict[str, tuple[str, Mapping[str, str]]] = {
    "float32 in f32": (FULL, IN_32_BITS),
    "float32 in the processor's own": (FULL, {}),
    "int8 in f32, groups of 64": (EIGHT_BITS, IN_32_BITS),
    "int8, groups of 32": (EIGHT_BITS, {GROUPS: "32"}),
    "int8, groups of 64": (EIGHT_BITS, {}),
    "int8, groups of 128": (EIGHT_BITS, {GROUPS: "128"}),
}
"""What is printed -> form of the weights, OpenVINO's options beside the usual ones."""


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--limit", type=int, help="questions of each set")
    arguments.add_argument("--speed", action="store_true", help="no recall")
    asked = arguments.parse_args()
    for name in (E5, MINILM):
        with tempfile.TemporaryDirectory() as folder:
            ways = load_ways(name, Path(folder))
            speeds = measure_speeds(ways)
            for way, embedder in ways.items():
                recalls = (
                    [] if asked.speed else [recall(embedder, one, asked.limit) for one in SETS]
                )
                figures = "".join(f"{figure:>10.4f}" for figure in recalls)
                print(f"{name:<22} {way:<31} {speeds[way]:>6.1f}/s{figures}", flush=True)


def load_ways(name: str, root: Path) -> dict[str, Embedder]:
    """The model in every way, torch last."""
    source = packaged_folder(name, load_settings().cache_folder("embedders"))
    model = load_sentence_transformer(source, device="cpu")
    torch = TorchEmbedder(name, source)
    for form in (FULL, EIGHT_BITS):
        (root / form).mkdir()
        save_form(trace(model), form, root / form)
        model.tokenizer.backend_tokenizer.save(str(root / form / "tokenizer.json"))
        write_facts(facts_of(model, source), root / form)
    found: dict[str, Embedder] = {}
    for way, (form, options) in WAYS.items():
        found[way] = OpenVinoEmbedder(name, root / form, {**OPTIONS, **options})
    return found | {"torch": torch}


def measure_speeds(ways: dict[str, Embedder]) -> dict[str, float]:
    """Texts a second."""
    texts = [row["text"] for row in rows(DATA / "retrieval_xquad_en" / "passages.jsonl")][:TIMED]
    best = dict.fromkeys(ways, 0.0)
    for _ in range(ROUNDS):
        for way, embedder in ways.items():
            begun = time.monotonic()
            embedder.embed(texts)
            best[way] = max(best[way], len(texts) / (time.monotonic() - begun))
    return best


def recall(embedder: Embedder, name: str, limit: int | None) -> float:
    """Share of the questions whose passage is the nearest of all."""
    folder = DATA / f"retrieval_{name}"
    files = [folder / "passages.jsonl", folder / "distractors.jsonl"]
    passages = read_passages(*(file for file in files if file.exists()))
    questions = read_questions(folder / "queries.jsonl", passages)[:limit]
    ids = np.array(list(passages))
    vectors = embedder.embed(list(passages.values()))
    asked = embedder.embed([question.text for question in questions], "query")
    nearest = ids[np.argmax(asked @ vectors.T, axis=1)]
    return float(np.mean(nearest == [question.passage for question in questions]))


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


if __name__ == "__main__":
    main()

"""A sentence-transformers model compiled for the CPU: same vectors, about three times as fast, and no torch to load."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.embeddings import Role, load_sentence_transformer, prompts_of

SAME_COSINE = 0.999
SAMPLES = [
    "A short one.",
    "The index holds passages of many lengths; each is read whole, or cut at the model's limit. "
    * 3,
    "这是一个用来比较向量的中文句子，包含数字 2026 和 English words。",
    "def embed(texts): return [vector / norm for vector in texts]",
]


def compile_embedder(source: str, target: Path) -> None:
    """Write `target`: model.xml/.bin, tokenizer.json and embedder.json, which says whether the vectors are the same."""
    import openvino

    model = load_sentence_transformer(source, device="cpu")
    facts = {
        "same": False,
        "dimension": int(model.get_embedding_dimension()),
        "max_tokens": int(model.max_seq_length or 512),
        "prompts": prompts_of(model),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".compiling-") as name:
        folder = Path(name) / "embedder"
        folder.mkdir()
        backend = getattr(model.tokenizer, "backend_tokenizer", None)
        if backend is not None and (traced := _trace(model)) is not None:
            openvino.save_model(traced, folder / "model.xml", compress_to_fp16=False)
            backend.save(str(folder / "tokenizer.json"))
            _write_facts(folder, facts)
            ours = OpenVinoEmbedder("", folder).embed(SAMPLES)
            theirs = model.encode(SAMPLES, normalize_embeddings=True, show_progress_bar=False)
            facts["same"] = bool((ours * theirs).sum(axis=1).min() > SAME_COSINE)
        _write_facts(folder, facts)
        try:
            folder.rename(target)
        except OSError:  # another process was first
            if not (target / "embedder.json").exists():
                raise


def _write_facts(folder: Path, facts: dict[str, Any]) -> None:
    (folder / "embedder.json").write_text(json.dumps(facts), "utf-8")


def _trace(model: Any) -> Any | None:
    """The whole pipeline (transformer, pooling, projection) as one OpenVINO graph; None where it cannot be traced."""
    import openvino
    import torch

    class Pipeline(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            return torch.nn.functional.normalize(self.model(features)["sentence_embedding"], dim=1)

    ids = torch.ones(2, 8, dtype=torch.long)
    try:
        with warnings.catch_warnings(
            action="ignore"
        ):  # the tracer's; the vectors are compared afterwards
            return openvino.convert_model(Pipeline().eval(), example_input=(ids, ids))
    except (
        RuntimeError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
    ):  # an architecture that cannot be traced
        return None


class OpenVinoEmbedder:
    """Reads what `compile_embedder` wrote. Batches hold texts of similar length, so little is padding."""

    def __init__(self, name: str, folder: Path) -> None:
        import openvino
        from tokenizers import Tokenizer

        facts = json.loads((folder / "embedder.json").read_text("utf-8"))
        self.name = name
        self.dimension: int = facts["dimension"]
        self.max_tokens: int = facts["max_tokens"]
        self._prompts: dict[str, str] = facts["prompts"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(self.max_tokens)
        self._tokenizer.no_padding()
        # the precision is the processor's own: bf16 where it computes in it; `compile_embedder` has compared the vectors
        self._compiled = openvino.Core().compile_model(
            str(folder / "model.xml"), "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"}
        )
        self._lock = threading.Lock()  # the queue serves one caller at a time
        self._queue = openvino.AsyncInferQueue(self._compiled, max(1, os.cpu_count() or 1))

    def embed(self, texts: Sequence[str], role: Role = "document") -> np.ndarray:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        prompt = self._prompts[role]
        tokens = [
            encoding.ids
            for encoding in self._tokenizer.encode_batch([prompt + text for text in texts])
        ]
        order = sorted(range(len(texts)), key=lambda index: len(tokens[index]), reverse=True)
        with self._lock:
            self._queue.set_callback(
                lambda request, rows: vectors.__setitem__(rows, request.get_output_tensor().data)
            )
            for batch in _batches(order, tokens):
                width = max(1, len(tokens[batch[0]]))
                ids = np.zeros((len(batch), width), np.int64)
                mask = np.zeros_like(ids)
                for row, index in enumerate(batch):
                    ids[row, : len(tokens[index])] = tokens[index]
                    mask[row, : len(tokens[index])] = 1
                self._queue.start_async({0: ids, 1: mask}, batch)
            self._queue.wait_all()
        return vectors


def _batches(order: list[int], tokens: list[list[int]], budget: int = 768) -> list[list[int]]:
    """Cut `order` (longest first) into batches of at most `budget` tokens, padding included."""
    batches: list[list[int]] = []
    for index in order:
        if batches and (len(batches[-1]) + 1) * max(1, len(tokens[batches[-1][0]])) <= budget:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches

"""A sentence-transformers model -> its OpenVINO form: equal vectors, three times as fast, no torch.

A compiled folder contains model.xml, model.bin, tokenizer.json and embedder.json.
"""

from __future__ import annotations

import json
import os
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.sentence_models import Role, load_sentence_transformer, prompts_of
from workbench.errors import WorkbenchError
from workbench.files import locked, writing
from workbench.messages import say

FACTS = "embedder.json"
SAME_COSINE = 0.999  # the least cosine at which two vectors of one text count as equal
BATCH_TOKENS = 768  # of one batch, padding included; larger batches were not faster
SAMPLES = [
    "A short one.",
    "The index contains passages of many lengths; each is read whole, or cut at the limit. " * 3,
    "这是一个用来比较向量的中文句子，包含数字 2026 和 English words。",
    "def embed(texts): return [vector / norm for vector in texts]",
]
# an architecture that the tracer does not know fails in one of these ways
UNTRACEABLE = (RuntimeError, ValueError, TypeError, KeyError, AttributeError)


def compile_embedder(source: str, target: Path) -> None:
    """Write the compiled form of the model `source` to the folder `target`, unless it exists.

    `embedder.json` says whether the vectors equal those of torch. Raises Unavailable for a model
    that cannot be loaded, WorkbenchError where it cannot be written.
    """
    if (target / FACTS).exists():
        return
    with locked(target):
        if (target / FACTS).exists():  # another process was first
            return
        model = load_sentence_transformer(source, device="cpu")
        with writing(target) as folder:
            folder.mkdir()
            _compile(model, source, folder)


def gives_same_vectors(folder: Path) -> bool:
    """Whether the compiled model gives the vectors of torch."""
    return bool(_read_facts(folder)["same"])


def _compile(model: Any, source: str, folder: Path) -> None:
    facts = {
        "same": False,
        "dimension": int(model.get_embedding_dimension()),
        "max_tokens": int(model.max_seq_length or 512),
        "prompts": prompts_of(model, source),
    }
    write_facts(folder, facts)
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", None)
    traced = _trace(model) if tokenizer is not None else None
    if tokenizer is None or traced is None:
        return
    save_graph(traced, folder / "model.xml")
    tokenizer.save(str(folder / "tokenizer.json"))
    compiled = OpenVinoEmbedder("", folder)
    facts["same"] = _least_cosine(model, compiled, facts["prompts"]) > SAME_COSINE
    write_facts(folder, facts)


def _least_cosine(model: Any, compiled: OpenVinoEmbedder, prompts: dict[str, str]) -> float:
    """Of the vectors of both for one text, each after the prompt of its role."""
    least = 1.0
    for role, prompt in prompts.items():
        ours = compiled.embed(SAMPLES, role)
        theirs = model.encode(
            SAMPLES, prompt=prompt or None, normalize_embeddings=True, show_progress_bar=False
        )
        least = min(least, float((ours * theirs).sum(axis=1).min()))
    return least


def _trace(model: Any) -> Any | None:
    """Transformer, pooling and projection as one OpenVINO graph; None where tracing fails."""
    import openvino
    import torch

    class Pipeline(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            vectors = self.model(features)["sentence_embedding"]
            return torch.nn.functional.normalize(vectors, dim=1)

    ids = torch.ones(2, 8, dtype=torch.long)
    try:
        # the tracer warns of shapes it fixes; the comparison of vectors finds what matters
        with warnings.catch_warnings(action="ignore"):
            return openvino.convert_model(Pipeline().eval(), example_input=(ids, ids))
    except UNTRACEABLE:
        return None


def save_graph(graph: Any, path: Path) -> None:
    """Write an OpenVINO model. Raises WorkbenchError where it cannot be written."""
    import openvino

    try:
        openvino.save_model(graph, path, compress_to_fp16=False)
    except RuntimeError as error:
        raise WorkbenchError(
            say("The compiled embedder cannot be written: {error}", error=error),
            "Free disk space, then run the command again.",
        ) from error


def _read_facts(folder: Path) -> dict[str, Any]:
    return json.loads((folder / FACTS).read_text("utf-8"))


def write_facts(folder: Path, facts: dict[str, Any]) -> None:
    """What `OpenVinoEmbedder` must know: same, dimension, max_tokens, prompts."""
    (folder / FACTS).write_text(json.dumps(facts), "utf-8")


class OpenVinoEmbedder:
    """The embedder in a folder of `compile_embedder`."""

    def __init__(self, name: str, folder: Path) -> None:
        import openvino
        from tokenizers import Tokenizer

        facts = _read_facts(folder)
        self.name = name
        self.dimension: int = facts["dimension"]
        self.max_tokens: int = facts["max_tokens"]
        self._prompts: dict[str, str] = facts["prompts"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(self.max_tokens)
        self._tokenizer.no_padding()
        # the precision stays the processor's own, bf16 where it computes in bf16:
        # `compile_embedder` has compared the vectors on this processor
        options = {"PERFORMANCE_HINT": "THROUGHPUT"}
        self._compiled = openvino.Core().compile_model(str(folder / "model.xml"), "CPU", options)
        self._lock = threading.Lock()  # the queue serves one caller at a time
        self._queue = openvino.AsyncInferQueue(self._compiled, max(1, os.cpu_count() or 1))

    def embed(self, texts: Sequence[str], role: Role = "document") -> np.ndarray:
        """float32 (len(texts), dimension), each row of unit length."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)

        def keep(request: Any, rows: list[int]) -> None:
            vectors[rows] = request.get_output_tensor().data

        tokens = self._tokenize(texts, role)
        with self._lock:
            self._queue.set_callback(keep)
            for rows in _batches(tokens):
                ids, mask = _padded([tokens[row] for row in rows])
                self._queue.start_async({0: ids, 1: mask}, rows)
            self._queue.wait_all()
        return vectors

    def _tokenize(self, texts: Sequence[str], role: Role) -> list[list[int]]:
        prompt = self._prompts[role]
        encodings = self._tokenizer.encode_batch([prompt + text for text in texts])
        return [encoding.ids for encoding in encodings]


def _batches(tokens: list[list[int]]) -> list[list[int]]:
    """Rows in batches of similar length, longest first, so that little is padding."""
    longest_first = sorted(range(len(tokens)), key=lambda row: len(tokens[row]), reverse=True)
    batches: list[list[int]] = []
    width = 0
    for row in longest_first:
        if batches and (len(batches[-1]) + 1) * width <= BATCH_TOKENS:
            batches[-1].append(row)
        else:
            batches.append([row])
            width = max(1, len(tokens[row]))
    return batches


def _padded(tokens: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """(ids, mask), each int64 (texts, longest); the first text is the longest."""
    width = max(1, len(tokens[0]))
    ids = np.zeros((len(tokens), width), np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(tokens):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return ids, mask

"""A sentence-transformers model -> its OpenVINO form: equal vectors, four times as fast, no torch.

A compiled folder contains model.xml, model.bin, tokenizer.json and embedder.json.
"""

from __future__ import annotations

import json
import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.eight_bits import with_eight_bits
from rag.sentence_models import DEFAULT_TOKENS, Role, load_sentence_transformer, prompts_of
from workbench.errors import WorkbenchError
from workbench.messages import say

if TYPE_CHECKING:
    from openvino import Model

FACTS = "embedder.json"
SAME_COSINE = 0.999  # the least cosine at which two vectors of one text count as equal
BATCH_TOKENS = 768  # of one batch, padding included; larger batches were not faster
EIGHT_BITS, FULL = "int8", "float32"  # forms of the weights; the first that is equal serves
# The precision stays the processor's own, bf16 where it computes in bf16: `choose_form`
# compares the vectors on this processor. A group is the numbers of a text that share one scale
# where they meet weights of eight bits: 128 are 4 % faster and cost recall on Chinese, 32 are 10 %
# slower (benchmarks/embedder.py).
OPTIONS = {"PERFORMANCE_HINT": "THROUGHPUT", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "64"}
IN_32_BITS = {"INFERENCE_PRECISION_HINT": "f32"}
THREADS = "WORKBENCH_EMBEDDER_THREADS"  # set for the workers of a cluster
SAMPLES = [
    "A short one.",
    "warranty",
    "保修",
    "The index contains passages of many lengths; each is read whole, or cut at the limit. " * 3,
    "这是一个用来比较向量的中文句子，包含数字 2026 和 English words。",
    "臺灣的公司在民國一百一十三年提供了三年的保固服務。",
    "Die Garantie beträgt drei Jahre; la garantía es de tres años.",
    "def embed(texts): return [vector / norm for vector in texts]",
    "| region | 2024 | 2025 |\n|---|---|---|\n| north | 1,204.50 | 1,377.25 |",
    "https://example.com/a?b=c&d=%20 😀 ①②③ ½ ﬁ Ａ１",
    "Longer than any model reads, so that both cut it at the same place. " * 60,
]
# an architecture that the tracer does not know fails in one of these ways
UNTRACEABLE = (RuntimeError, ValueError, TypeError, KeyError, AttributeError)


@dataclass(frozen=True)
class Facts:
    """What is known of a compiled model without loading it."""

    dimension: int
    max_tokens: int
    prompts: dict[Role, str]
    weights: str = ""
    """The form of the weights that gives the model's own vectors; empty where none does."""


def compile_model(source: str, folder: Path) -> None:
    """Write the compiled form of the model in that folder, or of that hub name.

    Its vectors are compared with those of torch. Raises Unavailable for a model that cannot be
    loaded.
    """
    model = load_sentence_transformer(source, device="cpu")
    facts = facts_of(model, source)
    write_facts(facts, folder)
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", None)
    traced = trace(model) if tokenizer is not None else None
    if tokenizer is None or traced is None:
        return
    tokenizer.save(str(folder / "tokenizer.json"))
    expected: dict[Role, np.ndarray] = {}
    for role, prompt in facts.prompts.items():
        expected[role] = model.encode(
            SAMPLES,
            prompt=prompt or None,
            batch_size=1,  # a batch would be padded to its longest
            normalize_embeddings=True,
            show_progress_bar=False,
        )
    choose_form(traced, facts, expected, folder)


def choose_form(
    graph: Model, facts: Facts, expected: Mapping[Role, np.ndarray], folder: Path
) -> None:
    """Write the smallest form whose vectors of the samples are the expected ones."""
    for form in (EIGHT_BITS, FULL):
        save_form(graph, form, folder)
        if _least_cosine(OpenVinoEmbedder("", folder), expected) > SAME_COSINE:
            write_facts(replace(facts, weights=form), folder)
            return


def _least_cosine(compiled: OpenVinoEmbedder, expected: Mapping[Role, np.ndarray]) -> float:
    least = 1.0
    for role, theirs in expected.items():
        ours = compiled.embed(SAMPLES, role)
        least = min(least, float((ours * theirs).sum(axis=1).min()))
    return least


def trace(model: Any) -> Model | None:
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


def save_form(traced: Model, form: str, folder: Path) -> None:
    """Write the graph with its weights in that form. Raises WorkbenchError."""
    import openvino

    graph = with_eight_bits(traced) if form == EIGHT_BITS else traced
    try:
        openvino.save_model(graph, folder / "model.xml", compress_to_fp16=False)
    except RuntimeError as error:
        raise WorkbenchError(
            say("The compiled embedder cannot be written: {error}", error=error),
            "Free disk space, then run the command again.",
        ) from error


def facts_of(model: Any, source: str) -> Facts:
    """What is known of a SentenceTransformer that was loaded from `source`."""
    return Facts(
        dimension=int(model.get_embedding_dimension()),
        max_tokens=int(model.max_seq_length or DEFAULT_TOKENS),
        prompts=prompts_of(model, source),
    )


def read_facts(folder: Path) -> Facts:
    """What stands in the compiled folder."""
    return Facts(**json.loads((folder / FACTS).read_text("utf-8")))


def write_facts(facts: Facts, folder: Path) -> None:
    """Into the compiled folder."""
    (folder / FACTS).write_text(json.dumps(asdict(facts)), "utf-8")


class OpenVinoEmbedder:
    """The embedder in a folder that `choose_form` has filled; `options` are OpenVINO's own."""

    def __init__(self, name: str, folder: Path, options: Mapping[str, str] = OPTIONS) -> None:
        import openvino
        from tokenizers import Tokenizer

        facts = read_facts(folder)
        self.name = name
        self.dimension = facts.dimension
        self.max_tokens = facts.max_tokens
        self._prompts = facts.prompts
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(self.max_tokens)
        self._tokenizer.no_padding()
        graph = str(folder / "model.xml")
        given = {**options, **_share_of_processors()}
        self._compiled = openvino.Core().compile_model(graph, "CPU", given)
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


def _share_of_processors() -> dict[str, str]:
    """OpenVINO's options where a process has a share only, as each worker of a machine has.

    It pins threads to processors, the first thread to the first: workers would all share that one.
    """
    threads = os.environ.get(THREADS, "")
    if not threads.isdigit():
        return {}
    return {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": "NO"}


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

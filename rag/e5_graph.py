"""The packed weights of multilingual-e5-small -> the graph that OpenVINO runs, without torch.

A BERT encoder (Devlin et al. 2018), the mean of its tokens, unit length: (ids, mask) -> vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.openvino_embedder import (
    FULL,
    IN_32_BITS,
    OPTIONS,
    SAMPLES,
    Facts,
    OpenVinoEmbedder,
    choose_form,
    save_form,
    write_facts,
)
from rag.sentence_models import Role
from workbench.models.packed_e5 import E5_PROMPTS, PackedFile, Shape, tokenizer_of

if TYPE_CHECKING:
    from openvino import Model, Node

Weights = Mapping[str, np.ndarray]


def compile_packed(packed: Path, folder: Path) -> None:
    """Write the compiled form of the packed weights to the folder.

    Its vectors are compared with those of the same graph in 32 bits.
    """
    file = PackedFile(packed)
    tokenizer_of(file.pieces).save(str(folder / "tokenizer.json"))
    facts = Facts(file.shape.hidden, file.shape.positions, E5_PROMPTS)
    write_facts(facts, folder)
    graph = e5_graph(file.shape, file.epsilon, file.weights())
    save_form(graph, FULL, folder)
    exact = OpenVinoEmbedder("", folder, {**OPTIONS, **IN_32_BITS})
    expected: dict[Role, np.ndarray] = {role: exact.embed(SAMPLES, role) for role in E5_PROMPTS}
    del exact  # it reads the file that the next form replaces
    choose_form(graph, facts, expected, folder)


def e5_graph(shape: Shape, epsilon: float, weights: Weights) -> Model:
    """Inputs: ids and mask, each int64 (texts, tokens). Output: float32 (texts, hidden)."""
    import openvino
    from openvino import opset13 as ops

    ids = ops.parameter([-1, -1], np.int64, name="input_ids")
    mask = ops.parameter([-1, -1], np.int64, name="attention_mask")
    layers = _Layers(shape, epsilon, weights)
    states = layers.embed(ids)
    heard = ops.convert(ops.unsqueeze(mask, [1, 2]), "boolean")  # (texts, 1, 1, tokens)
    for number in range(shape.layers):
        states = layers.encode(states, heard, f"encoder.layer.{number}")
    real = ops.unsqueeze(ops.convert(mask, "f32"), [2])
    total = ops.reduce_sum(ops.multiply(states, real), [1])
    mean = ops.divide(total, ops.reduce_sum(real, [1]))
    vectors = ops.normalize_l2(mean, [1], 1e-12, "max")
    return openvino.Model([vectors], [ids, mask], "multilingual-e5-small")


class _Layers:
    """The layers of the encoder by the names of their weights."""

    def __init__(self, shape: Shape, epsilon: float, weights: Weights) -> None:
        from openvino import opset13

        self._ops: Any = opset13
        self._shape = shape
        self._epsilon = epsilon
        self._weights = weights

    def embed(self, ids: Node) -> Node:
        """Of each token: its word, its place and the one kind of text there is here."""
        ops = self._ops
        length = ops.gather(ops.shape_of(ids), [1], [0])
        places = ops.range(0, ops.squeeze(length, [0]), 1, "i64")
        word = ops.gather(self._constant("embeddings.word_embeddings.weight"), ids, 0)
        place = ops.gather(self._constant("embeddings.position_embeddings.weight"), places, 0)
        kind = ops.constant(self._weights["embeddings.token_type_embeddings.weight"][0])
        return self._normalize(ops.add(ops.add(word, place), kind), "embeddings.LayerNorm")

    def encode(self, states: Node, heard: Node, name: str) -> Node:
        """One layer: attention, then two dense layers, each added to what came in."""
        ops = self._ops
        attended = self._attend(states, heard, f"{name}.attention")
        wide = ops.gelu(self._dense(attended, f"{name}.intermediate.dense"), "erf")
        narrow = self._dense(wide, f"{name}.output.dense")
        return self._normalize(ops.add(narrow, attended), f"{name}.output.LayerNorm")

    def _attend(self, states: Node, heard: Node, name: str) -> Node:
        ops = self._ops
        parts = [self._heads(states, f"{name}.self.{part}") for part in ("query", "key", "value")]
        mixed = ops.scaled_dot_product_attention(*parts, heard)
        together = ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [0, 0, -1], True)
        added = ops.add(self._dense(together, f"{name}.output.dense"), states)
        return self._normalize(added, f"{name}.output.LayerNorm")

    def _heads(self, states: Node, name: str) -> Node:
        """(texts, heads, tokens, width of a head)."""
        ops = self._ops
        width = self._shape.hidden // self._shape.heads
        split = ops.reshape(self._dense(states, name), [0, 0, self._shape.heads, width], True)
        return ops.transpose(split, [0, 2, 1, 3])

    def _dense(self, states: Node, name: str) -> Node:
        ops = self._ops
        product = ops.matmul(states, self._constant(f"{name}.weight"), False, True)
        return ops.add(product, self._constant(f"{name}.bias"))

    def _normalize(self, states: Node, name: str) -> Node:
        ops = self._ops
        even = ops.mvn(states, [-1], True, self._epsilon, "inside_sqrt")
        scaled = ops.multiply(even, self._constant(f"{name}.weight"))
        return ops.add(scaled, self._constant(f"{name}.bias"))

    def _constant(self, name: str) -> Node:
        return self._ops.constant(self._weights[name])

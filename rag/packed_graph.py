"""The packed embedder -> an OpenVINO graph from token ids to unit vectors, its weights as packed.

torch has no part in it, and nothing is unpacked: the graph file is as large as the package's. The
graph is that of BERT (Devlin et al. 2019) with mean pooling.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rag.openvino_embedder import save_graph, write_facts
from rag.packed_e5 import ZERO, PackedFile, tokenizer_of
from rag.sentence_models import E5_PROMPTS

HIDDEN_FROM_ATTENTION = -1e9  # added to the score of a padded token
SHORTEST_VECTOR = 1e-12  # keeps the division by a length finite


def compile_packed(source: Path, folder: Path) -> None:
    """Write the compiled form of the packed file to the new folder, for `OpenVinoEmbedder`."""
    packed = PackedFile(source)
    folder.mkdir()
    save_graph(packed_graph(packed), folder / "model.xml")
    tokenizer_of(packed).save(str(folder / "tokenizer.json"))
    facts = {
        "same": True,  # a test compares the vectors with those of torch
        "dimension": packed.shape.hidden,
        "max_tokens": packed.shape.positions,
        "prompts": E5_PROMPTS,
    }
    write_facts(folder, facts)


def packed_graph(packed: PackedFile) -> Any:
    """`input_ids` and `attention_mask`, int64 (texts, tokens) -> float32 (texts, hidden)."""
    import openvino
    from openvino import opset13 as ops

    ids = ops.parameter([-1, -1], np.int64, name="input_ids")
    mask = ops.parameter([-1, -1], np.int64, name="attention_mask")
    seen = ops.convert(mask, "f32")
    states = _embeddings(packed, ids)
    unseen = ops.subtract(_constant(np.float32(1)), seen)
    bias = ops.multiply(unseen, _constant(np.float32(HIDDEN_FROM_ATTENTION)))
    bias = ops.unsqueeze(bias, _constant([1, 2]))  # (texts, heads, queries, keys)
    for layer in range(packed.shape.layers):
        states = _layer(packed, f"l{layer}", states, bias)
    return openvino.Model([_mean(states, seen)], [ids, mask], "embedder")


def _embeddings(packed: PackedFile, ids: Any) -> Any:
    """Words, positions and the one type of a text that stands alone, summed and normalized."""
    from openvino import opset13 as ops

    shape = packed.shape
    words = _weights(packed, "emb.word", shape.vocabulary, shape.hidden)
    found = ops.gather(words, ids, _constant(0))
    length = ops.gather(ops.shape_of(ids), _constant([1]), _constant(0))
    table = _constant(packed.floats("emb.pos", shape.positions, shape.hidden))
    positions = ops.slice(table, _constant([0]), length, _constant([1]), _constant([0]))
    kind = _constant(packed.floats("emb.type", shape.types, shape.hidden)[0])
    total = ops.add(ops.add(found, positions), kind)
    return _normalized(packed, "emb.ln", total)


def _layer(packed: PackedFile, name: str, states: Any, bias: Any) -> Any:
    from openvino import opset13 as ops

    hidden, inner = packed.shape.hidden, packed.shape.inner
    attended = _attention(packed, name, states, bias)
    attended = _linear(packed, f"{name}.ao", attended, hidden, hidden)
    states = _normalized(packed, f"{name}.aln", ops.add(states, attended))
    widened = ops.gelu(_linear(packed, f"{name}.fi", states, inner, hidden), "erf")
    narrowed = _linear(packed, f"{name}.fo", widened, hidden, inner)
    return _normalized(packed, f"{name}.oln", ops.add(states, narrowed))


def _attention(packed: PackedFile, name: str, states: Any, bias: Any) -> Any:
    from openvino import opset13 as ops

    hidden, heads = packed.shape.hidden, packed.shape.heads
    by_head = _constant([0, 0, heads, hidden // heads])
    swap = _constant([0, 2, 1, 3])  # tokens and heads
    legs = []
    for leg in ("q", "k", "v"):
        projected = _linear(packed, f"{name}.{leg}", states, hidden, hidden)
        legs.append(ops.transpose(ops.reshape(projected, by_head, True), swap))
    attended = ops.scaled_dot_product_attention(*legs, bias)
    return ops.reshape(ops.transpose(attended, swap), _constant([0, 0, hidden]), True)


def _mean(states: Any, seen: Any) -> Any:
    """The mean of the seen tokens at unit length: dividing by their number would change nothing."""
    from openvino import opset13 as ops

    kept = ops.multiply(states, ops.unsqueeze(seen, _constant([2])))
    total = ops.reduce_sum(kept, _constant([1]), False)
    return ops.normalize_l2(total, _constant([1]), SHORTEST_VECTOR, "max")


def _linear(packed: PackedFile, name: str, states: Any, rows: int, columns: int) -> Any:
    from openvino import opset13 as ops

    product = ops.matmul(states, _weights(packed, f"{name}.w", rows, columns), False, True)
    return ops.add(product, _constant(packed.floats(f"{name}.b", rows)))


def _normalized(packed: PackedFile, name: str, states: Any) -> Any:
    """Layer normalization with its learned scale and shift."""
    from openvino import opset13 as ops

    hidden = packed.shape.hidden
    plain = ops.mvn(states, _constant([-1]), True, packed.epsilon, "INSIDE_SQRT")
    scaled = ops.multiply(plain, _constant(packed.floats(f"{name}.w", hidden)))
    return ops.add(scaled, _constant(packed.floats(f"{name}.b", hidden)))


def _weights(packed: PackedFile, name: str, rows: int, columns: int) -> Any:
    """The matrix as it is packed, with the operations that OpenVINO reads as one compressed one."""
    import openvino
    from openvino import opset13 as ops

    numbers, scales = packed.groups(name, rows, columns)
    pairs = numbers[:, :, 0::2] | numbers[:, :, 1::2] << 4  # the order in which OpenVINO packs them
    shape = openvino.Shape(list(numbers.shape))
    stored = openvino.Tensor(np.ascontiguousarray(pairs).reshape(-1), shape, openvino.Type.u4)
    floats = ops.convert(ops.constant(stored, shared_memory=False), "f16")
    centred = ops.subtract(floats, _constant(np.float16(ZERO)))
    scaled = ops.multiply(centred, _constant(scales))
    return ops.convert(ops.reshape(scaled, _constant([rows, columns]), False), "f32")


def _constant(value: Any) -> Any:
    from openvino import opset13 as ops

    return ops.constant(np.asarray(value))

"""A GGUF file -> the same model as OpenVINO runs it: a folder that holds exactly its weights.

OpenVINO GenAI reads a GGUF, but rounds the smallest value of each block of a Q4_1 tensor to a whole
step of its scale. That moves nearly every weight, and other words come out. Here the value is put
back as it stands in the file, so that greedy answers are those of transformers on the same weights.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput
from workbench.messages import say

MODEL = "openvino_model.xml"
ARCHITECTURES = ("llama", "qwen2", "qwen3")  # those that GenAI builds from a GGUF
Q4_1 = 3  # GGUF's number of the type
BLOCK = 20  # bytes: a 16-bit scale, a 16-bit smallest value, 32 numbers of 4 bits
EXACT = {0: "F32", 1: "F16", Q4_1: "Q4_1", 8: "Q8_0", 30: "BF16"}


def write_form(file: Path, folder: Path) -> None:
    """Write the model into that folder, which exists. Takes seconds for each 100 MB.

    Raises InvalidInput for an architecture or a precision that OpenVINO does not run exactly.
    """
    import openvino
    from gguf import GGUFReader

    reader = GGUFReader(file)
    _check(reader, file)
    model = openvino.Core().read_model(_built(file, folder) / MODEL)
    _restore_smallest(model, reader)
    # beside the one that is open, whose weights are read from its file
    exact = folder / "exact"
    openvino.save_model(model, exact / MODEL, compress_to_fp16=False)
    del model
    for made in exact.iterdir():
        made.replace(folder / made.name)
    exact.rmdir()


def _check(reader: Any, file: Path) -> None:
    architecture = reader.fields["general.architecture"].contents()
    if architecture not in ARCHITECTURES:
        raise InvalidInput(
            say(
                "{file} is a {kind} model; OpenVINO builds {kinds} only.",
                file=file.name,
                kind=architecture,
                kinds=", ".join(ARCHITECTURES),
            ),
            "The model is run by transformers as before.",
        )
    others = {tensor.tensor_type.name for tensor in reader.tensors} - set(EXACT.values())
    if others:
        raise InvalidInput(
            say(
                "{file} holds {kinds}, which OpenVINO does not run exactly.",
                file=file.name,
                kinds=", ".join(sorted(others)),
            ),
            "Take a file in f16, q8_0 or q4_1.",
        )


def _built(file: Path, folder: Path) -> Path:
    """The folder, with the model as GenAI builds it: saved beside the file it is read from."""
    import openvino_genai as genai

    near = folder / "model.gguf"
    try:
        near.symlink_to(file)
    except OSError:  # a file system or a user without links
        shutil.copyfile(file, near)
    try:
        genai.ContinuousBatchingPipeline(
            str(near), genai.SchedulerConfig(), "CPU", {"enable_save_ov_model": True}
        )
    except RuntimeError as error:
        raise InvalidInput(
            say("OpenVINO cannot read {file}: {error}", file=file.name, error=error),
            "The model is run by transformers as before.",
        ) from error
    finally:
        near.unlink()
    return folder


def _restore_smallest(model: Any, reader: Any) -> None:
    """Put the true smallest values of the blocks in the place of the rounded ones.

    A block is `scale * number + smallest`; OpenVINO computes `(number - zero) * scale`, so its zero
    is `-smallest / scale`, which is no whole number. A tensor is found by its scales.
    """
    smallest = dict(_blocks(reader))
    if not smallest:
        return
    found = 0
    for subtraction in list(model.get_ops()):
        if subtraction.get_type_name() != "Subtract":
            continue
        product = _reader_of(subtraction)
        if product.get_type_name() != "Multiply":
            continue
        scales = product.input_value(1).get_node()
        if scales.get_type_name() != "Constant":
            continue
        key = scales.data.tobytes()
        if key in smallest:
            _replace(subtraction, product, scales.data, smallest[key])
            found += 1
    if found != len(smallest):
        raise InvalidInput(
            "OpenVINO has built the model in an unknown way.",
            "The model is run by transformers as before.",
        )


def _blocks(reader: Any) -> Iterator[tuple[bytes, Any]]:
    """(scales as bytes, smallest values) of each Q4_1 tensor, its rows in OpenVINO's order."""
    import numpy as np

    from workbench.models.gguf_folder import heads_of, unrotated

    heads = heads_of(reader)
    for tensor in reader.tensors:
        if tensor.tensor_type != Q4_1:
            continue
        blocks = tensor.data.reshape(tensor.data.shape[0], -1, BLOCK)
        scales = np.ascontiguousarray(blocks[..., 0:2]).view(np.float16)[..., 0]
        least = np.ascontiguousarray(blocks[..., 2:4]).view(np.float16)[..., 0]
        part = tensor.name.split(".")[-2]  # blk.0.attn_q.weight
        if part in heads:
            scales = unrotated(scales, heads[part])
            least = unrotated(least, heads[part])
        yield scales.tobytes(), least


def _replace(subtraction: Any, product: Any, scales: Any, least: Any) -> None:
    """Compute the tensor from its 4-bit numbers in 32 bits, with the exact zero of each block."""
    import numpy as np
    from openvino import opset13 as op

    # a block of equal numbers has no scale, and its numbers are 0: any scale will do
    scale = np.where(scales == 0, 1, scales).astype(np.float32)
    zero = -least.astype(np.float32).reshape(scale.shape) / scale
    numbers = subtraction.input_value(0).get_node().input_value(0)
    exact = op.multiply(
        op.subtract(op.convert(numbers, "f32"), op.constant(zero)), op.constant(scale)
    )
    reshape = _reader_of(product)
    rows = op.reshape(exact, reshape.input_value(1), False)
    for reader in _reader_of(reshape).output(0).get_target_inputs():  # of the conversion to f32
        reader.replace_source_output(rows.output(0))


def _reader_of(node: Any) -> Any:
    """The first operation that reads the node's output."""
    return next(iter(node.output(0).get_target_inputs())).get_node()

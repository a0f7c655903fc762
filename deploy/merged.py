"""A base and an adapter -> a Hugging Face folder with merged weights, written tensor by tensor."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from deploy.artefact import Artefact
from deploy.merge import VOCABULARY, Merge
from deploy.tensors import Tensors
from workbench.errors import Conflict, InvalidInput
from workbench.files import writing
from workbench.messages import say

# torch's name of a type -> that of safetensors.
NAMES = {"torch.float32": "F32", "torch.float16": "F16", "torch.bfloat16": "BF16"}
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".index.json")


def write_merged(
    artefact: Artefact, folder: Path, report: Callable[[int, int], None] = lambda done, of: None
) -> Path:
    """Write the folder and return it, with one tensor in memory at a time.

    Raises Conflict where it exists.
    """
    if not artefact.adapter:
        raise InvalidInput(
            say("{name} is a whole model already.", name=artefact.name),
            say("Use {folder}.", folder=artefact.folder),
        )
    if folder.exists():
        raise Conflict(say("{folder} already exists.", folder=folder), "Name another folder.")
    with writing(folder) as part:
        part.mkdir()
        base = Tensors(sorted(artefact.base.glob("*.safetensors")))
        merge = Merge(artefact.adapter, base.shapes())
        _write_tensors(part / "model.safetensors", base, merge, report)
        _write_rest(artefact, merge, part)
    return folder


def _write_tensors(
    path: Path, base: Tensors, merge: Merge, report: Callable[[int, int], None]
) -> None:
    """One safetensors file: a header with each tensor's place, then the tensors."""
    import torch

    sources = {name: name for name in base.places} | merge.extra
    header, size = _header(base, merge, sources)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the format wants the tensors to begin at a multiple of 8
    done = 0
    with path.open("wb") as file, torch.inference_mode():
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in _merged(base, merge, sources):
            file.write(tensor.contiguous().view(torch.uint8).numpy().data)
            done += tensor.nbytes
            report(done, size)


def _header(base: Tensors, merge: Merge, sources: dict[str, str]) -> tuple[dict[str, Any], int]:
    """(safetensors' header, bytes of all tensors)."""
    import torch

    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, source in sources.items():
        kind = base.dtype(source)
        shape = merge.shape(name)
        end = place + torch.Size(shape).numel() * kind.itemsize
        header[name] = {"dtype": NAMES[str(kind)], "shape": shape, "data_offsets": [place, end]}
        place = end
    return header, place


def _merged(base: Tensors, merge: Merge, sources: dict[str, str]) -> Iterator[Any]:
    """The tensors in the header's order, in the base's own precision."""
    for name, source in sources.items():
        weight = base.rows(source)
        if name in merge.changes:
            yield merge.merged(name, weight).to(weight.dtype)
        else:
            yield weight


def _write_rest(artefact: Artefact, merge: Merge, folder: Path) -> None:
    """Configuration and tokenizer beside the weights."""
    for source in (artefact.base, artefact.words):
        for path in source.iterdir():
            weights = path.name.endswith(WEIGHTS)
            of_adapter = path.name.startswith(("adapter_", "README"))
            if path.is_file() and not weights and not of_adapter:
                shutil.copyfile(path, folder / path.name)
    config = json.loads((artefact.base / "config.json").read_text("utf-8"))
    rows = [merge.shape(name)[0] for name in merge.changes if name.endswith(VOCABULARY)]
    if rows:
        config["vocab_size"] = max(rows)
    if merge.extra:
        config["tie_word_embeddings"] = False
    (folder / "config.json").write_text(json.dumps(config, indent=2), "utf-8")

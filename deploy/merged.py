"""A base and an adapter -> a Hugging Face folder with the merged weights, written tensor by tensor."""

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
from workbench.messages import say

NAMES = {
    "torch.float32": "F32",
    "torch.float16": "F16",
    "torch.bfloat16": "BF16",
}  # as safetensors calls them
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".index.json")


def write_merged(
    artefact: Artefact, folder: Path, report: Callable[[int, int], None] = lambda done, of: None
) -> Path:
    """Write the folder and return it. No more than one tensor is in memory. Raises Conflict where it is there already."""
    if not artefact.adapter:
        raise InvalidInput(
            say("{name} is a whole model already.", name=artefact.name),
            say("Use {folder}.", folder=artefact.folder),
        )
    if folder.exists():
        raise Conflict(say("{folder} is there already.", folder=folder), "Name another folder.")
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        base = Tensors(sorted(artefact.base.glob("*.safetensors")))
        merge = Merge(artefact.adapter, base.shapes())
        _write_tensors(part / "model.safetensors", base, merge, report)
        _write_rest(artefact, merge, part)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _write_tensors(
    path: Path, base: Tensors, merge: Merge, report: Callable[[int, int], None]
) -> None:
    """One safetensors file: a header that says where each tensor lies, then the tensors."""
    import torch

    sources = {name: name for name in base.places} | merge.extra
    kinds = {name: base.dtype(source) for name, source in sources.items()}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name in sources:
        shape = merge.shape(name)
        size = torch.Size(shape).numel() * kinds[name].itemsize
        header[name] = {
            "dtype": NAMES[str(kinds[name])],
            "shape": shape,
            "data_offsets": [place, place + size],
        }
        place += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    done = 0
    with path.open("wb") as file, torch.inference_mode():
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in _merged(base, merge, sources):
            file.write(tensor.contiguous().view(torch.uint8).numpy().data)
            done += tensor.nbytes
            report(done, place)


def _merged(base: Tensors, merge: Merge, sources: dict[str, str]) -> Iterator[Any]:
    """The tensors in the header's order, in the base's own precision."""
    for name, source in sources.items():
        weight = base.rows(source)
        yield merge.merged(name, weight).to(weight.dtype) if name in merge.changes else weight


def _write_rest(artefact: Artefact, merge: Merge, folder: Path) -> None:
    """Configuration and tokenizer beside the weights."""
    for source in (artefact.base, artefact.words):
        for path in source.iterdir():
            if (
                path.is_file()
                and not path.name.endswith(WEIGHTS)
                and not path.name.startswith(("adapter_", "README"))
            ):
                shutil.copyfile(path, folder / path.name)
    config = json.loads((artefact.base / "config.json").read_text("utf-8"))
    rows = [merge.shape(name)[0] for name in merge.changes if name.endswith(VOCABULARY)]
    if rows:
        config["vocab_size"] = max(rows)
    if merge.extra:
        config["tie_word_embeddings"] = False
    (folder / "config.json").write_text(json.dumps(config, indent=2), "utf-8")

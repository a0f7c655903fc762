"""The child process of `deploy.gguf`: a `Conversion` as JSON on stdin -> its GGUF file.

Progress goes to stdout as JSON lines. Base and adapter are merged inside llama.cpp's converter,
whose tensors are promises: one is in memory at a time, and of the largest only some rows.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from deploy.adapter_file import convert_adapter
from deploy.gguf import PRECISIONS, Conversion, find_llama_cpp, prefer_tree
from deploy.merge import VOCABULARY, Merge
from deploy.tensors import Tensors
from workbench.disk import maps_disk_errors
from workbench.errors import InvalidInput, Unwritable, WorkbenchError
from workbench.files import sha256_of
from workbench.messages import pack, say

LARGE = 1 << 20  # numbers; a matrix of more is halved before it is written
ROWS = 1 << 20  # numbers of one matrix in memory at a time
WORD_FILES = (".json", ".txt", ".jinja")


def convert_merged(conversion: Conversion) -> None:
    """Write base and adapter as one model."""
    prefer_tree(find_llama_cpp(conversion.llama_cpp))
    import conversion as converter
    import torch

    base = Path(conversion.base)
    lazy = converter.base.LazyTorchTensor
    with torch.inference_mode():
        words = gather_words(conversion, conversion.work)
        model = _open_base(converter, conversion)
        merge = None
        if conversion.adapter:
            merge = _put_adapter(model, Path(conversion.adapter), lazy)
        if conversion.precision == "f16":
            _halve_large(model.model_tensors, lazy)
        model.dir_model = model.dir_model_card = words
        _put_vocabulary(model, conversion)
        model.prepare_tensors()
        if conversion.precision == "f16":
            _take_vocabulary_in_rows(model, base, merge)
        model.prepare_metadata(vocab_only=False)
        model.gguf_writer.add_add_bos_token(conversion.starts_with_bos)
        _write(model.gguf_writer, Path(conversion.output))


def _open_base(converter: Any, conversion: Conversion) -> Any:
    """llama.cpp's model of the base.

    Raises InvalidInput for an architecture that it does not know.
    """
    import gguf

    base = Path(conversion.base)
    parameters = converter.ModelBase.load_hparams(base, False)
    if "n_positions" in parameters:
        # transformers 5 no longer writes GPT-2's older name, which the converter reads.
        parameters.setdefault("n_ctx", parameters["n_positions"])
    architecture = converter.get_model_architecture(parameters, converter.ModelType.TEXT)
    try:
        kind = converter.get_model_class(architecture)
    except NotImplementedError as error:
        raise InvalidInput(
            say("llama.cpp cannot convert {architecture}.", architecture=architecture),
            "Name a newer checkout with --llama-cpp, or chat with local:RUN.",
        ) from error
    file_type = gguf.LlamaFileType[PRECISIONS[conversion.precision]]
    output = Path(conversion.output)
    return kind(base, file_type, output, hparams=parameters, model_name=conversion.name)


def _put_vocabulary(model: Any, conversion: Conversion) -> None:
    """Let the converter write the vocabulary that the tokenizer's structure asks for.

    Its own choice goes by the model's class and by which files there are.
    """
    import gguf

    from deploy.pretokenizer import check_named, list_names
    from deploy.vocabulary import read_vocabulary

    words = model.dir_model
    tokenizer = _load(words)
    vocabulary = read_vocabulary(tokenizer, model.hparams.get("vocab_size") or 0)

    model.model_name = vocabulary.name_model(conversion.name)

    def write() -> None:
        pre = conversion.pre or "default"
        if vocabulary.form == "gpt2" and not conversion.pre:
            pre = check_named(list_names(tokenizer))
        vocabulary.write(model.gguf_writer, pre)
        special = gguf.SpecialVocab(words, n_vocab=len(vocabulary.tokens))
        special.add_to_gguf(model.gguf_writer)

    model.set_vocab = write


def _load(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)


def gather_words(conversion: Conversion, folder: Path) -> Path:
    """A folder with only the tokenizer's files and the base's configuration, for the converter to
    read.
    """
    own = Path(conversion.words)
    files = {path.name: path for path in own.iterdir() if path.suffix in WORD_FILES}
    files["config.json"] = Path(conversion.base) / "config.json"
    for name in ("adapter_config.json", "model.safetensors.index.json"):
        files.pop(name, None)
    for name, path in files.items():
        shutil.copyfile(path, folder / name)
    if "tokenizer.json" not in files:
        # Only a SentencePiece file: the library makes the structure of it.
        _load(own).save_pretrained(folder)
    return folder


def _put_adapter(model: Any, adapter: Path, lazy: Any) -> Merge:
    """Replace the changed tensors of the converter by promises of the merged ones."""
    import torch

    tensors = model.model_tensors
    shapes = {name: tuple(make().shape) for name, make in tensors.items()}
    merge = Merge(adapter, shapes)
    for name in merge.changes:
        meta = lazy.meta_with_dtype_and_shape(torch.float32, merge.shape(name))
        source = tensors[merge.extra.get(name, name)]
        tensors[name] = _promise(lazy, meta, source, partial(merge.merged, name))
    if merge.extra:
        model.hparams["tie_word_embeddings"] = False
    rows = [merge.shape(name)[0] for name in merge.changes if name.endswith(VOCABULARY)]
    if rows:
        model.hparams["vocab_size"] = max(rows)
    return merge


def _halve_large(tensors: dict[str, Callable[[], Any]], lazy: Any) -> None:
    """Halve large matrices before the converter makes float32 of them.

    They are written as f16, so nothing is lost. Small ones may be written as f32, as GPT-2's
    positions are.
    """
    import torch

    for name, make in list(tensors.items()):
        shape = make().shape
        if len(shape) == 2 and shape.numel() > LARGE:
            meta = lazy.meta_with_dtype_and_shape(torch.float16, shape)
            tensors[name] = _promise(lazy, meta, make, torch.Tensor.half)


def _promise(
    lazy: Any, meta: Any, make: Callable[[], Any], work: Callable[[Any], Any]
) -> Callable[[], Any]:
    """A tensor for the converter: its shape at once, `work` on the result of `make` when it is
    written.
    """
    return lambda: lazy(meta=meta, args=(make(),), func=work)


def _take_vocabulary_in_rows(model: Any, folder: Path, merge: Merge | None) -> None:
    """Let embedding and head, by far the largest matrices, be merged and written some rows at a
    time.

    Only where the converter does the same to some rows as to all: two rows are tried.
    """
    base = Tensors(sorted(folder.glob("*.safetensors")))
    promised: dict[str, Any] = {}
    for tensors in model.gguf_writer.tensors:
        promised |= tensors
    for name in list(model.model_tensors):
        if not name.endswith(VOCABULARY):
            continue
        source = merge.extra.get(name, name) if merge else name
        if source not in base.places or (merge and not merge.in_rows(name)):
            continue
        rows = _Rows(model, merge, base, name, source)
        written = rows.convert(0, 2)
        if len(written) != 1:
            continue
        written_name, two_rows = written[0]
        info = promised.get(written_name)
        same_shape = two_rows.shape == (2, rows.shape[1])
        if info and info.nbytes == rows.nbytes and same_shape:
            info.tensor = rows


class _Rows:
    """A promised matrix that is read, merged, converted and written some rows at a time."""

    def __init__(
        self, model: Any, merge: Merge | None, base: Tensors, name: str, source: str
    ) -> None:
        self.model = model
        self.merge = merge
        self.base = base
        self.name = name
        self.source = source
        self.shape = merge.shape(name) if merge else base.places[name].shape
        self.nbytes = 2 * self.shape[0] * self.shape[1]

    def convert(self, start: int, stop: int) -> list[tuple[str, Any]]:
        """(name in the file, tensor) that the converter makes of those rows."""
        part = self.base.rows(self.source, start, stop)
        if self.merge:
            part = self.merge.merged(self.name, part, start, stop)
        return list(self.model.modify_tensors(part.float(), self.name, None))

    def tofile(self, file: Any) -> None:
        """Write the matrix; the GGUF writer calls this."""
        step = max(1, ROWS // self.shape[1])
        for start in range(0, self.shape[0], step):
            [(_, part)] = self.convert(start, start + step)
            part.half().contiguous().numpy().tofile(file)


def _write(writer: Any, output: Path) -> None:
    """The file, tensor by tensor, with progress."""
    writer.write_header_to_file(path=output)
    writer.write_kv_data_to_file()
    promises = [info for tensors in writer.tensors for info in tensors.values()]
    total = sum(info.nbytes for info in promises)
    done = 0
    for info in promises:
        info.tensor = _Reported(info.tensor, done, total)
        done += info.nbytes
    writer.write_tensors_to_file()
    writer.close()


class _Reported:
    """A promised tensor that reports when it is written."""

    def __init__(self, tensor: Any, before: int, total: int) -> None:
        self.tensor = tensor
        self.nbytes = tensor.nbytes
        self.before = before
        self.total = total

    def tofile(self, file: Any) -> None:
        self.tensor.tofile(file)
        _report({"event": "progress", "done": self.before + self.nbytes, "of": self.total})


def _report(event: dict[str, Any]) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)


def _end_with_parent(lines: Iterator[str], conversion: Conversion) -> None:
    """Clear away when stdin ends: the parent was killed, so nobody else does."""
    for _ in lines:
        continue
    shutil.rmtree(conversion.work, ignore_errors=True)
    Path(conversion.output).unlink(missing_ok=True)
    os._exit(3)


def main() -> None:
    """One conversion; its end is the last line on stdout."""
    conversion = Conversion(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_parent, args=(sys.stdin, conversion), daemon=True).start()
    shutil.rmtree(conversion.work, ignore_errors=True)
    try:
        with maps_disk_errors(Path(conversion.output)):
            conversion.work.mkdir()
            if conversion.alone:
                convert_adapter(conversion)
            else:
                convert_merged(conversion)
            _report({"event": "done", "sha256": sha256_of(Path(conversion.output))})
    except WorkbenchError as error:
        failed = {"problem": pack(error.problem), "fix": pack(error.fix)}
        _report({"event": "failed", "unwritable": isinstance(error, Unwritable)} | failed)
    # All is written. An orderly end would load 130 MB of CUDA's libraries to tidy them up.
    os._exit(0)


if __name__ == "__main__":
    main()

"""The child process of `deploy.gguf`: a `Conversion` as JSON on stdin -> its GGUF file, progress as JSON lines on stdout.

Base and adapter are merged inside llama.cpp's converter, whose tensors are promises: one is in memory at a time, of the
largest some rows.
"""

from __future__ import annotations

import hashlib
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
from deploy.gguf import PRECISIONS, Conversion, find_llama_cpp
from deploy.merge import VOCABULARY, Merge
from deploy.tensors import Tensors
from workbench.errors import InvalidInput, WorkbenchError
from workbench.messages import say

LARGE = 1 << 20  # numbers in a matrix
ROWS = 1 << 20  # numbers of a matrix that are in memory at a time
WORD_FILES = (".json", ".txt", ".model", ".jinja")


def _convert(conversion: Conversion) -> None:
    """Write base and adapter as one model."""
    tree = find_llama_cpp(conversion.llama_cpp)
    sys.path[:0] = [
        str(tree),
        str(tree / "gguf-py"),
    ]  # before the installed gguf; only in this process
    import conversion as converter
    import gguf
    import torch

    from deploy.pretokenizer import name_pretokenizer

    base, output = Path(conversion.base), Path(conversion.output)
    settings = converter.ModelBase.load_hparams(base, False)
    if "n_positions" in settings:
        settings.setdefault(
            "n_ctx", settings["n_positions"]
        )  # transformers 5 has dropped GPT-2's older name
    architecture = converter.get_model_architecture(settings, converter.ModelType.TEXT)
    try:
        kind = converter.get_model_class(architecture)
    except NotImplementedError as error:
        raise InvalidInput(
            say("llama.cpp cannot convert {architecture}.", architecture=architecture),
            "Name a newer checkout with --llama-cpp, or chat with local:RUN.",
        ) from error
    file_type = gguf.LlamaFileType[PRECISIONS[conversion.precision]]
    with torch.inference_mode():
        words = gather_words(conversion, conversion.work)
        model = kind(base, file_type, output, hparams=settings, model_name=conversion.name)
        lazy = converter.base.LazyTorchTensor
        merge = _put_adapter(model, Path(conversion.adapter), lazy) if conversion.adapter else None
        if conversion.precision == "f16":
            _halve_large(model.model_tensors, lazy)
        model.dir_model = model.dir_model_card = words
        known = model.get_vocab_base_pre
        model.get_vocab_base_pre = lambda tokenizer: (
            conversion.pre or name_pretokenizer(known, tokenizer, base)
        )
        _check_words(words, model.hparams.get("vocab_size") or 0)
        model.prepare_tensors()
        if conversion.precision == "f16":
            _take_vocabulary_in_rows(model, base, merge)
        model.prepare_metadata(vocab_only=False)
        if conversion.starts_with_bos is not None:
            model.gguf_writer.add_add_bos_token(conversion.starts_with_bos)
        _write(model.gguf_writer, output)


def gather_words(conversion: Conversion, folder: Path) -> Path:
    """A folder with nothing but the tokenizer's files and the base's configuration, for the converter to look into.

    An adapter's folder often lacks the base's SentencePiece file, which the converter prefers; it comes along as long
    as the vocabulary is the same.
    """
    base, own = Path(conversion.base), Path(conversion.words)
    files = {path.name: path for path in own.iterdir() if path.suffix in WORD_FILES}
    sentencepiece = base / "tokenizer.model"
    if sentencepiece.exists() and _vocabulary(own) == _vocabulary(base):
        files.setdefault(sentencepiece.name, sentencepiece)
    files["config.json"] = base / "config.json"
    for name in ("adapter_config.json", "model.safetensors.index.json"):
        files.pop(name, None)
    for name, path in files.items():
        shutil.copyfile(path, folder / name)
    return folder


def _vocabulary(folder: Path) -> int:
    """How many tokens the tokenizer.json has, those added later apart; 0 where there is no such file."""
    path = folder / "tokenizer.json"
    return (
        len(json.loads(path.read_text("utf-8"))["model"].get("vocab", [])) if path.exists() else 0
    )


def _put_adapter(model: Any, adapter: Path, lazy: Any) -> Merge:
    """Replace the changed tensors of the converter by promises of the merged ones, kept when they are written."""
    import torch

    tensors = model.model_tensors
    merge = Merge(adapter, {name: tuple(make().shape) for name, make in tensors.items()})
    for name in merge.changes:
        merged = partial(merge.merged, name)
        meta = lazy.meta_with_dtype_and_shape(torch.float32, merge.shape(name))
        tensors[name] = _promise(lazy, meta, tensors[merge.extra.get(name, name)], merged)
    if merge.extra:
        model.hparams["tie_word_embeddings"] = False
    rows = [merge.shape(name)[0] for name in merge.changes if name.endswith(VOCABULARY)]
    if rows:
        model.hparams["vocab_size"] = max(rows)
    return merge


def _halve_large(tensors: dict[str, Callable[[], Any]], lazy: Any) -> None:
    """Halve large matrices before the converter makes float32 of them. They are written as f16, so nothing is lost;
    small ones may be written as f32, as GPT-2's positions are."""
    import torch

    for name, make in list(tensors.items()):
        shape = make().shape
        if len(shape) == 2 and shape.numel() > LARGE:
            meta = lazy.meta_with_dtype_and_shape(torch.float16, shape)
            tensors[name] = _promise(lazy, meta, make, torch.Tensor.half)


def _promise(
    lazy: Any, meta: Any, make: Callable[[], Any], work: Callable[[Any], Any]
) -> Callable[[], Any]:
    """What the converter calls for a tensor: its shape at once, `work` on what `make` promises when it is written."""
    return lambda: lazy(meta=meta, args=(make(),), func=work)


def _take_vocabulary_in_rows(model: Any, folder: Path, merge: Merge | None) -> None:
    """Let embedding and head, by far the largest matrices, be merged and written some rows at a time, where the
    converter does to some rows what it does to all."""
    base = Tensors(sorted(folder.glob("*.safetensors")))
    promised = {
        name: info for tensors in model.gguf_writer.tensors for name, info in tensors.items()
    }
    for name in [name for name in model.model_tensors if name.endswith(VOCABULARY)]:
        source = merge.extra.get(name, name) if merge else name
        if source not in base.places or (merge and not merge.in_rows(name)):
            continue
        rows = _Rows(model, merge, base, name, source)
        written = rows.convert(0, 2)
        info = promised.get(written[0][0]) if len(written) == 1 else None
        if info and info.nbytes == rows.nbytes and written[0][1].shape == (2, rows.shape[1]):
            info.tensor = rows


class _Rows:
    """A promised matrix that is read, merged, converted and written some rows at a time."""

    def __init__(
        self, model: Any, merge: Merge | None, base: Tensors, name: str, source: str
    ) -> None:
        self.model, self.merge, self.base, self.name, self.source = model, merge, base, name, source
        self.shape = merge.shape(name) if merge else base.places[name].shape
        self.nbytes = 2 * self.shape[0] * self.shape[1]

    def convert(self, start: int, stop: int) -> list[tuple[str, Any]]:
        """What the converter makes of those rows: names in the file, and tensors."""
        part = self.base.rows(self.source, start, stop)
        if self.merge:
            part = self.merge.merged(self.name, part, start, stop)
        return list(self.model.modify_tensors(part.float(), self.name, None))

    def tofile(self, file: Any) -> None:
        step = max(1, ROWS // self.shape[1])
        for start in range(0, self.shape[0], step):
            [(_, part)] = self.convert(start, start + step)
            part.half().contiguous().numpy().tofile(file)


def _check_words(words: Path, rows: int) -> None:
    """Every token has a row of the embedding."""
    from transformers import AutoTokenizer

    tokens = len(AutoTokenizer.from_pretrained(words, trust_remote_code=False))
    if rows and tokens > rows:
        raise InvalidInput(
            say(
                "The tokenizer has {tokens} tokens, the model's embedding only {rows} rows.",
                tokens=tokens,
                rows=rows,
            ),
            "Train with a resized embedding (modules_to_save), or publish with the base's tokenizer.",
        )


def _write(writer: Any, output: Path) -> None:
    """The file, tensor by tensor, with progress."""
    writer.write_header_to_file(path=output)
    writer.write_kv_data_to_file()
    promises = [info for tensors in writer.tensors for info in tensors.values()]
    total, done = sum(info.nbytes for info in promises), 0
    for info in promises:
        info.tensor = _Told(info.tensor, done, total)
        done += info.nbytes
    writer.write_tensors_to_file()
    writer.close()


class _Told:
    """A promised tensor that tells when it is written."""

    def __init__(self, tensor: Any, before: int, total: int) -> None:
        self.tensor, self.before, self.total, self.nbytes = tensor, before, total, tensor.nbytes

    def tofile(self, file: Any) -> None:
        self.tensor.tofile(file)
        _tell({"event": "progress", "done": self.before + self.nbytes, "of": self.total})


def _tell(event: dict[str, Any]) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)


def _end_with_parent(lines: Iterator[str], conversion: Conversion) -> None:
    """Where the parent was killed nobody else clears away."""
    for _ in lines:
        continue
    shutil.rmtree(conversion.work, ignore_errors=True)
    Path(conversion.output).unlink(missing_ok=True)
    os._exit(3)


def main() -> None:
    """One conversion, its end told on stdout."""
    conversion = Conversion(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_parent, args=(sys.stdin, conversion), daemon=True).start()
    shutil.rmtree(conversion.work, ignore_errors=True)
    try:
        conversion.work.mkdir()
        convert_adapter(conversion) if conversion.alone else _convert(conversion)
        with Path(conversion.output).open("rb") as file:
            _tell({"event": "done", "sha256": hashlib.file_digest(file, "sha256").hexdigest()})
    except WorkbenchError as error:
        _tell({"event": "failed", "problem": error.problem, "fix": error.fix})
    except OSError as error:
        _tell(
            {
                "event": "failed",
                "problem": error.strerror,
                "file": str(error.filename),
                "errno": error.errno,
            }
        )
    os._exit(
        0
    )  # all is written and told; an orderly end would load 130 MB of CUDA's libraries to tidy them up


if __name__ == "__main__":
    main()

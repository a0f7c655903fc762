"""A base's tokenizer -> what an extension has to know of it: its form, its pieces and their ids."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from workbench.artefacts.model_folder import load_tokenizer
from workbench.artefacts.tokenizer_form import SPACE, Form, form_of
from workbench.errors import InvalidInput
from workbench.messages import say


@dataclass(frozen=True)
class Base:
    """`tokenizer` is transformers' own, `parts` the content of its tokenizer.json."""

    tokenizer: Any
    parts: dict[str, Any]
    form: Form

    @property
    def own(self) -> Any:
        """The tokenizer of the library `tokenizers`."""
        return self.tokenizer.backend_tokenizer

    @cached_property
    def ids(self) -> dict[str, int]:
        """Piece -> id, of the model alone: added tokens are never merged."""
        vocabulary = self.parts["model"]["vocab"]
        if self.form == "t5":
            return {piece: number for number, (piece, _) in enumerate(vocabulary)}
        return dict(vocabulary)

    @cached_property
    def pieces(self) -> dict[int, str]:
        """Id -> piece."""
        return {number: piece for piece, number in self.ids.items()}

    @cached_property
    def added(self) -> dict[int, str]:
        """Id -> text of the added tokens."""
        return {token["id"]: token["content"] for token in self.parts["added_tokens"]}

    @property
    def next_id(self) -> int:
        """The first id behind all there are."""
        return max([*self.pieces, *self.added]) + 1

    def cut(self, word: str) -> list[int]:
        """The ids of a word as the model alone cuts it."""
        return [token.id for token in self.own.model.tokenize(word)]

    @property
    def unknown(self) -> str:
        """The piece for what has none; empty where every byte has one."""
        return self.parts["model"].get("unk_token") or ""

    def is_byte(self, piece: str) -> bool:
        """Whether it is one of SentencePiece's bytes, which are written <0x0A>."""
        return self.form == "llama" and len(piece) == 6 and piece.startswith("<0x")

    def bytes_of(self, piece: str) -> bytes:
        """The text that a piece stands for; it may be a part of a character."""
        if self.form == "gpt2":
            return bytes(_bytes_by_letter().get(letter, 0) for letter in piece)
        if self.is_byte(piece):
            return bytes([int(piece[3:5], 16)])
        return piece.replace(SPACE, " ").encode()


def read_base(folder: Path) -> Base:
    """The tokenizer in that folder.

    Raises NotFound, or InvalidInput for a tokenizer that cannot be extended.
    """
    tokenizer = load_tokenizer(folder)
    own = getattr(tokenizer, "backend_tokenizer", None)
    parts = json.loads(own.to_str()) if own else {"model": {"type": type(tokenizer).__name__}}
    form = form_of(parts)
    affixes = ("continuing_subword_prefix", "end_of_word_suffix")
    if form is None or any(parts["model"].get(affix) for affix in affixes):
        raise InvalidInput(
            say(
                "The vocabulary of {base} is of the kind {kind}, which cannot be extended.",
                base=folder.name,
                kind=parts["model"]["type"],
            ),
            "Choose a base with byte-level BPE, SentencePiece or Unigram, "
            "such as a Llama, Qwen, Mistral, Gemma or GPT-2.",
        )
    return Base(tokenizer, parts, form)


@cache
def _bytes_by_letter() -> dict[str, int]:
    """Byte-level BPE writes each byte as a letter of its own; the table is GPT-2's."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return {letter: byte for byte, letter in bytes_to_unicode().items()}

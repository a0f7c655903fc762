"""A tokenizer -> the vocabulary of a GGUF file, by the structure of its tokenizer.json and not by
the model's name.

llama.cpp has one form for byte-level BPE, one for SentencePiece's BPE, one for SentencePiece's
unigrams. The library's own tokenizer is read, so the file has what the training has seen.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from workbench.artefacts.tokenizer_form import SPACE, Form, form_of
from workbench.errors import InvalidInput
from workbench.messages import say

# llama.cpp's kinds of tokens.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
UNREACHABLE = -1e6  # score of what no merge makes
PHI3_HAS = {"<unk>", "<s>", "</s>", "<|endoftext|>"}
NEVER = -1000.0  # score of an added token, which is found before any merge


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by their id, with their kinds, and what the form needs besides."""

    form: Form
    tokens: list[str]
    types: list[int]
    scores: list[float] = field(default_factory=list)
    """Of the two SentencePiece forms; the highest is merged first."""
    merges: list[str] = field(default_factory=list)
    """Of byte-level BPE."""
    space_prefix: bool = False
    """Whether a text after a special token begins with a space of its own."""
    takes_space: bool = False
    """Whether special tokens take the white space behind them, as Phi-3's do."""

    def name_model(self, name: str) -> str:
        """The model's name in the file: by it llama.cpp tells whether special tokens take the white
        space behind them. It then asks for Phi-3's other tokens, and does not load without them.
        """
        plain = re.sub("phi-?3", "phi 3", name, flags=re.IGNORECASE)
        if self.takes_space and set(self.tokens) >= PHI3_HAS:
            return f"{plain} phi-3"
        return plain

    def write(self, writer: Any, pre: str) -> None:
        """Put it into a GGUF writer; `pre` is the name of the pre-tokenizer."""
        writer.add_tokenizer_model(self.form)
        writer.add_tokenizer_pre(pre)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        if self.form == "gpt2":
            writer.add_token_merges(self.merges)
            return
        writer.add_token_scores(self.scores)
        writer.add_add_space_prefix(self.space_prefix)
        if self.form == "t5":
            writer.add_remove_extra_whitespaces(False)


def find_form(parts: dict[str, Any]) -> Form:
    """The form that a tokenizer.json's structure asks for.

    Raises InvalidInput for a structure that llama.cpp does not have.
    """
    form = form_of(parts)
    if form is None:
        raise InvalidInput(
            "llama.cpp has no form for the model's tokenizer, so no GGUF file can be made of it.",
            "Chat with local:RUN, or tune a base with byte-level BPE or SentencePiece.",
        )
    return form


def read_vocabulary(tokenizer: Any, rows: int) -> Vocabulary:
    """The vocabulary of a tokenizer of transformers, as long as the embedding has rows (0: as
    there are tokens).

    Raises InvalidInput where llama.cpp has no form for it, or a token has no row.
    """
    own = tokenizer.backend_tokenizer
    parts = json.loads(own.to_str())
    form = find_form(parts)
    model = parts["model"]
    if form == "t5":
        ids = {piece: number for number, (piece, _) in enumerate(model["vocab"])}
    else:
        ids = dict(model["vocab"])
    added = {token["id"]: token for token in parts["added_tokens"]}
    size = max([*ids.values(), *added]) + 1
    if rows:
        _check_rows(added, size, rows)
        ids = {piece: number for piece, number in ids.items() if number < rows}
        added = {number: token for number, token in added.items() if number < rows}
        size = rows
    tokens = [f"[PAD{number}]" for number in range(size)]
    types = [UNUSED] * size
    for piece, number in ids.items():
        tokens[number] = piece
        types[number] = NORMAL
    merges = [_joined(merge) for merge in model.get("merges") or []]
    takes_space = any(token["special"] and token["rstrip"] for token in added.values())
    if form == "gpt2":
        _add(added, tokens, types)
        return Vocabulary(form, tokens, types, merges=merges, takes_space=takes_space)
    scores = _scores(form, model, ids, merges, size)
    _mark_bytes(model, tokens, types)
    _add(_not_merged(added, own), tokens, types)
    for number in added:
        if types[number] != NORMAL:
            scores[number] = NEVER
    return Vocabulary(form, tokens, types, scores, [], _prefixes(own, added), takes_space)


def _check_rows(added: dict[int, dict[str, Any]], size: int, rows: int) -> None:
    """Every token has a row of the embedding, but special ones that text never holds.

    Gemma 3's small models name one for pictures without a row.
    """
    for number in range(rows, size):
        if not added.get(number, {}).get("special"):
            raise InvalidInput(
                say(
                    "The tokenizer has {tokens} tokens, the model's embedding only {rows} rows.",
                    tokens=size,
                    rows=rows,
                ),
                "Train with a resized embedding (modules_to_save), "
                "or publish with the base's tokenizer.",
            )


def _joined(merge: Any) -> str:
    """A merge as two parts around a space; newer files have a pair."""
    return merge if isinstance(merge, str) else " ".join(merge)


def _scores(
    form: Form, model: dict[str, Any], ids: dict[str, int], merges: list[str], size: int
) -> list[float]:
    """A unigram's own, or the rank of the first merge that makes the piece."""
    scores = [UNREACHABLE] * size
    if form == "t5":
        for number, (_, score) in enumerate(model["vocab"]):
            scores[number] = score
        return scores
    for rank, merge in enumerate(merges):
        made = ids.get(merge.replace(" ", ""))
        if made is not None and scores[made] == UNREACHABLE:
            scores[made] = -float(rank)
    return scores


def _mark_bytes(model: dict[str, Any], tokens: list[str], types: list[int]) -> None:
    """The kinds that only SentencePiece has: bytes, and the unknown."""
    unknown = model.get("unk_token")
    number = model.get("unk_id")
    if unknown in tokens:
        number = tokens.index(unknown)
    if number is not None:
        types[number] = UNKNOWN
    if not model.get("byte_fallback"):
        return
    names = {f"<0x{byte:02X}>" for byte in range(256)}
    for place, token in enumerate(tokens):
        if token in names:
            types[place] = BYTE


def _add(added: dict[int, dict[str, Any]], tokens: list[str], types: list[int]) -> None:
    """The tokens that are found before any merge. Only special ones are hidden in a reply."""
    for number, token in added.items():
        if types[number] == UNKNOWN:
            continue
        tokens[number] = token["content"]
        types[number] = CONTROL if token["special"] else USER_DEFINED


def _not_merged(added: dict[int, dict[str, Any]], own: Any) -> dict[int, dict[str, Any]]:
    """The added tokens without those that merges make as well, such as Gemma's runs of newlines.

    A server that looks for added tokens in the order of their ids would cut a run at its first
    newline.
    """
    from tokenizers import Tokenizer

    bare = Tokenizer(own.model)
    bare.normalizer = own.normalizer
    bare.pre_tokenizer = own.pre_tokenizer
    found = {}
    for number, token in added.items():
        if token["special"] or bare.encode(token["content"]).ids != [number]:
            found[number] = token
    return found


def _prefixes(own: Any, added: dict[int, dict[str, Any]]) -> bool:
    """Whether the text after a special token begins with a space that nobody wrote."""
    special = next((token["content"] for token in added.values() if token["special"]), "")
    pieces = own.encode(f"{special}a", add_special_tokens=False).tokens
    return "".join(pieces).removeprefix(special).startswith(SPACE)

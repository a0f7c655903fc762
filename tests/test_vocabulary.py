"""The vocabulary that a tokenizer's structure asks for: a real server makes the same tokens of hard
texts, whatever the tokenizer's family is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import missing
from install_servers import TOKENIZERS, tokenizer_folder

from deploy.ollama_registry import Registry
from deploy.pretokenizer import list_names
from deploy.probe import _agrees, choose_pretokenizer
from deploy.vocabulary import BYTE, CONTROL, NORMAL, UNUSED, USER_DEFINED, read_vocabulary
from workbench.errors import InvalidInput

FORMS = {"chatglm3": "llama", "gemma3": "llama", "llama2": "llama", "mistral_v3": "llama"}


def load(name: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    folder = tokenizer_folder(name)
    if not folder.exists():
        missing(f"the tokenizer {name}")
    return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))


@pytest.mark.ollama
@pytest.mark.parametrize("name", [*TOKENIZERS, "mistral_v3"])
def test_a_real_server_cuts_text_as_a_family_does(name: str, empty_ollama: Any) -> None:
    tokenizer = load(name)
    tokenizer.add_tokens(["工作台工作台", "wörkbench wörd"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|desk|>"]})
    vocabulary = read_vocabulary(tokenizer, 0)
    assert vocabulary.form == FORMS.get(name, "gpt2")
    names = list_names(tokenizer) or ["default"]
    assert len(names) == 1  # each of these has a rule that is known as it is written
    assert _agrees(tokenizer, vocabulary, names[0], Registry(empty_ollama.url))


@pytest.mark.ollama
def test_a_rule_that_is_written_otherwise_is_found_by_what_the_server_does(
    empty_ollama: Any,
) -> None:
    tokenizer = load("deepseek_v3")
    text = tokenizer.backend_tokenizer.to_str().replace("{1,3}", "{1}\\\\p{N}{0,2}")
    tokenizer._tokenizer = type(tokenizer.backend_tokenizer).from_str(text)
    names = list_names(tokenizer)
    assert len(names) > 1 and names[0] == "deepseek-v3"
    assert choose_pretokenizer(tokenizer, Registry(empty_ollama.url)) == "deepseek-v3"
    vocabulary = read_vocabulary(tokenizer, 0)
    registry = Registry(empty_ollama.url)
    for unfit in ("qwen2", "a-name-that-no-server-knows"):
        assert not _agrees(tokenizer, vocabulary, unfit, registry)
    assert registry.digests() == {}


def test_sentencepiece_has_pieces_bytes_ranks_and_room(tmp_path: Path) -> None:
    tokenizer = sentencepiece(byte_fallback=True)
    tokenizer.add_tokens(["新词"])
    tokenizer.add_special_tokens({"eos_token": "<end>"})
    vocabulary = read_vocabulary(tokenizer, len(tokenizer) + 3)
    of = {token: number for number, token in enumerate(vocabulary.tokens)}
    kinds = {token: vocabulary.types[number] for token, number in of.items()}
    assert vocabulary.form == "llama" and len(vocabulary.tokens) == len(tokenizer) + 3
    assert kinds["<0x0A>"] == BYTE and kinds["<end>"] == CONTROL and kinds["新词"] == USER_DEFINED
    assert kinds["a"] == NORMAL and vocabulary.types[-1] == UNUSED
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    first, last = ("".join(merge) for merge in (merges[0], merges[-1]))
    assert vocabulary.scores[of[first]] == 0 > vocabulary.scores[of[last]]


def test_a_token_needs_a_row_unless_text_never_holds_it() -> None:
    tokenizer = sentencepiece(byte_fallback=True)
    rows = len(tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<picture>"]})
    assert "<picture>" not in read_vocabulary(tokenizer, rows).tokens
    tokenizer.add_tokens(["新词"])
    with pytest.raises(InvalidInput, match=f"only {rows} rows"):
        read_vocabulary(tokenizer, rows)


def test_a_structure_that_llama_cpp_does_not_have_is_refused() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    with pytest.raises(InvalidInput, match="no form") as caught:
        read_vocabulary(PreTrainedTokenizerFast(tokenizer_object=words), 0)
    assert "local:RUN" in caught.value.fix


def sentencepiece(byte_fallback: bool) -> Any:
    """A small tokenizer as SentencePiece's BPE is written in tokenizer.json."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    own = Tokenizer(models.BPE(byte_fallback=byte_fallback, fuse_unk=True, unk_token="<unk>"))
    own.normalizer = normalizers.Replace(" ", "▁")
    own.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback()])
    special = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    own.train_from_iterator(["the cat sat on the mat", "a bat ate the hat"] * 3, trainer)
    parts = json.loads(own.to_str())
    parts["added_tokens"] = parts["added_tokens"][:1]  # bytes are plain pieces
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(parts)))

"""The words of a corpus -> further merges of the base's BPE.

The base's merges are gone on with: the library learns BPE on words whose letters are the base's own
tokens, one private character for each id. So every new merge joins what the base leaves apart, and
none goes before an old one (Sennrich et al. 2016, begun where the base ended).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

from finetune.vocabulary.base import Base
from finetune.vocabulary.learned import Learned, NewPiece, Pair, too_few
from finetune.vocabulary.words import repeated

FIRST = 0x10000  # the private character of id 0: above it are only characters, no surrogates
COVERED = 0.9995  # of the characters that the base spells in bytes
SPARE = 0.1  # of the merges: some only make tokens that the base has
FEWEST = 2  # times that a pair must stand in the corpus
LONGEST = 24  # old tokens in a new one: whole sentences of a corpus that repeats itself are none
END = -1  # of a word, as an id


def learn_merges(base: Base, words: Mapping[str, int], size: int, all_words: bool) -> Learned:
    """`size` new pieces. Raises InvalidInput where the corpus has fewer."""
    characters = _new_characters(base, words, size)
    pieces = dict(base.pieces)
    pieces.update(enumerate(characters, base.next_id))
    found = [NewPiece(character, tuple(base.cut(character))) for character in characters]
    parts_of = {piece.piece: piece.parts for piece in found}
    runs = _runs(base, words, pieces, all_words)
    merges: list[Pair] = []
    for left, right in _train(runs, size - len(found)):
        if len(found) == size:
            break
        merges.append((_text(left, pieces), _text(right, pieces)))
        piece = "".join(merges[-1])
        if piece in base.ids:
            continue
        parts: list[int] = []
        for letter in left + right:
            number = ord(letter) - FIRST
            parts += parts_of.get(pieces[number], (number,))
        found.append(NewPiece(piece, tuple(parts)))
    if len(found) < size:
        raise too_few(len(found), size)
    return Learned(found, merges)


def _new_characters(base: Base, words: Mapping[str, int], size: int) -> list[str]:
    """The characters that SentencePiece spells in bytes, the frequent ones first.

    Bytes are never merged there, so such a character needs a piece of its own. They take half of
    the new pieces at most. Byte-level BPE has every byte, and none is needed.
    """
    if base.form == "gpt2":
        return []
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            if character not in base.ids:
                counts[character] += count
    wanted = COVERED * counts.total()
    covered = 0
    found = []
    for character, count in counts.most_common(size // 2):
        if covered >= wanted or count < FEWEST:
            break
        found.append(character)
        covered += count
    return found


def _runs(
    base: Base, words: Mapping[str, int], pieces: Mapping[int, str], all_words: bool
) -> Counter[str]:
    """Tokens in a row that may be merged, written in private characters, with their count."""
    mergeable = {
        number for number, piece in pieces.items() if _may_be_merged(base, piece, all_words)
    }
    new = {piece: number for number, piece in pieces.items() if number not in base.pieces}
    runs: Counter[str] = Counter()
    for word, count in words.items():
        run = ""
        for number in [*_symbols(base, word, new), END]:
            if number in mergeable:
                run += chr(FIRST + number)
                continue
            if len(run) > 1:
                runs[run] += count
            run = ""
    return runs


def _may_be_merged(base: Base, piece: str, all_words: bool) -> bool:
    """No token of ASCII alone, unless all words are learned; and never a byte of SentencePiece."""
    if base.is_byte(piece) or piece == base.unknown:
        return False
    return all_words or not base.bytes_of(piece).isascii()


def _symbols(base: Base, word: str, new: Mapping[str, int]) -> list[int]:
    """The word as old tokens and new characters."""
    found: list[int] = []
    known = ""
    for character in word:
        if character not in new:
            known += character
            continue
        found += [*base.cut(known), new[character]]
        known = ""
    return found + base.cut(known)


def _train(runs: Mapping[str, int], wanted: int) -> list[Pair]:
    """Pairs of texts of private characters, the most frequent first."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    alphabet = {letter for run in runs for letter in run}
    size = len(alphabet) + wanted + int(SPARE * wanted)
    trainer = trainers.BpeTrainer(
        vocab_size=size, min_frequency=FEWEST, max_token_length=LONGEST, show_progress=False
    )
    donor = Tokenizer(models.BPE())
    donor.pre_tokenizer = pre_tokenizers.CharDelimiterSplit(" ")
    donor.train_from_iterator(repeated(runs), trainer)
    return [(left, right) for left, right in json.loads(donor.to_str())["model"]["merges"]]


def _text(letters: str, pieces: Mapping[int, str]) -> str:
    """The piece that private characters stand for."""
    return "".join(pieces[ord(letter) - FIRST] for letter in letters)

"""The words of a corpus -> further pieces of the base's unigram model, with their probabilities.

A unigram model takes the likeliest cut of a text as a whole (Kudo 2018), so a new piece is used
where it is likelier than the old pieces it stands for; others are left out.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping

from finetune.vocabulary.base import Base
from finetune.vocabulary.learned import Learned, NewPiece, too_few
from finetune.vocabulary.words import repeated

UNKNOWN = "<unk>"
PENALTY = 10.0  # of an unknown character, as SentencePiece has it
TRIES = 4
OTHER = re.compile(r"[^\x00-\x7f▁]+")


def learn_unigrams(base: Base, words: Mapping[str, int], size: int, all_words: bool) -> Learned:
    """`size` new pieces, the likeliest first. Raises InvalidInput where the corpus has fewer."""
    runs: Counter[str] = Counter()
    for word, count in words.items():
        for run in [word] if all_words else OTHER.findall(word):
            runs[run] += count
    asked = size + len({letter for run in runs for letter in run})
    found: list[NewPiece] = []
    for _ in range(TRIES):
        before = len(found)
        found = _new(base, _train(runs, asked))
        if len(found) >= size or len(found) == before:
            break
        asked += 2 * (size - len(found))
    if len(found) < size:
        raise too_few(len(found), size)
    return Learned(found[:size])


def _new(base: Base, trained: list[tuple[str, float]]) -> list[NewPiece]:
    """Those that the base lacks and that would be used."""
    scores = [score for _, score in base.parts["model"]["vocab"]]
    unknown = base.parts["model"].get("unk_id")
    lowest = min(scores) - PENALTY
    found = []
    for piece, score in trained:
        if piece in base.ids or piece == UNKNOWN:
            continue
        parts = base.cut(piece)
        before = sum(lowest if part == unknown else scores[part] for part in parts)
        if score > before:
            found.append(NewPiece(piece, tuple(parts), score))
    return sorted(found, key=lambda new: -new.score)


def _train(runs: Mapping[str, int], asked: int) -> list[tuple[str, float]]:
    """(piece, log-probability) of a unigram model of its own."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    trainer = trainers.UnigramTrainer(
        vocab_size=asked, special_tokens=[UNKNOWN], unk_token=UNKNOWN, show_progress=False
    )
    donor = Tokenizer(models.Unigram())
    donor.pre_tokenizer = pre_tokenizers.CharDelimiterSplit(" ")
    donor.train_from_iterator(repeated(runs), trainer)
    vocabulary = json.loads(donor.to_str())["model"]["vocab"]
    return [(piece, score) for piece, score in vocabulary]

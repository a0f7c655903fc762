"""Pairs and rated answers -> token ids and labels: only the answers that are compared count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from finetune.data.examples import Example, Message
from finetune.data.preferences import PreferencePair
from finetune.data.ratings import RatedAnswer
from finetune.encoding.masking import EncodedAll, encode_each


def encode_pairs(
    pairs: Sequence[PreferencePair], tokenizer: Any, max_length: int = 0
) -> EncodedAll:
    """Two sequences a pair, the chosen answer first; what is left out has one.

    A pair is left out where one answer has no place, or where both are cut to the same text.
    Raises InvalidInput where the template cannot say a dialogue.
    """
    both = []
    for pair in pairs:
        both.append(_compared(pair.prompt, pair.chosen, pair))
        both.append(_compared(pair.prompt, pair.rejected, pair))
    encoded = encode_each(both, tokenizer, max_length)
    found = EncodedAll()
    for chosen, other in zip(encoded[::2], encoded[1::2], strict=True):
        rejected = replace(other, good=False)
        sequences = (chosen, rejected)
        if not (chosen.learned and rejected.learned and chosen.input_ids != rejected.input_ids):
            found.nothing_left.append(chosen)
            continue
        found.rows.extend(sequences)
        if chosen.truncated or rejected.truncated:
            found.truncated.append(chosen.where)
    return found


def encode_ratings(
    answers: Sequence[RatedAnswer], tokenizer: Any, max_length: int = 0
) -> EncodedAll:
    """One sequence an answer. Raises InvalidInput where the template cannot say a dialogue."""
    dialogues = [_compared(row.prompt, row.completion, row) for row in answers]
    found = EncodedAll()
    encoded = encode_each(dialogues, tokenizer, max_length)
    for row, sequence in zip(answers, encoded, strict=True):
        judged = replace(sequence, good=row.good)
        if not judged.learned:
            found.nothing_left.append(judged)
            continue
        found.rows.append(judged)
        if judged.truncated:
            found.truncated.append(judged.where)
    return found


def _compared(
    prompt: Iterable[Message], answer: Iterable[Message], row: PreferencePair | RatedAnswer
) -> Example:
    """The dialogue in which the answer alone counts."""
    context = [replace(message, learned=False) for message in prompt]
    judged = [replace(message, learned=True) for message in answer]
    return Example((*context, *judged), row.tools, row.group, row.where)

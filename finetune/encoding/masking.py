"""Examples -> token ids and labels: the assistant's answers and the ends of their turns are learned, all else is -100."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from finetune.data.dataset import Problem
from finetune.data.examples import Example
from finetune.encoding.answers import Text, special_tokens, texts_of
from workbench.errors import InvalidInput

IGNORED = -100
BATCH = 512  # texts that the tokenizer takes at once


@dataclass(frozen=True, slots=True)
class Encoded:
    """Tokens and their labels, of one length. `truncated`: an answer is longer than fits, and its end is missing."""

    input_ids: list[int]
    labels: list[int]
    truncated: bool = False
    where: str = ""

    @property
    def learned(self) -> int:
        """How many tokens are learned."""
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True, slots=True)
class EncodedAll:
    """`rows` to train on, where the answers are that are cut off, and the rows cut so far that nothing is learned."""

    rows: list[Encoded]
    truncated: list[str]
    nothing_left: list[Encoded]


def encode(example: Example, tokenizer: Any, max_length: int = 0) -> Encoded:
    """The whole conversation in one sequence; an earlier answer that it cannot show as it was said is not learned.

    `max_length` 0 cuts nothing. Raises InvalidInput where the template cannot say the example.
    """
    text = texts_of(example, tokenizer, special_tokens(tokenizer))[0]
    return next(_encode_texts([(text, example.where)], tokenizer, max_length))


def encode_all(examples: Sequence[Example], tokenizer: Any, max_length: int = 0) -> EncodedAll:
    """Every answer of every example, learned once: one sequence an example, more where the template needs them."""
    found = EncodedAll([], [], [])
    specials = special_tokens(tokenizer)
    texts = (
        (text, example.where)
        for example in examples
        for text in texts_of(example, tokenizer, specials)
    )
    for row in _encode_texts(texts, tokenizer, max_length):
        if row.truncated:
            found.truncated.append(row.where)
        (found.rows if row.learned else found.nothing_left).append(row)
    return found


def check_lengths(
    examples: Sequence[Example], tokenizer: Any, max_length: int
) -> tuple[list[Problem], dict[str, int]]:
    """Every example that is cut off or that the template cannot say; and how many tokens: all, learned, longest."""
    specials = special_tokens(tokenizer)
    problems: list[Problem] = []
    texts: list[tuple[Text, str]] = []
    for example in examples:
        try:
            texts += [(text, example.where) for text in texts_of(example, tokenizer, specials)]
        except InvalidInput as error:
            problems.append(_problem(example.where, error.problem, error.fix))
    tokens = {"all": 0, "learned": 0, "longest": 0}
    for row in _encode_texts(texts, tokenizer, 0):
        length = len(row.input_ids)
        tokens["all"] += length
        tokens["learned"] += row.learned
        tokens["longest"] = max(tokens["longest"], length)
        if length > max_length:
            fix = f"Raise max_length to {length}, or shorten this row."
            problems.append(_problem(row.where, f"{length} tokens, but only {max_length} fit", fix))
    return problems, tokens


def _problem(where: str, problem: str, fix: str) -> Problem:
    file, _, line = where.rpartition(":")
    return Problem(file, int(line) if line.isdecimal() else 0, problem, fix)


def preview(encoded: Encoded, tokenizer: Any) -> list[tuple[str, int, bool]]:
    """One row a token: its text, its label, whether it is learned."""
    return [
        (tokenizer.decode([token]), label, label != IGNORED)
        for token, label in zip(encoded.input_ids, encoded.labels, strict=True)
    ]


def learned_texts(encoded: Encoded, tokenizer: Any) -> list[str]:
    """The stretches that are learned, decoded."""
    found: list[list[int]] = [[]]
    for label in encoded.labels:
        if label != IGNORED:
            found[-1].append(label)
        elif found[-1]:
            found.append([])
    return [tokenizer.decode(tokens) for tokens in found if tokens]


def _encode_texts(
    texts: Iterable[tuple[Text, str]], tokenizer: Any, max_length: int
) -> Iterator[Encoded]:
    for batch in _batches(texts):
        for (text, where), (ids, offsets) in zip(batch, _tokenize(batch, tokenizer), strict=True):
            labels = _labels(text, ids, offsets)
            if labels is None:
                ids, labels = _encode_piecewise(text, tokenizer)
            yield _cut(ids, labels, max_length, where)


def _tokenize(
    batch: Sequence[tuple[Text, str]], tokenizer: Any
) -> Iterable[tuple[list[int], list[tuple[int, int]]]]:
    """Ids and their places in the text; nothing from a tokenizer that does not know the places."""
    if not tokenizer.is_fast:
        return [([], [])] * len(batch)
    texts = [text.text for text, _ in batch]
    done = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    return zip(done["input_ids"], done["offset_mapping"], strict=True)


def _labels(text: Text, ids: Sequence[int], offsets: Sequence[tuple[int, int]]) -> list[int] | None:
    """Labels by where the tokens stand; None where that is not known, or one stands across an answer's begin."""
    if not ids:
        return None
    labels = [IGNORED] * len(ids)
    at = 0
    for begin, end in text.spans:
        while at < len(ids) and offsets[at][1] <= begin:
            at += 1
        if at < len(ids) and offsets[at][0] < begin:
            return None
        while at < len(ids) and offsets[at][1] <= end:
            labels[at] = ids[at]
            at += 1
    return labels


def _encode_piecewise(text: Text, tokenizer: Any) -> tuple[list[int], list[int]]:
    """Prompt and answer tokenized one by one, as it is when a model answers."""
    ids: list[int] = []
    labels: list[int] = []
    at = 0
    for begin, end in [*text.spans, (len(text.text), len(text.text))]:
        before = tokenizer.encode(text.text[at:begin], add_special_tokens=False)
        said = tokenizer.encode(text.text[begin:end], add_special_tokens=False)
        ids += before + said
        labels += [IGNORED] * len(before) + said
        at = end
    return ids, labels


def _cut(ids: list[int], labels: list[int], max_length: int, where: str) -> Encoded:
    if not max_length or len(ids) <= max_length:
        return Encoded(ids, labels, False, where)
    truncated = any(label != IGNORED for label in labels[max_length:])
    return Encoded(ids[:max_length], labels[:max_length], truncated, where)


def _batches(texts: Iterable[tuple[Text, str]]) -> Iterator[list[tuple[Text, str]]]:
    rest = iter(texts)
    while batch := list(islice(rest, BATCH)):
        yield batch

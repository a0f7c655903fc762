"""Examples -> token ids and labels: answers and their ends are learned, all else is -100."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from finetune.data.dataset import Problem
from finetune.data.examples import Example
from finetune.encoding.answers import Text, special_tokens, texts_of
from workbench.errors import InvalidInput
from workbench.messages import say

IGNORED = -100  # the label that torch's cross entropy leaves out
BATCH = 512  # texts that the tokenizer takes at once
Place = tuple[int, int]  # first character and the one after the last
PlacedText = tuple[Text, str]  # a text and the FILE:LINE of its example


@dataclass(frozen=True, slots=True)
class Encoded:
    """Tokens and their labels, of one length. `truncated`: an answer has lost its end.

    `good` is False for an answer that people do not want.
    """

    input_ids: list[int]
    labels: list[int]
    truncated: bool = False
    where: str = ""
    good: bool = True

    @property
    def learned(self) -> int:
        """How many tokens are learned."""
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True, slots=True)
class EncodedAll:
    """`rows` to train on, the places of cut answers, and rows with nothing left to learn."""

    rows: list[Encoded] = field(default_factory=list)
    truncated: list[str] = field(default_factory=list)
    nothing_left: list[Encoded] = field(default_factory=list)

    @property
    def lengths(self) -> list[int]:
        """Of every sequence, in tokens."""
        return [len(row.input_ids) for row in self.rows]

    @property
    def facts(self) -> dict[str, Any]:
        """What a check reports beside the cost."""
        return {}


def encode(example: Example, tokenizer: Any, max_length: int = 0) -> Encoded:
    """The whole dialogue in one sequence; an earlier answer that it cannot show is not learned.

    `max_length` is in tokens; 0 cuts nothing. Raises InvalidInput where the template cannot say
    the example.
    """
    return encode_each([example], tokenizer, max_length)[0]


def encode_each(examples: Sequence[Example], tokenizer: Any, max_length: int = 0) -> list[Encoded]:
    """The same for many: one sequence an example."""
    specials = special_tokens(tokenizer)
    texts = ((texts_of(example, tokenizer, specials)[0], example.where) for example in examples)
    return list(_encode_texts(texts, tokenizer, max_length))


def encode_all(examples: Sequence[Example], tokenizer: Any, max_length: int = 0) -> EncodedAll:
    """Every answer of every example, learned once.

    One sequence an example, more where the template needs them. Raises InvalidInput as `encode`.
    """
    found = EncodedAll()
    for row in _encode_texts(_texts(examples, tokenizer), tokenizer, max_length):
        if row.truncated:
            found.truncated.append(row.where)
        if row.learned:
            found.rows.append(row)
        else:
            found.nothing_left.append(row)
    return found


def check_lengths(
    examples: Sequence[Example], tokenizer: Any, max_length: int
) -> tuple[list[Problem], dict[str, int]]:
    """Every example that is cut off or that the template cannot say, and the numbers of tokens.

    The numbers: `all`, those `learned`, and those of the `longest` sequence.
    """
    specials = special_tokens(tokenizer)
    problems: list[Problem] = []
    texts: list[PlacedText] = []
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
            problem = say(
                "{length} tokens, but only {max_length} fit", length=length, max_length=max_length
            )
            fix = say("Raise max_length to {length}, or shorten this row.", length=length)
            problems.append(_problem(row.where, problem, fix))
    return problems, tokens


def preview(encoded: Encoded, tokenizer: Any) -> list[tuple[str, int, bool]]:
    """One row a token: its text, its label, whether it is learned."""
    return [
        (tokenizer.decode([token]), label, label != IGNORED)
        for token, label in zip(encoded.input_ids, encoded.labels, strict=True)
    ]


def learned_texts(encoded: Encoded, tokenizer: Any) -> list[str]:
    """The stretches that are learned, decoded."""
    stretches: list[list[int]] = [[]]
    for label in encoded.labels:
        if label != IGNORED:
            stretches[-1].append(label)
        elif stretches[-1]:
            stretches.append([])
    return [tokenizer.decode(tokens) for tokens in stretches if tokens]


def _problem(where: str, problem: str, fix: str) -> Problem:
    file, _, line = where.rpartition(":")
    return Problem(file, int(line) if line.isdecimal() else 0, problem, fix)


def _texts(examples: Sequence[Example], tokenizer: Any) -> Iterator[PlacedText]:
    specials = special_tokens(tokenizer)
    for example in examples:
        for text in texts_of(example, tokenizer, specials):
            yield text, example.where


def _encode_texts(
    texts: Iterable[PlacedText], tokenizer: Any, max_length: int
) -> Iterator[Encoded]:
    for batch in _batches(texts):
        tokenized = _tokenize(batch, tokenizer)
        for (text, where), (ids, places) in zip(batch, tokenized, strict=True):
            labels = _labels(text, ids, places)
            if labels is None:
                ids, labels = _encode_piecewise(text, tokenizer)
            yield _cut(ids, labels, max_length, where)


def _tokenize(
    batch: Sequence[PlacedText], tokenizer: Any
) -> Iterable[tuple[list[int], list[Place]]]:
    """Ids and their places in the text; nothing from a tokenizer that does not know the places."""
    if not tokenizer.is_fast:
        return [([], [])] * len(batch)
    texts = [text.text for text, _ in batch]
    done = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    return zip(done["input_ids"], done["offset_mapping"], strict=True)


def _labels(text: Text, ids: Sequence[int], places: Sequence[Place]) -> list[int] | None:
    """Labels by the places of the tokens.

    None where those are not known, or one token stands across the beginning of an answer.
    """
    if not ids:
        return None
    labels = [IGNORED] * len(ids)
    at = 0
    for begin, end in text.spans:
        while at < len(ids) and places[at][1] <= begin:
            at += 1
        if at < len(ids) and places[at][0] < begin:
            return None
        while at < len(ids) and places[at][1] <= end:
            labels[at] = ids[at]
            at += 1
    return labels


def _encode_piecewise(text: Text, tokenizer: Any) -> tuple[list[int], list[int]]:
    """Prompt and answer tokenized apart, as they are when a model answers."""
    ids: list[int] = []
    labels: list[int] = []
    at = 0
    length = len(text.text)
    for begin, end in [*text.spans, (length, length)]:
        before = tokenizer.encode(text.text[at:begin], add_special_tokens=False)
        said = tokenizer.encode(text.text[begin:end], add_special_tokens=False)
        ids += before + said
        labels += [IGNORED] * len(before) + said
        at = end
    return ids, labels


def _cut(ids: list[int], labels: list[int], max_length: int, where: str) -> Encoded:
    if not max_length or len(ids) <= max_length:
        return Encoded(ids, labels, truncated=False, where=where)
    truncated = any(label != IGNORED for label in labels[max_length:])
    return Encoded(ids[:max_length], labels[:max_length], truncated, where)


def _batches(texts: Iterable[PlacedText]) -> Iterator[list[PlacedText]]:
    rest = iter(texts)
    while True:
        batch = list(islice(rest, BATCH))
        if not batch:
            return
        yield batch

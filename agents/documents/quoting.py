"""Passages -> the sentences that answer best, quoted with their numbers: no model needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from agents.documents.search import Retrieved
from rag.embeddings import load_embedder
from rag.fusion import fuse, stretch
from rag.passages import Hit
from workbench.chat.events import Token
from workbench.language import language_of, words
from workbench.settings import Settings

SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)|(?<=[。！？；])")
WRAPPED = re.compile(  # a line that goes on in the next
    r"(?<![.!?。！？；:：])\n(?!\s*(?:[-*|#>]|\d+[.)]))"
)
ENDS = (".", "!", "?", "。", "！", "？", "；")
ITEM = re.compile(r"\s*(?:[-*]|\d+[.)]|\|)")  # of a list, or a row of a table
BULLET = re.compile(r"^[-*]\s+")
RULE = re.compile(r"[\s|:-]+")  # the line under a table's head
QUOTES = 3
SHORT = 260  # characters; an item of a list this short is quoted whole
NEAR_BEST = 0.55  # share of the best sentence's score that a further quote reaches
RANK_COUNTS = 0.3  # how much the retrieval's own order counts
HEADING_LOSES = 0.5  # a bare heading says nothing
HEADING_WORDS = 3

Similarity = Callable[[Sequence[str]], np.ndarray]  # texts -> float (questions, texts) cosines


Quote = tuple[int, str]  # the number of its passage, and the sentence


def quote(quotes: Sequence[Quote]) -> Iterator[Token]:
    """Each a Markdown quote with the number of its passage."""
    for row, (number, text) in enumerate(quotes):
        gap = "\n" if row else ""
        yield Token(f"{gap}> {text} [{number}]\n")


def find_quotes(
    question: str, found: Retrieved, hits: Sequence[Hit], settings: Settings
) -> list[Quote]:
    """The sentences of the hits that answer best, the best one first.

    A follow-up was searched with the question before; by itself it counts as much again.
    """
    pool = found.pool
    embedder = load_embedder(pool.embedder, settings)
    texts = list(dict.fromkeys([found.text, question]))
    vectors = embedder.embed(texts, "query")

    def similarity(sentences: Sequence[str]) -> np.ndarray:
        return np.asarray(vectors @ embedder.embed(sentences).T)

    return best_sentences(
        texts,
        passages=[hit.passage.text for hit in hits],
        rarity=pool.rarity,
        similarity=similarity,
        dense_weight=pool.share(found.text),
    )


def in_another_language(hits: Sequence[Hit], language: str) -> bool:
    """Whether the first passages, which are quoted, are not in the question's language."""
    return all(language_of(hit.passage.text) != language for hit in hits[:QUOTES])


def best_sentences(
    questions: Sequence[str],
    passages: Sequence[str],
    rarity: Callable[[str], float],
    similarity: Similarity,
    dense_weight: float,
    count: int = QUOTES,
) -> list[Quote]:
    """Quotes, the number from 1, best first: by rare words of the questions and similarity.

    `similarity` gives float (questions, sentences) cosines. A sentence of an earlier passage wins a
    tie.
    """
    numbers: list[int] = []
    texts: list[str] = []
    headings: list[bool] = []
    for number, passage in enumerate(passages, 1):
        heading = _heading(passage)
        for sentence in sentences(passage):
            numbers.append(number)
            texts.append(sentence)
            headings.append(sentence == heading or len(set(words(sentence))) <= HEADING_WORDS)
    if not texts:
        return []
    shared = np.array([_shared_words(question, texts, rarity) for question in questions])
    of_each = fuse(stretch(similarity(texts)), stretch(shared), dense_weight)
    score = of_each.mean(axis=0)
    score += RANK_COUNTS * np.array([1 / number for number in numbers], np.float32)
    score -= HEADING_LOSES * np.array(headings)
    order = np.argsort(-score, kind="stable")
    least = NEAR_BEST * score[order[0]]
    chosen = []
    for row in order[:count]:
        pair = (numbers[row], texts[row])
        if score[row] >= least and pair not in chosen:
            chosen.append(pair)
    return chosen


def _heading(passage: str) -> str:
    """The first line of a passage where it heads others and is no sentence; else nothing."""
    first, _, rest = passage.partition("\n")
    tidy = " ".join(first.split())
    return "" if not rest or ITEM.match(tidy) or tidy.endswith(ENDS) else tidy


def _shared_words(
    question: str, texts: Sequence[str], rarity: Callable[[str], float]
) -> np.ndarray:
    """float32 (texts,): the summed rarity of the question's words in each text."""
    asked = set(words(question))
    sums = []
    for text in texts:
        sums.append(sum(rarity(word) for word in asked & set(words(text))))
    return np.array(sums, np.float32)


def sentences(text: str) -> list[str]:
    """What can be quoted: list items and table rows whole where short, else single sentences."""
    heading, _, rest = text.partition("\n")
    paragraphs = WRAPPED.sub(" ", rest or text).split("\n")
    if rest:
        paragraphs.insert(0, heading)
    found = []
    for paragraph in paragraphs:
        short_item = ITEM.match(paragraph) and len(paragraph) <= SHORT
        parts = [paragraph] if short_item else SENTENCE.split(paragraph)
        for part in parts:
            tidy = BULLET.sub("", " ".join(part.split()))
            if words(tidy) and not RULE.fullmatch(tidy):
                found.append(tidy)
    return found

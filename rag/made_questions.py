"""Texts of a collection -> questions with a known passage, and jumbles that no passage answers.

A question is an inverse cloze task (Lee, Chang & Toutanova 2019): a sentence is taken out of its
passage and cut short, and the search must find the passage. A jumble puts together scraps of
unrelated passages.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.language import language_of, words

QUESTIONS = 300
JUMBLES = 300  # for each language
MOST_ROUNDS = 5  # questions made of one passage, where passages are few
FEWEST_SOURCES = 10  # passages of one language that jumbles can be made of
SHORTEST = 4  # words of a sentence that can be asked
SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])|\n+")
# length of a question: people type about eight words, or sixteen Chinese characters
WORDS = 8
CHARACTERS = 16
SCRAPS = 4  # pieces of a jumble


@dataclass(frozen=True)
class Cloze:
    """One made question: the passage's row, and the passage's text without the sentence."""

    question: str
    row: int
    rest: str


def make_questions(texts: list[str], *, count: int = QUESTIONS, seed: int = 7) -> list[list[Cloze]]:
    """Rounds of questions, `count` in all; a round has at most one question of each passage.

    A second round begins only where the passages are too few for the first.
    """
    chance = random.Random(seed)  # noqa: S311 – a sample, not a secret
    rows = list(range(len(texts)))
    chance.shuffle(rows)
    # four times as many as needed: many passages are too short to give a question
    unused = {row: _sentences(texts[row], chance) for row in rows[: 4 * count]}
    rounds: list[list[Cloze]] = []
    while len(rounds) < MOST_ROUNDS and count > 0:
        clozes = _next_round(texts, unused, chance)[:count]
        if not clozes:
            break
        rounds.append(clozes)
        count -= len(clozes)
    return rounds


def make_jumbles(
    texts: list[str], language: str, chance: random.Random, count: int = JUMBLES
) -> list[str]:
    """Questions that nothing answers, each of four scraps from passages of that language."""
    sources = [_units(text, language) for text in texts if language_of(text) == language]
    if len(sources) < FEWEST_SOURCES:
        return []
    length = _question_length(language) // SCRAPS
    glue = _glue(language)
    jumbles: list[str] = []
    for _ in range(count):
        scraps = [_run(chance.choice(sources), length, glue, chance) for _ in range(SCRAPS)]
        jumbles.append(glue.join(scraps))
    return jumbles


def _next_round(
    texts: list[str], unused: Mapping[int, list[str]], chance: random.Random
) -> list[Cloze]:
    """A question of each passage that still has a sentence; takes the sentence from `unused`."""
    clozes: list[Cloze] = []
    for row, sentences in unused.items():
        if not sentences:
            continue
        sentence = sentences.pop()
        rest = texts[row].replace(sentence, "", 1)
        clozes.append(Cloze(_shortened(sentence, chance), row, rest))
    return clozes


def _sentences(text: str, chance: random.Random) -> list[str]:
    """The sentences that can be asked, in random order; none where nothing would be left."""
    found = [part.strip() for part in SENTENCES.split(text) if len(words(part)) >= SHORTEST]
    chance.shuffle(found)
    return found if len(found) > 1 else []


def _shortened(sentence: str, chance: random.Random) -> str:
    """A run of 8 words, or of 16 Chinese characters, from anywhere in the sentence."""
    language = language_of(sentence)
    length = _question_length(language)
    return _run(_units(sentence, language), length, _glue(language), chance)


def _run(units: list[str], length: int, glue: str, chance: random.Random) -> str:
    start = chance.randint(0, max(0, len(units) - length))
    return glue.join(units[start : start + length])


def _units(text: str, language: str) -> list[str]:
    return list(text) if language == "zh" else text.split()


def _question_length(language: str) -> int:
    return CHARACTERS if language == "zh" else WORDS


def _glue(language: str) -> str:
    return "" if language == "zh" else " "

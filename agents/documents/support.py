"""A model's sentence and the passages before it -> whether they hold what it says.

Numbers and names have to stand in the passages or in the question. Of the words that name something
a passage must have a good part; how much each word names is known from general text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import permutations
from typing import Literal

from workbench.language import language_of, words
from workbench.ordinary import joins_by_accident, rarity
from workbench.scoring.amounts import Amount, amounts, asked_unit, is_among, without_amounts
from workbench.scoring.names import names

# held by the passages; said to be missing in them; no claim at all; held by nothing
Verdict = Literal["held", "missing", "open", "unheld"]

SHARE = 0.5  # of a sentence's naming words, by rarity, that one passage has
CITED_SHARE = 0.2  # where the sentence names its passage
NUMBER_NAMES = 0.6  # as much as a word of that rarity
CLAIM = 0.45  # rarity of all its words together; a sentence with less claims nothing
SHORTEST_STEM = 4  # letters
STEMS_KEPT = 100_000  # more than the common words of two languages
ENDINGS = (
    *("ingly", "edly", "ments", "ment", "ions", "ion", "ings", "ing", "ies"),
    *("ed", "es", "ly", "s", "e", "y"),
)
# the first and the last line of a block of code, with the name of its language
FENCE = re.compile(r"^[ \t]*(?:`{3,}(?=[^`\n]*$)|~{3,})[^\n]*$", re.MULTILINE)
MARKS = re.compile(r"\[[\d,，、 ]+\]|[*_`#>|]+")
CITED = re.compile(r"\[\d")
ANSWERS_ALONE = re.compile(r"\W*(?:yes|no|not|never|only)\b|[是否不可没]|需要|必须", re.IGNORECASE)
# "According to passage 2": the passage's own number, which no passage holds
PASSAGE = re.compile(
    r"\b(?:passages?|sources?|documents?|texts?)\s*(?:no\.?\s*)?\d+(?:(?:,| and) \d+)*|"
    r"第?\s*\d+\s*段|(?:段落|来源|文档)\s*\d+(?:[、和]\s*\d+)*",
    re.IGNORECASE,
)
MISSING = re.compile(
    r"\b(?:passages?|sources?|documents?|texts?|files?|handbook|context)\b.{0,60}"
    r"\b(?:not|n't|no|nothing|never|neither|without|lacks?|silent)\b"
    r"|\b(?:not|n't|no|nothing|cannot|can't|neither|unable|without)\b.{0,80}"
    r"\b(?:passages?|sources?|documents?|texts?|files?|context|stated|mentioned|specified)\b"
    r"|(?:段落|文档|资料|文件|原文|来源|上文|内容).{0,20}(?:没有|未|并无|不包含|无法|不含|缺少)"
    r"|(?:没有|未|无法|缺少|找不到).{0,20}(?:段落|文档|资料|文件|原文|来源|信息|提到|提及|说明|规定)",
    re.IGNORECASE,
)
WORKED_OUT = re.compile(
    r"[+×÷=*/]|\d\s*[-–−x]\s*\d|\b(?:total|sum|together|altogether|times|multipl|minus|plus|divided|"
    r"difference|remain|left)|[一共总合]计|总共|相加|加上|减去|乘以|除以|剩|等于",
    re.IGNORECASE,
)
# "as follows:", a heading, a row of a table: in themselves they claim nothing
ANNOUNCES = re.compile(r"[:：][*_\s]*$")
FRAME = re.compile(r"^\s*(?:\||#|\*\*[^*]+\*\*\s*$)")
OF_ANSWERS = "answer question passage text document according base provide"


class Support:
    """What the passages before a model hold."""

    def __init__(self, question: str, passages: Sequence[str]) -> None:
        self._question = _Held(f"{question} {OF_ANSWERS}")
        self._passages = [_Held(passage) for passage in passages]
        self._asked = _naming(question)
        self._unit = asked_unit(question)
        self._known = [amount for held in self._passages for amount in held.amounts]
        self._known += self._question.amounts
        together = "".join([*passages, question]).replace("\n", " ")
        self._stems = _stems(words(together))

    def judge(self, sentence: str) -> Verdict:
        """See `Verdict`. What is worked out in a sentence that cites its passage counts as held."""
        plain = _without_marks(sentence)
        if plain.endswith(("?", "？")) or self._strange_names(plain):
            return "unheld"  # a question is no answer
        cited = CITED.search(sentence) is not None
        if self.worked_out(sentence):
            return "held" if cited and self._is_worked_out(plain) else "unheld"
        if MISSING.search(plain):
            return "missing"
        if ANNOUNCES.search(sentence):
            return "open"
        verdict = self._judge_claim(plain, cited)
        return "open" if verdict == "unheld" and FRAME.search(sentence) else verdict

    def source_of(self, sentence: str) -> int:
        """The number of the passage, from 1, that has most of a held sentence."""
        plain = _without_marks(sentence)
        naming, named = _naming(plain), amounts(plain)
        shares = [self._share(held, naming, named, cited=True) for held in self._passages]
        return shares.index(max(shares)) + 1

    def worked_out(self, sentence: str) -> list[str]:
        """Numbers of a held sentence that stand in no passage: it works them out from others."""
        plain = _without_marks(sentence)
        return [amount.written for amount in amounts(plain) if not is_among(amount, self._known)]

    def _judge_claim(self, plain: str, cited: bool) -> Verdict:
        naming = _naming(plain)
        named = amounts(plain)
        new = [weight for stem, weight in naming.items() if stem not in self._question.stems]
        if sum(new) < CLAIM and not named:
            if cited:
                return "held"
            if sum(naming.values()) < CLAIM or not ANSWERS_ALONE.match(plain):
                return "open"
        if sum(new) < CLAIM:  # "27 days.": what it is about stands in the question
            naming = naming | self._asked
            named = [replace(one, unit=one.unit or self._unit) for one in named]
        best = max(self._share(held, naming, named, cited) for held in self._passages)
        return "held" if best >= (CITED_SHARE if cited else SHARE) else "unheld"

    def _share(
        self, held: _Held, naming: Mapping[str, float], named: Sequence[Amount], cited: bool
    ) -> float:
        """How much of a sentence's words and numbers one passage has, from 0 to 1.

        All numbers have to stand there or in the question: those of another passage may be about
        anything. A sentence that cites may put together what several passages say.
        Where the passage has another language, numbers are all that can be compared.
        """
        known = [*held.amounts, *self._question.amounts]
        if not cited and not all(is_among(amount, known) for amount in named):
            return 0.0
        if naming and held.language != language_of(" ".join(naming)):
            return 1.0
        shared = [weight for stem, weight in naming.items() if stem in held.stems]
        shared += [NUMBER_NAMES for amount in named if is_among(amount, held.amounts)]
        total = sum(naming.values()) + NUMBER_NAMES * len(named)
        return sum(shared) / total if total else 1.0

    def _is_worked_out(self, plain: str) -> bool:
        """Whether each unknown number is a sum, difference, product or quotient of two others.

        The others are written in the sentence too, and known.
        """
        if not WORKED_OUT.search(plain):
            return False
        written = amounts(plain)
        known = [one.value for one in written if is_among(one, self._known)]
        unknown = [one.value for one in written if not is_among(one, self._known)]
        results = []
        for one, other in permutations(known, 2):
            results += [one + other, abs(one - other), one * other]
            if other:
                results.append(one / other)
        for value in unknown:
            if not any(abs(result - value) < 0.005 * max(1, result) for result in results):
                return False
        return True

    def _strange_names(self, plain: str) -> bool:
        """Whether a name is in no passage and not in the question."""
        return any(not self._has_name(name) for name in names(plain))

    def _has_name(self, word: str) -> bool:
        parts = [part for part in words(word) if rarity(part)]
        return all(_stem(part) in self._stems for part in parts)


class _Held:
    """The words and numbers of a passage, or of the question."""

    def __init__(self, text: str) -> None:
        self.language = language_of(text)
        self.stems = _stems(words(text))
        self.amounts = amounts(text)


def _without_marks(sentence: str) -> str:
    """The sentence without citations, Markdown and the numbers of passages."""
    text = FENCE.sub(" ", sentence)
    return PASSAGE.sub(" ", MARKS.sub(" ", text)).strip()


def _naming(text: str) -> dict[str, float]:
    """Stem -> how much it names. Pairs of signs that only stand side by side name nothing."""
    weights: dict[str, float] = {}
    for word in words(without_amounts(text)):
        weight = rarity(word)
        if weight and not joins_by_accident(word):
            weights[_stem(word)] = weight
    return weights


def _stems(found: Iterable[str]) -> set[str]:
    return {_stem(word) for word in found}


@lru_cache(STEMS_KEPT)
def _stem(word: str) -> str:
    """An English word without its ending: `expire`, `expires` and `expired` are one."""
    if not word.isascii():
        return word
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return word[: -len(ending)]
    return word

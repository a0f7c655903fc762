"""An answer and its reference -> ROUGE-1, -2 and -L (Lin 2004) by the library rouge-score.

The library's own splitter drops every Chinese character, so ours cuts the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.extras import check_extra
from workbench.models.reasoning import answer_only
from workbench.scoring.answers import split_words

KINDS = ("rouge1", "rouge2", "rougeL")


def rouge(pairs: Sequence[tuple[str, str]]) -> list[tuple[float, ...]]:
    """F1 of the kinds in their order, from 0 to 1, for each (answer, reference).

    Raises Unavailable where the library is missing.
    """
    check_extra("evaluate", ["rouge_score"], "ROUGE")
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(KINDS, tokenizer=_Words())
    return [_score(scorer, answer, reference) for answer, reference in pairs]


def _score(scorer: Any, answer: str, reference: str) -> tuple[float, ...]:
    scores = scorer.score(answer_only(reference), answer_only(answer))
    return tuple(float(scores[kind].fmeasure) for kind in KINDS)


class _Words:
    """Our splitter as the library wants one."""

    def tokenize(self, text: str) -> list[str]:
        return split_words(text)

"""Every arm's right and wrong answers -> counts with intervals, tests of pairs, a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Any

from agents.compare.pairs import SURE, pairs_of
from agents.compare.wording import findings, judge_words, lead
from workbench.messages import listed
from workbench.scoring.paired import compare_pairs, holm, wilson

Row = dict[str, Any]


def judge_arms(name: str, measure: str, arms: Sequence[str], rows: Sequence[Row], seed: int) -> Row:
    """The last event of a comparison.

    The p of each pair is McNemar's, adjusted by Holm for all pairs: the best arm is known only
    after a look at all of them.
    """
    of_arm = {arm: [row for row in rows if row["arm"] == arm] for arm in arms}
    figures = {arm: _figures(of_arm[arm]) for arm in arms}
    pairs = _pairs(of_arm, seed)
    best = max(arms, key=lambda arm: figures[arm]["correct"])
    p = max((pair["p"] for pair in pairs_of(best, pairs)), default=None)
    first, said = lead(figures, pairs, best), findings(figures, pairs)
    return {
        "event": "done",
        "comparison": name,
        "measure": measure,
        "questions": figures[best]["n"],
        "arms": figures,
        "pairs": pairs,
        "best": best,
        "p": p,
        "sure": p is not None and p < SURE,
        "lead": first,
        "findings": said,
        "verdict": _joined(first, said),
    }


def with_judge(result: Row, judged: Row) -> Row:
    """The event with a judge's preferences, and what it says of the best arm."""
    said = [*result["findings"], *judge_words(result["best"], judged)]
    verdict = _joined(result["lead"], said)
    return result | {"judge": judged, "findings": said, "verdict": verdict}


def _joined(first: str, said: Sequence[str]) -> str:
    return listed([first, *said], " ")


def _figures(rows: Sequence[Row]) -> Row:
    correct = sum(row["correct"] for row in rows)
    low, high = wilson(correct, len(rows))
    answered = [row for row in rows if not row["failed"]]
    return {
        "correct": correct,
        "n": len(rows),
        "interval": [round(low, 4), round(high, 4)],
        "failed": len(rows) - len(answered),
        "seconds": _median(answered, "seconds"),
        "tokens": _median(answered, "tokens"),
        "scores": _mean_scores(answered),
    }


def _median(rows: Sequence[Row], key: str) -> float:
    return round(median(row[key] for row in rows), 3) if rows else 0.0


def _mean_scores(rows: Sequence[Row]) -> dict[str, float]:
    """The mean of each measure over the questions that were answered."""
    names = rows[0]["scores"] if rows else {}
    return {name: round(sum(row["scores"][name] for row in rows) / len(rows), 4) for name in names}


def _pairs(of_arm: Mapping[str, Sequence[Row]], seed: int) -> list[Row]:
    """Each two arms, first minus second, with the adjusted p."""
    found: list[Row] = []
    for first, second in combinations(of_arm, 2):
        ours = [row["correct"] for row in of_arm[first]]
        others = [row["correct"] for row in of_arm[second]]
        paired = compare_pairs(ours, others, seed=seed)
        found.append(
            {
                "first": first,
                "second": second,
                "difference": round(paired.difference, 4),
                "interval": [round(bound, 4) for bound in paired.interval],
                "better": paired.better,
                "worse": paired.worse,
                "p_alone": paired.p,
            }
        )
    for pair, p in zip(found, holm([pair["p_alone"] for pair in found]), strict=True):
        pair["p"] = p
    return found

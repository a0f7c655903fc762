"""Every arm's right and wrong answers -> counts with intervals, tests of pairs, a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Any

from agents.compare.arms import BASE, RAG, TUNED
from workbench.messages import listed, say
from workbench.scoring.paired import compare_pairs, holm, questions_needed, wilson

Row = dict[str, Any]
SURE = 0.05  # an adjusted p below is no chance
BOTH = f"{RAG}+{TUNED}"
LABELS = {
    BASE: "the base model",
    RAG: "documents (RAG)",
    TUNED: "the tuned model",
    BOTH: "documents with the tuned model",
}
DOCUMENTS_ADD = [(RAG, BASE), (BOTH, TUNED)]
TUNING_ADDS = [(TUNED, BASE), (BOTH, RAG)]


def judge_arms(name: str, measure: str, arms: Sequence[str], rows: Sequence[Row], seed: int) -> Row:
    """The last event of a comparison.

    The p of each pair is McNemar's, adjusted by Holm for all pairs: the best arm is known only
    after a look at all of them.
    """
    of_arm = {arm: [row for row in rows if row["arm"] == arm] for arm in arms}
    figures = {arm: _figures(of_arm[arm]) for arm in arms}
    pairs = _pairs(of_arm, seed)
    best = max(arms, key=lambda arm: figures[arm]["correct"])
    rivals = [_seen_from(best, pair) for pair in pairs if best in (pair["first"], pair["second"])]
    rival = max(rivals, key=lambda pair: pair["p"], default=None)
    return {
        "event": "done",
        "comparison": name,
        "measure": measure,
        "questions": figures[best]["n"],
        "arms": figures,
        "pairs": pairs,
        "best": best,
        "p": rival["p"] if rival else None,
        "sure": bool(rival) and rival["p"] < SURE,
        "verdict": _in_words(figures, pairs, best, rivals),
    }


def label(arm: str) -> str:
    """What a person reads for an arm; translated where it stands in a message."""
    return LABELS.get(arm, arm)


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


def _seen_from(arm: str, pair: Row) -> Row:
    """The pair with that arm as its first one."""
    if pair["first"] == arm:
        return pair
    low, high = pair["interval"]
    return pair | {
        "first": arm,
        "second": pair["first"],
        "difference": -pair["difference"],
        "interval": [-high, -low],
        "better": pair["worse"],
        "worse": pair["better"],
    }


def _in_words(
    figures: Mapping[str, Row], pairs: Sequence[Row], best: str, rivals: Sequence[Row]
) -> str:
    """Who is best and how sure that is, then what documents and tuning each add."""
    parts = _lead(figures, best, rivals)
    for first, second in DOCUMENTS_ADD:
        pair = _find(pairs, first, second)
        if pair:
            parts.append(_what_documents_add(pair))
    for first, second in TUNING_ADDS:
        pair = _find(pairs, first, second)
        if pair:
            parts.append(_what_tuning_adds(pair))
    failed = sum(arm["failed"] for arm in figures.values())
    if failed:
        parts.append(say("{count} answers failed and count as wrong.", count=failed))
    return listed(parts, " ")


def _find(pairs: Sequence[Row], first: str, second: str) -> Row | None:
    for pair in pairs:
        if {pair["first"], pair["second"]} == {first, second}:
            return _seen_from(first, pair)
    return None


def _lead(figures: Mapping[str, Row], best: str, rivals: Sequence[Row]) -> list[str]:
    """The best arm, those that may be as good, and the nearest of the others."""
    equal = [pair for pair in rivals if pair["p"] >= SURE]
    worse = [pair for pair in rivals if pair["p"] < SURE]
    correct, of = figures[best]["correct"], figures[best]["n"]
    values = {"best": label(best), "correct": correct, "n": of}
    if worse or not rivals:
        parts: list[str] = [say("Best: {best}, right on {correct} of {n} questions.", **values)]
    else:
        parts = [say("No clear winner: {best} is right on {correct} of {n} questions.", **values)]
    for pair in equal:
        parts.append(
            say(
                "Not surely worse: {other} with {count}{difference}.",
                **_against(pair, figures),
            )
        )
    if equal:
        nearest = max(equal, key=lambda pair: pair["p"])
        parts.append(_what_would_tell(nearest, of))
    if worse:
        nearest = max(worse, key=lambda pair: pair["p"])
        parts.append(
            say("Surely worse: {other} with {count}{difference}.", **_against(nearest, figures))
        )
    return parts


def _against(pair: Row, figures: Mapping[str, Row]) -> Row:
    """The second arm of a pair, its right answers, and the difference with its interval."""
    low, high = _points(pair["interval"])
    difference = say(
        ", a difference of {low} to {high} points (95 % interval, p {p})",
        low=low,
        high=high,
        p=_p(pair["p"]),
    )
    other = pair["second"]
    return {
        "other": label(other),
        "count": figures[other]["correct"],
        "difference": difference,
    }


def _what_would_tell(pair: Row, of: int) -> str:
    needed = questions_needed(pair["better"], pair["worse"], of)
    if needed is None:
        return say("Nothing in these answers sets the two apart.")
    if needed <= of:  # it is Holm's correction that asks for more
        needed = 2 * of
    return say("About {needed} questions like these would be needed to tell.", needed=needed)


def _what_documents_add(pair: Row) -> str:
    values = _counted(pair)
    if pair["p"] >= SURE:
        return say(
            "Documents add nothing sure yet to {other}: better on {better}, worse on {worse}.",
            **values,
        )
    if pair["difference"] > 0:
        return say(
            "Documents help {other}: better on {better}, worse on {worse}.",
            **values,
        )
    return say(
        "Documents harm {other}: better on {better}, worse on {worse}.",
        **values,
    )


def _what_tuning_adds(pair: Row) -> str:
    values = _counted(pair)
    if pair["p"] >= SURE:
        return say(
            "Tuning adds nothing sure yet to {other}: better on {better}, worse on {worse}.",
            **values,
        )
    if pair["difference"] > 0:
        return say(
            "Tuning helps {other}: better on {better}, worse on {worse}.",
            **values,
        )
    return say(
        "Tuning harms {other}: better on {better}, worse on {worse}.",
        **values,
    )


def _counted(pair: Row) -> Row:
    return {"other": label(pair["second"]), "better": pair["better"], "worse": pair["worse"]}


def _points(interval: Sequence[float]) -> tuple[int, int]:
    low, high = interval
    return round(100 * low), round(100 * high)


def _p(p: float) -> str:
    return "< .001" if p < 0.001 else f"= {p:.3f}".replace("0.", ".")

"""Figures of a comparison -> sentences: which arm is best and how sure, what each part adds.

A sentence is a template with its values, so that a page can say it in either language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agents.compare.names import BASE, RAG, TUNED
from agents.compare.pairs import SURE, find_pair, pairs_of
from workbench.messages import listed, say
from workbench.scoring.paired import questions_needed

Row = dict[str, Any]
BOTH = f"{RAG}+{TUNED}"
LABELS = {
    BASE: "the base model",
    RAG: "documents (RAG)",
    TUNED: "the tuned model",
    BOTH: "documents and tuning",
}
DOCUMENTS_ADD = [(RAG, BASE), (BOTH, TUNED)]
TUNING_ADDS = [(TUNED, BASE), (BOTH, RAG)]


def label(arm: str) -> str:
    """What a person reads for an arm; translated where it stands in a message."""
    return LABELS.get(arm, arm)


def lead(figures: Mapping[str, Row], pairs: Sequence[Row], best: str) -> str:
    """The best arm, those that may be as good, and the nearest of the others."""
    nearest_first = sorted(pairs_of(best, pairs), key=lambda pair: -pair["p"])
    equal = [pair for pair in nearest_first if pair["p"] >= SURE]
    worse = [pair for pair in nearest_first if pair["p"] < SURE]
    correct, of = figures[best]["correct"], figures[best]["n"]
    values = {"best": label(best), "correct": correct, "n": of}
    if worse or not equal:
        parts: list[str] = [say("Best: {best}, right on {correct} of {n} questions.", **values)]
    else:
        parts = [say("No clear winner: {best} is right on {correct} of {n} questions.", **values)]
    if equal:
        against = _against(equal[0], figures)
        parts.append(say("Not surely worse: {other} with {count}{difference}.", **against))
        parts.append(_what_would_tell(equal[0], of))
    if equal[1:]:
        others = listed([label(pair["second"]) for pair in equal[1:]], ", ")
        parts.append(say("Nor surely worse: {others}.", others=others))
    if worse:
        against = _against(worse[0], figures)
        parts.append(say("Surely worse: {other} with {count}{difference}.", **against))
    return listed(parts, " ")


def findings(figures: Mapping[str, Row], pairs: Sequence[Row]) -> list[str]:
    """What documents add, what tuning adds, and how many answers failed."""
    found: list[str] = []
    for first, second in DOCUMENTS_ADD:
        pair = find_pair(first, second, pairs)
        if pair:
            found.append(_what_documents_add(pair))
    for first, second in TUNING_ADDS:
        pair = find_pair(first, second, pairs)
        if pair:
            found.append(_what_tuning_adds(pair))
    failed = sum(arm["failed"] for arm in figures.values())
    if failed:
        found.append(say("{count} answers failed and count as wrong.", count=failed))
    return found


def judge_words(best: str, judged: Row) -> list[str]:
    """What a judge model says of the best arm, and how far people can rely on it."""
    found: list[str] = []
    for pair in pairs_of(best, judged["pairs"]):
        found.append(
            say(
                "The judge prefers {best} to {other} on {better} questions, {other} on {worse}, "
                "and calls {ties} ties.",
                best=label(best),
                other=label(pair["second"]),
                better=pair["better"],
                worse=pair["worse"],
                ties=pair["ties"],
            )
        )
    people = judged["agreement"]
    if people["n"]:
        found.append(
            say(
                "It agrees with people on {percent} % of {n} votes (kappa {kappa}).",
                percent=round(100 * people["share"]),
                n=people["n"],
                kappa=f"{people['kappa']:.2f}",
            )
        )
    return found


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

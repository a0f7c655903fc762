"""Questions and arms -> every answer, scored; counts with intervals, and a verdict. Resumes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from filelock import Timeout

from agents.compare.answers_kept import KeptAnswers
from agents.compare.arms import Answered, Arm, ask, check_model, describe, parse_arms
from agents.compare.gathering import gather, name_of
from agents.compare.judge import Judge, judge_pairs
from agents.compare.kept import Comparison, comparison_of
from agents.compare.matrix import beside
from agents.compare.measuring import (
    AUTO,
    choose_measure,
    find_measure,
    is_correct,
    right_from,
    score_answers,
)
from agents.compare.problems import together
from agents.compare.questions import chosen, history_of, key_of
from agents.compare.verdict import judge_arms, with_judge
from workbench.errors import Conflict, WorkbenchError
from workbench.files import locked, sha256_of
from workbench.messages import say
from workbench.progress import Pace
from workbench.settings import Settings

Row = dict[str, Any]
Report = Callable[[Row], None]


@dataclass(frozen=True)
class Wanted:
    """What to compare: questions of an origin (see `gathering`), by arms.

    Without a name it is that of the origin. `auto` measures by what the references are like.
    `limit` 0 asks all questions.
    """

    questions: str
    arms: Sequence[str]
    name: str = ""
    measure: str = "auto"
    judge: str = ""
    limit: int = 0
    seed: int = 42
    replace: bool = False


@dataclass(frozen=True)
class _Plan:
    """A comparison that can be run: all of it was checked."""

    comparison: Comparison
    questions: list[Row]
    arms: list[Arm]
    described: dict[str, Row]
    measure: str
    seed: int
    judge: Judge | None

    @property
    def choices(self) -> Row:
        """What a result rests on beside the questions, as the card keeps it."""
        judge = self.judge.name if self.judge else ""
        kept = {"arms": self.described, "measure": self.measure, "seed": self.seed}
        return kept | {"judge": judge}


def compare(wanted: Wanted, settings: Settings, report: Report = lambda event: None) -> Row:
    """Ask, score and judge; returns the last event. What was asked before is not asked again.

    Raises InvalidInput, NotFound or Unavailable with all that is wrong, before anything is asked;
    Conflict where the name stands for other questions or arms.
    """
    settings = _fixed(settings)
    plan = _prepare(wanted, settings)
    try:
        with locked(plan.comparison.folder / "run", timeout=0):
            return _run(plan, wanted.replace, settings, report)
    except Timeout as error:
        raise Conflict(
            say("The comparison {name} is running already.", name=plan.comparison.name),
            "Wait for it, or cancel it, or give another --name.",
        ) from error


def _fixed(settings: Settings) -> Settings:
    """The most likely words, so that the same question gets the same answer again."""
    return settings.model_copy(update={"temperature": 0.0, "top_p": 1.0, "attached": ""})


def _prepare(wanted: Wanted, settings: Settings) -> _Plan:
    """Read and check everything. Raises WorkbenchError with all problems together."""
    failures: list[WorkbenchError] = []
    questions: list[Row] = []
    arms: list[Arm] = []
    measure = wanted.measure
    judge: Judge | None = None
    with _noting(failures):
        questions = gather(wanted.questions, settings, seed=wanted.seed)
        questions = chosen(questions, wanted.limit, wanted.seed)
        if measure == AUTO:
            measure = choose_measure([row["answer"] for row in questions])
    with _noting(failures):
        if measure != AUTO:
            find_measure(measure)
    with _noting(failures):
        arms = parse_arms(wanted.arms, settings)
    with _noting(failures):
        judge = _find_judge(wanted.judge, settings)
    if failures:
        raise together(failures)
    comparison = comparison_of(wanted.name or name_of(wanted.questions), settings)
    described = {arm.name: describe(arm) for arm in arms}
    return _Plan(comparison, questions, arms, described, measure, wanted.seed, judge)


@contextmanager
def _noting(failures: list[WorkbenchError]) -> Iterator[None]:
    """An error inside is noted, so that what follows is checked too."""
    try:
        yield
    except WorkbenchError as error:
        failures.append(error)


def _find_judge(name: str, settings: Settings) -> Judge | None:
    if not name:
        return None
    check_model(name, settings)
    return Judge(name, settings)


def _run(plan: _Plan, replace: bool, settings: Settings, report: Report) -> Row:
    comparison = plan.comparison
    _freeze(plan, replace)
    card = {
        "name": comparison.name,
        "created": comparison.card.get("created") or time.time(),
        "questions_sha256": sha256_of(comparison.questions_file),
        "questions": len(plan.questions),
        **plan.choices,
    }
    if not comparison.finished:
        comparison.save(card)
    answered = _ask_all(plan, settings, report)
    rows = _scored(plan, answered, settings, report)
    names = [arm.name for arm in plan.arms]
    result = judge_arms(comparison.name, plan.measure, names, rows, plan.seed)
    if plan.judge:
        judged = judge_pairs(plan.judge, beside(plan.questions, rows), settings, report)
        result = with_judge(result, judged)
    comparison.save(card | {"result": result}, rows)
    return result


def _freeze(plan: _Plan, replace: bool) -> None:
    """Write the questions, or find that they and all choices are those of before."""
    comparison = plan.comparison
    if replace:
        comparison.card_file.unlink(missing_ok=True)  # first: it says that the rest is whole
    if replace or not comparison.questions_file.exists():
        comparison.freeze(plan.questions)
        return
    fix = "Give another --name, or write over it with --replace."
    if comparison.questions != plan.questions:
        raise Conflict(say("The comparison {name} has other questions.", name=comparison.name), fix)
    before = {name: comparison.card.get(name) for name in plan.choices}
    if comparison.finished and before != plan.choices:
        raise Conflict(
            say(
                "The comparison {name} was run with other arms, models or documents.",
                name=comparison.name,
            ),
            fix,
        )


def _ask_all(plan: _Plan, settings: Settings, report: Report) -> dict[tuple[str, str], Answered]:
    """(arm, id) -> the answer. One arm after the other, so that each model is loaded once."""
    found: dict[tuple[str, str], Answered] = {}
    in_all = len(plan.arms) * len(plan.questions)
    pace = Pace()
    begun = time.monotonic()
    for arm in plan.arms:
        kept = KeptAnswers(plan.described[arm.name], settings)
        for row in plan.questions:
            if pace.is_due(last=not found):
                report(_progress("Asking the questions", len(found), in_all, begun, arm.name))
            key = key_of(row)
            answered = kept.get(key)
            if answered is None:
                answered = ask(arm, row["question"], history_of(row))
                kept.add(key, answered)
            found[arm.name, row["id"]] = answered
    report(_progress("Asking the questions", in_all, in_all, begun))
    return found


def _scored(
    plan: _Plan,
    answered: dict[tuple[str, str], Answered],
    settings: Settings,
    report: Report,
) -> list[Row]:
    """One row for each answer, in the order of the questions."""
    references = {row["id"]: row["answer"] for row in plan.questions}
    pairs = [(answered[key].text, references[key[1]]) for key in answered]
    scores = score_answers(pairs, plan.measure, settings, report)
    least = right_from(plan.measure, list(references.values()), settings)
    rows: dict[tuple[str, str], Row] = {}
    for key, one_scores in zip(answered, scores, strict=True):
        correct = is_correct(one_scores, plan.measure, least)
        rows[key] = _row(key, answered[key], one_scores, correct)
    order = [(arm.name, row["id"]) for row in plan.questions for arm in plan.arms]
    return [rows[key] for key in order]


def _row(key: tuple[str, str], answered: Answered, scores: Row, correct: bool) -> Row:
    arm, question = key
    return {
        "id": question,
        "arm": arm,
        "text": answered.text,
        "correct": correct and not answered.failed,
        "scores": scores,
        "seconds": round(answered.seconds, 3),
        "tokens": answered.tokens,
        "lineage": answered.lineage,
        "sources": [vars(source) for source in answered.sources],
        "failed": answered.failed,
    }


def _progress(stage: str, done: int, of: int, begun: float, detail: str = "") -> Row:
    seconds = round(time.monotonic() - begun, 1)
    line = {"event": "progress", "stage": stage, "done": done, "of": of, "seconds": seconds}
    return line | {"detail": detail} if detail else line

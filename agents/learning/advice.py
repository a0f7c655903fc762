"""A workspace -> whether documents, tuning or both should answer, with numbers, and the cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.compare.arms import BASE, ask, parse_arms
from agents.compare.gathering import gather
from agents.compare.kept import Comparison, find_comparison, list_comparisons
from agents.compare.measuring import choose_measure, is_correct, score_answers
from agents.learning.costs import cost_of, in_words
from agents.learning.signals import Examples, Knowledge, read_examples, read_knowledge
from agents.learning.verdicts import Base, Verdict, by_comparison, by_rule
from rag.store import check_names
from workbench.artefacts.data_set import read_pairs
from workbench.artefacts.run_folder import list_run_folders
from workbench.errors import InvalidInput, NotFound, WorkbenchError
from workbench.messages import Message, say
from workbench.settings import Settings

Row = dict[str, Any]
Report = Callable[[Row], None]
CHANGES = {"never": 0.0, "yearly": 1 / 12, "monthly": 1.0, "weekly": 4.3, "daily": 30.0}
"""How often the knowledge changes, in a person's words -> changes a month."""


@dataclass(frozen=True)
class Wanted:
    """What to look at. Empty: the chosen collections, the newest examples, the newest comparison.

    `changes` is a key of CHANGES, or empty; `asked` is how many questions the base is asked.
    """

    data: str = ""
    comparison: str = ""
    changes: str = ""
    asked: int = 0


@dataclass(frozen=True)
class Advice:
    """What to do. `rule` is what the data alone speaks for; `overruled` says that it was not taken.

    `evidence` are the numbers of the comparison `comparison`, `cost` is what it would take.
    """

    verdict: Verdict
    rule: str
    comparison: str
    evidence: Sequence[Message]
    knowledge: Knowledge
    examples: Examples
    base: Base
    cost: Row
    origin: str

    @property
    def overruled(self) -> bool:
        return self.verdict.choice != self.rule

    @property
    def basis(self) -> Message:
        """What the advice rests on, in one sentence."""
        if not self.comparison:
            if not self.verdict.certain:
                return say("A first guess: there is little to judge by.")
            return say("By rule of thumb: no comparison has been made yet.")
        values = {"name": self.comparison}
        if not self.evidence:
            return say(
                "By rule of thumb: the comparison {name} tells no sure difference.", **values
            )
        if self.overruled:
            return say(
                "The comparison {name} decides. The rule of thumb would have said: {rule}.",
                rule=self.rule,
                **values,
            )
        return say("The comparison {name} decides, and the rule of thumb agrees.", **values)

    @property
    def costs(self) -> list[Message]:
        return in_words(self.cost)

    def as_row(self) -> Row:
        """The advice as plain data, its sentences in English."""
        return {
            "verdict": self.verdict.choice,
            "rule": self.rule,
            "overruled": self.overruled,
            "by": "comparison" if self.comparison and self.evidence else "rule",
            "comparison": self.comparison,
            "basis": self.basis,
            "reasons": [*self.evidence, *self.verdict.reasons],
            "against": self.verdict.against,
            "costs": self.costs,
            "numbers": {
                "knowledge": vars(self.knowledge),
                "examples": vars(self.examples),
                "base": vars(self.base),
                "cost": self.cost,
                "data": self.origin,
            },
        }


def advise(wanted: Wanted, settings: Settings, report: Report = lambda event: None) -> Advice:
    """Raises InvalidInput or NotFound for a wrong file, comparison or word."""
    if wanted.changes and wanted.changes not in CHANGES:
        raise InvalidInput(
            say("Nothing changes {changes}.", changes=wanted.changes),
            say("Say one of: {words}.", words=", ".join(CHANGES)),
        )
    comparison = _comparison(wanted, settings)
    origin, rows = _rows(wanted, settings, comparison)
    _progress(report, "documents")
    knowledge = read_knowledge(settings)
    _progress(report, "examples")
    examples = read_examples(rows, settings, knowledge)
    changes = CHANGES.get(wanted.changes, knowledge.changes)
    result = comparison.result if comparison else {}
    base = _base(rows, result, wanted, settings, report)
    verdict = by_rule(knowledge, examples, base, changes)
    rule = verdict.choice
    choice, evidence = by_comparison(result)
    if choice:
        verdict = Verdict(choice, verdict.reasons, verdict.against if choice == rule else [])
    _progress(report, "cost")
    return Advice(
        verdict=verdict,
        rule=rule,
        comparison=comparison.name if comparison else "",
        evidence=evidence if choice else [],
        knowledge=knowledge,
        examples=examples,
        base=base,
        cost=cost_of(rows, knowledge, settings),
        origin=origin,
    )


def check_collections(names: Sequence[str], settings: Settings) -> None:
    """Raises NotFound for a name of no collection."""
    check_names(settings, names)


def _comparison(wanted: Wanted, settings: Settings) -> Comparison | None:
    """The comparison that is named, else the newest whole one on these collections."""
    if wanted.comparison:
        found = find_comparison(wanted.comparison, settings)
        if not found.finished:
            raise InvalidInput(
                say("The comparison {name} has not ended.", name=found.name),
                say("Go on with it: workbench compare run … --name {name}", name=found.name),
            )
        return found
    for comparison in list_comparisons(settings):
        try:
            if comparison.finished and _is_about(comparison, settings):
                return comparison
        except InvalidInput:  # a damaged card, said where the comparisons are listed
            continue
    return None


def _is_about(comparison: Comparison, settings: Settings) -> bool:
    """Whether its documents are among the chosen ones, or it has none."""
    arms: Mapping[str, Row] = comparison.card.get("arms", {})
    named = {name for arm in arms.values() for name in str(arm.get("collection", "")).split(", ")}
    named.discard("")
    return not named or bool(named & set(settings.collections))


def _rows(
    wanted: Wanted, settings: Settings, comparison: Comparison | None
) -> tuple[str, list[Row]]:
    """(where from, rows of question and answer): a file, else what this workspace has."""
    if wanted.data:
        return wanted.data, gather(wanted.data, settings)
    for run in list_run_folders(settings):
        try:
            pairs = read_pairs(run.train_data)
        except InvalidInput:
            continue
        if pairs:
            return run.name, [{"question": asked, "answer": said} for asked, said in pairs]
    try:
        return "rated", gather("rated", settings)
    except (NotFound, InvalidInput):
        questions = comparison.questions if comparison else []
        return (comparison.name, questions) if comparison and questions else ("", [])


def _base(
    rows: Sequence[Row],
    result: Mapping[str, Any],
    wanted: Wanted,
    settings: Settings,
    report: Report,
) -> Base:
    """How many questions the base answers: as compared, or asked now if wanted."""
    arm = result.get("arms", {}).get(BASE)
    if arm:
        return Base(arm["correct"], arm["n"])
    if not wanted.asked or not rows:
        return Base()
    try:
        (base,) = parse_arms([BASE], settings.model_copy(update={"temperature": 0.0}))
    except WorkbenchError as error:
        report({"event": "warning", "text": error.problem})
        return Base()
    pairs = []
    chosen = rows[: wanted.asked]
    for number, row in enumerate(chosen):
        report({"event": "progress", "stage": "base", "done": number, "of": len(chosen)})
        pairs.append((ask(base, row["question"]).text, row["answer"]))
    measure = choose_measure([answer for _, answer in pairs])
    scores = score_answers(pairs, measure, settings, report)
    return Base(sum(is_correct(one, measure) for one in scores), len(scores))


def _progress(report: Report, stage: str) -> None:
    stages = ("documents", "examples", "cost")
    report({"event": "progress", "stage": stage, "done": stages.index(stage), "of": len(stages)})

"""Who is asked, and data files -> answers with their scores, and shares of all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from finetune.data.dataset import load_examples, overlap
from finetune.data.examples import Example, digest
from finetune.evaluate.form import read_pattern
from finetune.evaluate.kept import Kept
from finetune.evaluate.local import ANSWER, LETTER, LOSS
from finetune.evaluate.options import by_options
from finetune.evaluate.result import Prediction, Score
from finetune.evaluate.targets import Target
from finetune.evaluate.wanted import ALWAYS, Wanted
from finetune.run.metrics import perplexity
from finetune.run.preparation import with_system
from workbench.errors import InvalidInput
from workbench.messages import Message, say
from workbench.models.reasoning import answer_only
from workbench.scoring.measures import Means, find_measures, score_pairs

Report = Callable[[dict[str, Any]], None]
STAGES = {ANSWER: "Scoring", LETTER: "Choosing options", LOSS: "Measuring perplexity"}


def score(
    target: Target,
    wanted: Wanted,
    means: Means,
    keep: Callable[[str], Kept] = lambda data: Kept(),
) -> Score:
    """Ask the target every question of the files, greedily, and score its answers.

    `keep` gives what is kept of the data of that sha256, which is not asked again. Raises
    InvalidInput for the data, the pattern or a measure that the target cannot give, NotFound for
    a measure's name, Unavailable without memory, a server or a library.
    """
    read_pattern(wanted.pattern)  # before anything is loaded
    metrics = [measure.name for measure in find_measures([*ALWAYS, *wanted.metrics])]
    if "perplexity" in metrics and LOSS not in target.looks:
        raise InvalidInput(
            say("{name} runs on a server, which gives texts alone.", name=target.name),
            "Leave perplexity out of --metrics, or score the run or its base.",
        )
    examples = _read(wanted)
    same = _taught(target, examples, means.report)
    system = target.run.card.get("system", "") if target.run else ""
    asked = with_system(examples, system)
    kept = keep(digest(asked))
    looks = [ANSWER, LETTER, LOSS] if "perplexity" in metrics else [ANSWER, LETTER]
    for look in looks:
        if look in target.looks:
            _look(target, look, asked, kept, wanted.batch, means.report)
    predictions = [_predict(example, kept.rows[number]) for number, example in enumerate(examples)]
    pairs = [(row.answer, row.reference) for row in predictions]
    for row, figures in zip(predictions, score_pairs(metrics, pairs, means), strict=True):
        row.figures.update(figures)
    return Score(predictions, digest(examples), same, wanted, means, metrics, _loss(kept))


def _look(
    target: Target,
    look: str,
    examples: Sequence[Example],
    kept: Kept,
    batch: int,
    report: Report,
) -> None:
    """Find that of every row of which it is not known yet."""
    rows = list(range(len(examples)))
    if look == LETTER:
        rows = [number for numbers in by_options(examples, rows).values() for number in numbers]
    lacking = kept.lacking(look, rows)
    if not lacking:
        return
    known = len(rows) - len(lacking)
    for done, (number, found) in enumerate(target.looks[look](examples, lacking, batch), 1):
        kept.add(number, look, found)
        if done % batch == 0 or done == len(lacking):
            event = {"event": "progress", "stage": STAGES[look]}
            report(event | {"done": known + done, "of": len(rows)})


def _predict(example: Example, found: dict[str, Any]) -> Prediction:
    """What was said of a row, with its perplexity where it was measured."""
    figures = {}
    if LOSS in found:
        loss, tokens = found[LOSS]
        figures["perplexity"] = perplexity(loss / tokens) if tokens else math.nan
    return Prediction(
        question=example.questions[-1],
        reference=example.answer,
        answer=answer_only(found[ANSWER]),
        letter=found.get(LETTER, ""),
        figures=figures,
    )


def _loss(kept: Kept) -> tuple[float, int]:
    """Of all rows together: negative log-likelihood and tokens; nothing where none was measured."""
    found = [row[LOSS] for row in kept.rows.values() if LOSS in row]
    return sum(loss for loss, _ in found), sum(tokens for _, tokens in found)


def _taught(target: Target, examples: Sequence[Example], report: Report) -> int | None:
    """How many of the questions the run was taught, and a warning of it; None for another model."""
    if target.run is None:
        return None
    taught = load_examples([target.run.train_data]).examples
    same = len(overlap(taught, examples))
    if same and not target.is_base:
        report({"event": "warning", "text": _warn(same, len(examples))})
    return same


def _read(wanted: Wanted) -> list[Example]:
    loaded = load_examples(wanted.files, wanted.only)
    if loaded.problems:
        first = loaded.problems[0]
        raise InvalidInput(
            say(
                "{problems} rows cannot be used; {where}: {problem}",
                problems=len(loaded.problems),
                where=first.where,
                problem=first.problem,
            ),
            first.fix,
        )
    if not loaded.examples:
        raise InvalidInput("No rows are left to ask.", "Name another file, or another --only.")
    return loaded.examples[: wanted.limit or None]


def _warn(same: int, rows: int) -> Message:
    return say(
        "{same} of the {rows} questions were taught to this run: the score measures what it has "
        "memorised, not what it understands.",
        same=same,
        rows=rows,
    )

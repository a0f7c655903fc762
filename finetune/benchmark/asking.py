"""One task and the library's model -> its figures and every question of it, kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from finetune.benchmark.answers import letter_of
from finetune.benchmark.kept import Conditions, Measured, keep
from finetune.benchmark.leak import find_leaks
from finetune.benchmark.task import ACCURACIES, Task
from workbench.artefacts.model_folder import first_line
from workbench.errors import InvalidInput, Unavailable
from workbench.messages import say

RESAMPLES = 1000  # for the standard error of figures that are no mean


def ask_task(
    task: Task,
    conditions: Conditions,
    asked: Any,
    taught: Sequence[str],
    folder: Path,
) -> Measured:
    """Ask the library, and keep what it found."""
    chat = conditions.template == "chat"
    found = _evaluate(task, asked, conditions.limit, chat, conditions.system)
    figures = found["results"][task.name]
    metric = _metric(figures)
    leaks = find_leaks(task.questions, taught)
    questions = []
    for sample in _in_order(found["samples"][task.name]):
        number = sample["doc_id"]
        questions.append(_question(task, sample, metric, asked.cut, leaks[number]))
    result = {
        "acc": round(float(figures[metric]), 6),
        "stderr": _number(figures.get(metric.replace(",", "_stderr,"))),
        "n": len(questions),
        "metric": metric.partition(",")[0],
        "cut": sum(row["cut"] for row in questions),
        "leak": sum(leaks),
    }
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return keep(folder, Measured(conditions, result, created), questions)


def _evaluate(task: Task, asked: Any, limit: int, chat: bool, system: str) -> Any:
    """The library's own evaluation of one task. It is given no cache: its caches are pickles."""
    from lm_eval.evaluator import evaluate

    with _maps_errors(task):
        return evaluate(
            lm=asked,
            task_dict={"tasks": {task.name: task.task}},
            limit=limit or None,
            bootstrap_iters=RESAMPLES,
            log_samples=True,
            apply_chat_template=chat,
            fewshot_as_multiturn=chat,
            system_instruction=system or None,
        )


@contextmanager
def _maps_errors(task: Task) -> Iterator[None]:
    """What the library and torch fail with, in our words."""
    try:
        yield
    except (AssertionError, ValueError) as error:
        raise InvalidInput(
            say("{task} cannot be asked: {error}", task=task.name, error=first_line(error)),
            "Choose another task, or another model.",
        ) from error
    except RuntimeError as error:
        if "out of memory" not in str(error).lower():
            raise
        raise Unavailable(
            say("No memory to ask the questions of {task}.", task=task.name), "Lower --batch."
        ) from error


def _metric(figures: dict[str, Any]) -> str:
    """The library's name of the accuracy; the first filter's where a task has several."""
    names = [name for name in figures if name.partition(",")[0] in ACCURACIES]
    return names[0]


def _number(value: Any) -> float | None:
    """A figure, or None where the library has none, or a server did not list it."""
    known = isinstance(value, int | float) and math.isfinite(value)
    return round(float(value), 6) if known else None


def _in_order(samples: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One sample of each question, by its number: a task with several filters has more."""
    first: dict[int, dict[str, Any]] = {}
    for sample in samples:
        first.setdefault(sample["doc_id"], sample)
    return [first[number] for number in sorted(first)]


def _question(
    task: Task, sample: dict[str, Any], metric: str, cut: set[str], leak: bool
) -> dict[str, Any]:
    """What is kept of one question."""
    number = sample["doc_id"]
    question = task.questions[number]
    prompts = sample["arguments"]
    row: dict[str, Any] = {
        "id": number,
        "question": question.question,
        "options": question.options,
        "gold": question.letter,
        "right": bool(sample[metric.partition(",")[0]]),
        "prompt_sha256": sample["prompt_hash"],
        "cut": prompts[0][0] in cut,
        "taught": leak,
    }
    if task.task.OUTPUT_TYPE == "generate_until":
        said = sample["resps"][0][0]
        return row | {"answer": said, "chosen": letter_of(said) if question.options else said}
    chances = [answers[0][0] for answers in sample["resps"]]
    # a task that measures against the bare options has these once more behind
    logprobs = dict(zip(question.options, chances, strict=False))
    chosen = max(logprobs, key=logprobs.__getitem__, default="")
    return (
        row
        | {"logprobs": {key: _number(value) for key, value in logprobs.items()}}
        | {"chosen": chosen}
    )

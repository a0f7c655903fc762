"""A model and tasks -> accuracy and standard error of each task, kept as soon as it is measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from finetune.benchmark.answers import letter_of
from finetune.benchmark.finding import find_model
from finetune.benchmark.kept import Conditions, Measured, find_kept, folder_of, keep
from finetune.benchmark.leak import find_leaks, taught_questions
from finetune.benchmark.model import Model
from finetune.benchmark.tasks import ACCURACIES, Form, Task, load_tasks
from workbench.artefacts.model_folder import first_line
from workbench.errors import InvalidInput, Unavailable
from workbench.extras import check_extra, quiet_transformers
from workbench.messages import say
from workbench.progress import Pace
from workbench.settings import Settings

Report = Callable[[dict[str, Any]], None]
STAGE = say("Asking the questions")
RESAMPLES = 1000  # for the standard error of figures that are no mean


@dataclass(frozen=True)
class Wish:
    """What a person asks for. `template` is auto, chat or plain."""

    model: str
    tasks: Sequence[str]
    folder: str = ""  # or a hub's name; empty is the suites' own place
    limit: int = 0
    shots: int = 0
    template: str = "auto"
    written: bool = False
    base: bool = False
    batch: int = 4
    seed: int = 1234
    replace: bool = False


@dataclass
class _Running:
    """How far the tasks are together."""

    of: int
    report: Report
    done: int = 0
    pace: Pace = field(default_factory=Pace)

    def tell(self, task: Task, share: float) -> None:
        done = self.done + round(share * len(task.questions))
        if not self.pace.is_due(last=done == self.of):
            return
        event = {"event": "progress", "stage": STAGE, "done": done, "of": self.of}
        self.report(event | {"detail": task.name})


def benchmark(wish: Wish, settings: Settings, report: Report) -> list[tuple[Task, Measured]]:
    """Every task with what came of it; what was measured so before is taken as it is.

    Raises NotFound, InvalidInput, Conflict or Unavailable for the model, the tasks or their data.
    """
    check_extra("evaluate", ["lm_eval"], say("A benchmark"))
    quiet_transformers()
    model = find_model(wish.model, wish.base, settings)
    form = _form_of(wish, model)
    tasks = load_tasks(wish.tasks, wish.folder, form, settings)
    own = model.run.folder if model.run else None
    folder = folder_of(model.name, model.digest, own, settings)
    taught = taught_questions(model.taught_by) if model.taught_by else []
    running = _Running(sum(len(task.questions) for task in tasks), report)
    found = []
    with ExitStack() as stack:
        asked = None
        for task in tasks:
            conditions = _conditions(task, form, model)
            kept = None if wish.replace else find_kept(folder, conditions)
            if kept is None:
                asked = asked or stack.enter_context(model.ask(wish.batch, form.chat))
                asked.share = lambda share, task=task: running.tell(task, share)
                kept = _measure(task, conditions, model, asked, taught, folder)
            _warn(kept, report)
            running.done += len(task.questions)
            running.tell(task, 0)
            report({"event": "task", "task": task.asked, **kept.result})
            found.append((task, kept))
    return found


def _form_of(wish: Wish, model: Model) -> Form:
    chat = model.talks if wish.template == "auto" else wish.template == "chat"
    if chat and not model.talks:
        raise InvalidInput(
            say("{name} has no chat template.", name=model.name), "Ask it with --template plain."
        )
    if model.served and not chat:
        raise InvalidInput(
            "A server writes the prompt by the template of its model.",
            "Leave --template out, or measure the run itself.",
        )
    return Form(wish.shots, chat, wish.written, wish.seed, wish.limit)


def _conditions(task: Task, form: Form, model: Model) -> Conditions:
    return Conditions(
        task=task.name,
        version=task.version,
        shots=task.task.config.num_fewshot or 0,
        template="chat" if form.chat else "plain",
        form="answers" if task.task.OUTPUT_TYPE == "generate_until" else "letters",
        limit=form.limit,
        questions=task.sha256,
        model=model.name,
        digest=model.digest,
        seed=form.seed,
        library=version("lm_eval"),
        system=model.system if form.chat else "",
    )


def _measure(
    task: Task,
    conditions: Conditions,
    model: Model,
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


def _warn(measured: Measured, report: Report) -> None:
    result = measured.result
    task = measured.conditions.task
    if result["leak"]:
        text = say(
            "{leak} of {n} questions of {task} were trained on: the figure shows what was "
            "memorised, not what is understood.",
            leak=result["leak"],
            n=result["n"],
            task=task,
        )
        report({"event": "warning", "text": text})
    if result["cut"]:
        text = say(
            "{cut} of {n} prompts of {task} are longer than the model's context; their beginning "
            "was cut off.",
            cut=result["cut"],
            n=result["n"],
            task=task,
        )
        report({"event": "warning", "text": text})


def results_of(found: Sequence[tuple[Task, Measured]]) -> dict[str, dict[str, Any]]:
    """Name of a task -> its figures; a suite that was asked for as a whole has its own."""
    results = {task.asked: measured.result for task, measured in found}
    groups: dict[str, list[dict[str, Any]]] = {}
    for task, measured in found:
        if task.group:
            groups.setdefault(task.group, []).append(measured.result)
    for group, parts in groups.items():
        results[group] = pooled(parts)
    return results


def pooled(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All questions of several tasks together: each counts the same.

    The standard error is that of a mean of independent parts weighted by their sizes.
    """
    n = sum(part["n"] for part in parts)
    acc = sum(part["acc"] * part["n"] for part in parts) / n
    variance = sum(((part["stderr"] or 0) * part["n"] / n) ** 2 for part in parts)
    return {
        "acc": round(acc, 6),
        "stderr": round(math.sqrt(variance), 6),
        "n": n,
        "cut": sum(part["cut"] for part in parts),
        "leak": sum(part["leak"] for part in parts),
    }

"""Questions of a suite's folder, or of a file -> lm-evaluation-harness's tasks on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.benchmark.answers import as_answers
from finetune.benchmark.rows import Questions, check_folder, read_file, read_folder
from finetune.benchmark.suites import Suite, shipped_task, subjects_of
from finetune.benchmark.task import Form, Task
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say

# (the column of the question, the column of the answer) in the tasks that the library ships
COLUMNS = {"ceval": ("question", "answer"), "cmmlu": ("Question", "Answer")}


def task_of_file(path: Path, form: Form) -> Task:
    """A data file of one's own: asked, and answered, as C-Eval is."""
    questions = read_file(path)
    if not questions:
        raise InvalidInput(say("{path} has no questions.", path=path), "Name another file.")
    config: dict[str, Any] = {
        "task": path.stem,
        "test_split": "test",
        "fewshot_split": "test",
        "fewshot_config": {"sampler": "first_n"},
        "output_type": "multiple_choice",
        "doc_to_text": "text",
        "doc_to_choice": lambda row: list(row["letters"]),
        "doc_to_target": "gold",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1.0},
    }
    rows = [
        {
            "text": one.asked,
            "letters": "".join(one.options),
            "gold": list(one.options).index(one.letter),
            "answer": one.letter,
        }
        for one in questions
    ]
    if form.written:
        config = as_answers(config, "answer")
    task = _build(config, {"test": rows}, form)
    return Task(path.stem, str(path), "", task, form.first(questions))


def tasks_of_folder(
    suite: Suite, subject: str, asked: str, folder: Path, form: Form
) -> Iterator[Task]:
    """The subject, or all of the suite that the folder has."""
    found = check_folder(folder, suite)
    dev = read_folder(folder, suite, "dev") if form.shots else {}
    if not subject:
        known = set(subjects_of(suite))
        for name in sorted(known.intersection(found)):
            yield _of_subject(suite, name, asked, found, dev, form, group=asked)
        return
    shipped_task(suite, subject)  # an unknown subject has near names there
    if subject not in found:
        raise NotFound(
            say("{folder} has no questions of {suite}.", folder=folder, suite=asked),
            say("It has: {names}", names=", ".join(sorted(found))),
        )
    yield _of_subject(suite, subject, asked, found, dev, form)


def _of_subject(
    suite: Suite,
    subject: str,
    asked: str,
    found: Questions,
    dev: Questions,
    form: Form,
    group: str = "",
) -> Task:
    config = shipped_task(suite, subject)
    name = config["task"]
    shots = form.shots or 0
    if shots > len(dev.get(subject, [])):
        raise InvalidInput(
            say(
                "{task} has {count} questions to show before each, not {shots}.",
                task=name,
                count=len(dev.get(subject, [])),
                shots=shots,
            ),
            "Lower --shots, or add the part `dev` to the folder.",
        )
    if form.chat:
        # In a chat nothing stands before the question: so was it taught, and is it asked.
        config["description"] = ""
    question, answer = COLUMNS[suite.name]
    if form.written:
        config = as_answers(config, answer)
    parts = {suite.part: found[subject], "dev": dev.get(subject) or found[subject][:1]}
    rows = {
        part: [{question: one.question, **one.options, answer: one.letter} for one in choices]
        for part, choices in parts.items()
    }
    task = _build(config, rows, form)
    return Task(name, name if group else asked, group, task, form.first(found[subject]))


def _build(config: dict[str, Any], rows: dict[str, list[dict[str, Any]]], form: Form) -> Any:
    """The library's task on these rows. It fetches nothing."""
    from datasets import Dataset
    from lm_eval.tasks import TaskManager

    data = {part: Dataset.from_list(part_rows) for part, part_rows in rows.items()}
    config = {**config, "custom_dataset": lambda **ignored: data}
    loaded = TaskManager(include_defaults=False).load([config])["tasks"]
    return form.given_to(loaded[config["task"]])

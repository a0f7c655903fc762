"""The name of a task that lm-evaluation-harness ships -> that task."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from finetune.benchmark.data import maps_data_errors
from finetune.benchmark.task import ACCURACIES, Form, Task
from finetune.data.choices import LETTERS, Choice
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say


def tasks_of_library(name: str, form: Form) -> Iterator[Task]:
    """A task that the library ships, with its data from the hub. All of them are looked through."""
    from lm_eval.tasks import TaskManager

    manager = TaskManager()
    if name not in manager.all_tasks:
        near = get_close_matches(name, manager.all_tasks, 3)
        raise NotFound(
            say("There is no benchmark {name}.", name=name),
            say("Did you mean {names}?", names=", ".join(near))
            if near
            else "Name ceval, cmmlu, a task of lm-evaluation-harness, or a file of questions.",
        )
    with maps_data_errors(name):
        loaded = manager.load([name])["tasks"]
    for title, task in loaded.items():
        _check_accuracy(task)
        asked = title if len(loaded) > 1 else name
        group = name if len(loaded) > 1 else ""
        questions = [_question(task, row) for row in form.first(task.eval_docs)]
        yield Task(title, asked, group, form.given_to(task), questions)


def _question(task: Any, row: Any) -> Choice:
    """A question of any task of the library as text, its options by letters or numbers."""
    text = str(task.doc_to_text(row))
    target = task.doc_to_target(row)
    if not task.config.doc_to_choice:
        return Choice(text, {}, str(target))
    choices = [str(choice) for choice in task.doc_to_choice(row)]
    names = list(LETTERS) if len(choices) <= len(LETTERS) else [str(n) for n in range(len(choices))]
    options = dict(zip(names, choices, strict=False))
    if isinstance(target, str) and target in choices:
        target = choices.index(target)
    known = isinstance(target, int) and 0 <= target < len(choices)
    return Choice(text, options, names[target] if known else str(target))


def _check_accuracy(task: Any) -> None:
    """Raise InvalidInput for a task whose answers are not right or wrong."""
    figures = list(task.aggregation())
    if not set(figures).intersection(ACCURACIES):
        raise InvalidInput(
            say(
                "{task} gives no accuracy, but {figures}.",
                task=task.task_name,
                figures=", ".join(figures),
            ),
            "Choose a task whose answers are right or wrong.",
        )

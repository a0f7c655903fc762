"""Names of tasks -> lm-evaluation-harness's tasks, each with its questions as people read them."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from finetune.benchmark.answers import as_answers
from finetune.benchmark.data import find_data, maps_data_errors
from finetune.benchmark.rows import Questions, check_folder, read_file, read_folder
from finetune.benchmark.suites import Suite, find_suite, shipped_task, subjects_of
from finetune.data.choices import LETTERS, Choice
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings

FILE_ENDINGS = (".jsonl", ".json", ".csv", ".tsv", ".xlsx", ".parquet", ".gz")
ACCURACIES = ("acc", "exact_match")  # the library's names
# (the column of the question, the column of the answer) in the tasks that the library ships
COLUMNS = {"ceval": ("question", "answer"), "cmmlu": ("Question", "Answer")}


@dataclass(frozen=True)
class Form:
    """How every task is asked."""

    shots: int = 0
    chat: bool = False  # by the chat template
    written: bool = False  # the model writes its answer; else its likeliest letter counts
    seed: int = 1234
    limit: int = 0


@dataclass(frozen=True)
class Task:
    """One task. `asked` is the name that was given for it, `group` that of a whole suite."""

    name: str
    asked: str
    group: str
    task: Any  # the library's
    questions: list[Choice] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        """What identifies the questions, their options and answers, in their order."""
        found = hashlib.sha256()
        for one in self.questions:
            line = json.dumps([one.question, one.options, one.letter], ensure_ascii=False)
            found.update(f"{line}\n".encode())
        return found.hexdigest()

    @property
    def version(self) -> str:
        """The version of the library's task."""
        return str(self.task.VERSION)


def load_tasks(names: Sequence[str], place: str, form: Form, settings: Settings) -> list[Task]:
    """Every task that the names mean, with its data; `place` has those of C-Eval and CMMLU.

    Raises NotFound for an unknown one, InvalidInput for data that cannot be used, Unavailable
    where data of the library's tasks cannot be had.
    """
    # its remarks repeat what the command says itself
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    tasks: dict[str, Task] = {}
    for name in names:
        for task in _load(name, place, form, settings):
            tasks.setdefault(task.name, task)
    return list(tasks.values())


def _load(name: str, place: str, form: Form, settings: Settings) -> Iterator[Task]:
    found = find_suite(name)
    if Path(name).is_file() or name.endswith(FILE_ENDINGS):
        yield _of_file(Path(name), form)
    elif found:
        suite, subject = found
        folder = find_data(suite, place, settings)
        yield from _of_folder(suite, subject, name, folder, form)
    else:
        yield from _registered(name, form)


def _of_file(path: Path, form: Form) -> Task:
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
    return Task(path.stem, str(path), "", task, _first(questions, form))


def _of_folder(suite: Suite, subject: str, asked: str, folder: Path, form: Form) -> Iterator[Task]:
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
    if form.shots > len(dev.get(subject, [])):
        raise InvalidInput(
            say(
                "{task} has {count} questions to show before each, not {shots}.",
                task=name,
                count=len(dev.get(subject, [])),
                shots=form.shots,
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
    return Task(name, name if group else asked, group, task, _first(found[subject], form))


def _build(config: dict[str, Any], rows: dict[str, list[dict[str, Any]]], form: Form) -> Any:
    """The library's task on these rows. It fetches nothing."""
    from datasets import Dataset
    from lm_eval.tasks import TaskManager

    data = {part: Dataset.from_list(part_rows) for part, part_rows in rows.items()}
    config = {**config, "custom_dataset": lambda **ignored: data}
    loaded = TaskManager(include_defaults=False).load([config])["tasks"]
    return _in_form(loaded[config["task"]], form)


def _registered(name: str, form: Form) -> Iterator[Task]:
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
        questions = [_question(task, row) for row in _rows_of(task, form)]
        yield Task(title, asked, group, _in_form(task, form), questions)


def _rows_of(task: Any, form: Form) -> list[Any]:
    rows = list(task.eval_docs)
    return rows[: form.limit or None]


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


def _in_form(task: Any, form: Form) -> Any:
    if task.config.num_fewshot != 0 or form.shots == 0:  # 0: a task without shots by its own rule
        task.set_config(key="num_fewshot", value=form.shots)
    task.set_fewshot_seed(seed=form.seed)
    return task


def _first(questions: list[Choice], form: Form) -> list[Choice]:
    return questions[: form.limit or None]

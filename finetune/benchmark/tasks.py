"""Names of tasks -> lm-evaluation-harness's tasks, with their data."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from finetune.benchmark.data import find_data
from finetune.benchmark.library_tasks import tasks_of_library
from finetune.benchmark.own_tasks import task_of_file, tasks_of_folder
from finetune.benchmark.suites import find_suite
from finetune.benchmark.task import Form, Task
from workbench.confined import inside
from workbench.settings import Settings

FILE_ENDINGS = (".jsonl", ".json", ".csv", ".tsv", ".xlsx", ".parquet", ".gz")


def load_tasks(names: Sequence[str], place: str, form: Form, settings: Settings) -> list[Task]:
    """Every task that the names mean, with its data; `place` has those of C-Eval and CMMLU.

    Raises NotFound for an unknown one, InvalidInput for data that cannot be used, Unavailable
    where data of the library's tasks cannot be had.
    """
    # its remarks repeat what the command says itself
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    tasks: dict[tuple[str, str], Task] = {}
    for name in names:
        for task in _load(name, place, form, settings):
            tasks.setdefault((task.name, task.sha256), task)
    return list(tasks.values())


def _load(name: str, place: str, form: Form, settings: Settings) -> Iterator[Task]:
    found = find_suite(name)
    if Path(name).is_file() or name.endswith(FILE_ENDINGS):
        yield task_of_file(inside(name, settings), form)
    elif found:
        suite, subject = found
        folder = find_data(suite, place, settings)
        yield from tasks_of_folder(suite, subject, name, folder, form)
    else:
        yield from tasks_of_library(name, form)

"""One task of a benchmark and the form in which all of them are asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from finetune.data.choices import Choice

Row = TypeVar("Row")
ACCURACIES = ("acc", "exact_match")  # the library's names


@dataclass(frozen=True)
class Form:
    """How every task is asked."""

    shots: int | None = None  # solved questions before each; None: as many as the task says
    chat: bool = False  # by the chat template
    written: bool = False  # the model writes its answer; else its likeliest letter counts
    seed: int = 1234
    limit: int = 0

    def first(self, rows: Iterable[Row]) -> list[Row]:
        """The rows that are asked."""
        return list(rows)[: self.limit or None]

    def given_to(self, task: Any) -> Any:
        """The library's task, with its shots and their seed."""
        shots = task.config.num_fewshot
        if shots is None:
            shots = self.shots or 0
        elif self.shots is not None and shots != 0:  # 0: none, by the task's own rule
            shots = self.shots
        task.set_config(key="num_fewshot", value=shots)
        task.set_fewshot_seed(seed=self.seed)
        return task


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

"""The tasks of training: one row each. `check`, `train` and the page read this table.

To add one: a module beside finetune/train/sft.py that makes its trainer, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.data.dataset import Loaded, load_examples
from finetune.data.examples import Example
from finetune.encoding.masking import EncodedAll, encode_all
from finetune.section import Section


@dataclass(frozen=True)
class Task:
    """A row. A run file names its task by `task`; without that it is the first of the table."""

    name: str
    title: tuple[str, str]
    """In English and in Chinese, for the page."""

    learns_from: tuple[type, ...]
    """The kinds of rows that it learns from."""

    load: Callable[[Sequence[Path], dict[str, str]], Loaded]
    """(files, columns with their only values) -> rows of that kind, and all problems."""

    encode: Callable[[Sequence[Any], Any, int], EncodedAll]
    """(rows, tokenizer, max_length in tokens) -> token ids and labels."""

    trainer: str
    """Place `module:function` of `Order -> trainer`; imported only when a training begins."""

    section: str = ""
    """The section of the run file with settings of this task alone; empty where it needs none."""

    settings: type[Section] = Section


SFT = Task(
    name="sft",
    title=("Supervised fine-tuning", "监督微调"),
    learns_from=(Example,),
    load=load_examples,
    encode=encode_all,
    trainer="finetune.train.sft:make_trainer",
)

TASKS: dict[str, Task] = {row.name: row for row in (SFT,)}

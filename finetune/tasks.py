"""The tasks of training: one row each. `check`, `train` and the page read this table.

To add one: a module beside finetune/train/sft.py that makes its trainer, and a row here. A task
that learns rows of files names how they are loaded and encoded; another one names its own `read`
and `prepare`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.corpus.sample import count_blocks
from finetune.corpus.settings import Pretrain
from finetune.data.dataset import Loaded, load_examples
from finetune.data.preferred import load_pairs, load_ratings
from finetune.encoding.masking import EncodedAll, encode_all
from finetune.encoding.preferred import encode_pairs, encode_ratings
from finetune.preference import Dpo, Kto
from finetune.section import Section

ROWS = "finetune.run.preparation"
PREFERENCES = "finetune.run.preference"


@dataclass(frozen=True)
class Task:
    """A row. A run file names its task by `task`; without that it is the first of the table.

    A place is `module:function`, imported when it is needed.
    """

    name: str
    title: tuple[str, str]
    """In English and in Chinese, for the page."""

    encode: Callable[[Any, Any, int], EncodedAll]
    """(what is taught, tokenizer, max_length in tokens) -> token ids and labels, for `check`."""

    trainer: str
    """Place of `Order -> trainer`."""

    load: Callable[[Sequence[Path], dict[str, str]], Loaded] = load_examples
    """(files, columns with their only values) -> the rows to learn, and all problems."""

    read: str = f"{ROWS}:read_sets"
    """Place of `RunConfig -> Sets`: what the run's data gives, with every problem in it."""

    prepare: str = f"{ROWS}:prepare_data"
    """Place of `(run, config, report) -> Sets`: the same, kept in the run folder."""

    problems: str = ""
    """Place of `(config, settings) -> problems` that only this task has; empty for none."""

    section: str = ""
    """The section of the run file with settings of this task; empty where it needs none.

    Tasks may share a section, each with settings of its own.
    """

    settings: type[Section] = Section

    compares: bool = False
    """Whether the model is held against a reference, which is the base where nothing else is."""

    sequences: int = 1
    """Sequences that a row of a batch has."""

    more_passes: int = 0
    """Passes over the weights that a step needs beside forward and backward."""

    rate: float = 1.0
    """Its learning rates, as a share of those that suit supervised fine-tuning."""

    scored: float = 0.5
    """Share of a row's tokens that are learned, and so scored."""

    talks: bool = True
    """Whether it learns conversations, which a chat template writes; else it goes on with text."""


SFT = Task(
    name="sft",
    title=("Supervised fine-tuning", "监督微调"),
    load=load_examples,
    encode=encode_all,
    trainer="finetune.train.sft:make_trainer",
)

DPO = Task(
    name="dpo",
    title=("Preferences: pairs of answers (DPO)", "偏好训练：成对回答（DPO）"),
    load=load_pairs,
    encode=encode_pairs,
    trainer="finetune.train.preferring:make_pair_trainer",
    prepare=f"{PREFERENCES}:prepare",
    problems=f"{PREFERENCES}:pair_problems",
    section="preference",
    settings=Dpo,
    rate=0.2,
    compares=True,
    sequences=2,
    more_passes=2,  # the reference reads both answers
)
KTO = Task(
    name="kto",
    title=("Preferences: rated answers (KTO)", "偏好训练：评价过的回答（KTO）"),
    load=load_ratings,
    encode=encode_ratings,
    trainer="finetune.train.preferring:make_rated_trainer",
    read=f"{PREFERENCES}:read_ratings",
    prepare=f"{PREFERENCES}:prepare",
    problems=f"{PREFERENCES}:rated_problems",
    section="preference",
    settings=Kto,
    rate=0.2,
    compares=True,
    more_passes=6,  # the reference reads the answers, and both read strange ones
)
PRETRAIN = Task(
    name="pretrain",
    title=("Continued pre-training", "继续预训练"),
    read="finetune.run.corpora:read_corpora",
    prepare="finetune.run.corpora:prepare_corpora",
    encode=count_blocks,
    trainer="finetune.train.pretrain:make_trainer",
    problems="finetune.run.corpora:method_problems",
    section="pretrain",
    settings=Pretrain,
    scored=1.0,
    talks=False,
)

TASKS: dict[str, Task] = {row.name: row for row in (SFT, PRETRAIN, DPO, KTO)}

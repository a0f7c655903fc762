"""A row of any file -> its kind of training data, and the row, parsed and validated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from finetune.data.columns import Row
from finetune.data.examples import DataRow
from finetune.data.formats import read_dialogue, shape_of
from finetune.data.plain_text import is_plain_text, read_plain_text
from finetune.data.preferences import is_preference, read_preference
from finetune.data.ratings import is_rated, read_rated
from finetune.data.toolalpaca import split_instances
from workbench.errors import InvalidInput
from workbench.messages import Message, say

SHAPES = say(
    "Known are: messages, conversations, instruction/input/output, prompt/completion, "
    "question/answer, question with options A to D, ToolAlpaca, a table of two columns."
)


@dataclass(frozen=True)
class Kind:
    """A kind of training data.

    `shape_of` gives the name of the row's shape, empty where the row is of another kind.
    `read` takes the row, its FILE:LINE and its shape; it raises InvalidInput or LeftOut. The row
    that it returns is hashed and written by its `to_line`.
    `tasks` can train on it, the first on all of it. `describe` says that of a number of rows.
    """

    shape_of: Callable[[Row], str]
    read: Callable[[Row, str, str], DataRow]
    tasks: tuple[str, ...]
    describe: Callable[[int], Message]


def read_row(row: Any, where: str = "") -> tuple[str, str, DataRow]:
    """The names of the row's kind and shape, and the row.

    Raises InvalidInput for a wrong row, LeftOut for a right one that cannot be learned.
    """
    if isinstance(row, list) and len(row) == 2:
        row = {"prompt": row[0], "answer": row[1]}
    if not isinstance(row, dict):
        raise InvalidInput(say("a row is no object but {name}", name=type(row).__name__), SHAPES)
    for name, kind in KINDS.items():
        shape = kind.shape_of(row)
        if shape:
            return name, shape, kind.read(row, where, shape)
    columns = ", ".join(map(str, row)) or "none"
    raise InvalidInput(say("unknown columns: {value}", value=columns), SHAPES)


def split_row(row: Any) -> list[Any]:
    """The dialogues of a row that has several; any other row alone."""
    return split_instances(row) if isinstance(row, dict) else [row]


def _preference_shape(row: Row) -> str:
    return "DPO, the chosen answers" if is_preference(row) else ""


def _rated_shape(row: Row) -> str:
    return "KTO, the answers rated good" if is_rated(row) else ""


def _text_shape(row: Row) -> str:
    return "plain text" if is_plain_text(row) else ""


def _describe_preferences(rows: int) -> Message:
    return say(
        "{rows} preference pairs: supervised fine-tuning (sft) learns the chosen answers only; "
        "preference training (dpo) learns from both.",
        rows=rows,
    )


def _describe_ratings(rows: int) -> Message:
    return say(
        "{rows} rated answers: supervised fine-tuning (sft) learns the good ones only; "
        "training on ratings (kto) learns from all.",
        rows=rows,
    )


def _describe_dialogues(rows: int) -> Message:
    return say("{rows} dialogues, for supervised fine-tuning (sft).", rows=rows)


def _describe_texts(rows: int) -> Message:
    return say("{rows} plain texts, for continued pre-training (pretrain).", rows=rows)


# The first that fits is taken: a rated dialogue is a dialogue too, so dialogues come after it.
KINDS = {
    "preference": Kind(
        shape_of=_preference_shape,
        read=lambda row, where, _: read_preference(row, where),
        tasks=("dpo", "kto", "sft"),
        describe=_describe_preferences,
    ),
    "rated": Kind(
        shape_of=_rated_shape,
        read=lambda row, where, _: read_rated(row, where),
        tasks=("kto", "sft"),
        describe=_describe_ratings,
    ),
    "dialogue": Kind(
        shape_of=shape_of,
        read=read_dialogue,
        tasks=("sft",),
        describe=_describe_dialogues,
    ),
    "text": Kind(
        shape_of=_text_shape,
        read=lambda row, where, _: read_plain_text(row, where),
        tasks=("pretrain",),
        describe=_describe_texts,
    ),
}

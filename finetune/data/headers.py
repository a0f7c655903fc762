"""The first row of a table -> whether it names the columns, or is data itself."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.data.columns import ANSWERS, QUESTIONS, TURNS

KNOWN = {*QUESTIONS, *ANSWERS, *TURNS, "text"}
LONGEST = 40  # characters of a column's name
SENTENCE_ENDS = ("?", "？", "。", ".")


def names_columns(header: Sequence[str]) -> bool:
    """Whether the row names columns. Two unknown columns may be a question and its answer."""
    if KNOWN & {cell.lower() for cell in header}:
        return True
    return not any(_is_sentence(cell) for cell in header)


def _is_sentence(cell: str) -> bool:
    return len(cell) > LONGEST or cell.rstrip().endswith(SENTENCE_ENDS)

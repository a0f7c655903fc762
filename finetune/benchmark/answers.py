"""A task of letters -> the same task with answers that the model writes itself."""

from __future__ import annotations

import re
from typing import Any

from workbench.models.reasoning import answer_only

LETTER = re.compile(r"(?<![A-Za-z])([A-J])(?![A-Za-z])")
TOKENS = 32  # of an answer: a letter, perhaps in a short sentence


def as_answers(config: dict[str, Any], answer: str) -> dict[str, Any]:
    """The library's task with answers as text, whose first letter counts.

    `answer` is the column with the right letter.
    """

    def right(row: dict[str, Any], said: list[str]) -> dict[str, float]:
        return {"acc": float(letter_of(said[0]) == row[answer])}

    written = {key: value for key, value in config.items() if key != "doc_to_choice"}
    return written | {
        "output_type": "generate_until",
        "doc_to_target": answer,
        "process_results": right,
        "generation_kwargs": {
            "until": ["\n\n"],
            "max_gen_toks": TOKENS,
            "do_sample": False,
            "temperature": 0.0,
        },
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }


def letter_of(said: str) -> str:
    """The first letter of an option that stands alone in the answer; empty without one."""
    found = LETTER.search(answer_only(said))
    return found[1] if found else ""

"""A row of DPO data -> PreferencePair: a prompt, the chosen and the rejected answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from finetune.data.calls import read_tools
from finetune.data.columns import (
    TURNS,
    Row,
    find_column,
    group_of,
    read_question,
    read_said,
    with_system_prompt,
)
from finetune.data.examples import Example, Message, as_line, as_openai, begun_with
from finetune.data.order import check_order
from finetune.data.turns import read_turns
from workbench.errors import InvalidInput
from workbench.messages import say


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """Two answers to one prompt. An answer may have several turns: call, result, text."""

    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...] = ()
    group: str = ""
    where: str = ""

    def to_line(self) -> str:
        """One line of JSON in TRL's conversational form; reading it gives the same pair again."""
        sides = {
            "prompt": as_openai(self.prompt),
            "chosen": as_openai(self.chosen),
            "rejected": as_openai(self.rejected),
        }
        return as_line(sides, self.tools, self.group)

    def to_example(self) -> Example:
        """The dialogue with the chosen answer."""
        return Example((*self.prompt, *self.chosen), self.tools, self.group, self.where)

    @property
    def dialogue(self) -> Example:
        """The same."""
        return self.to_example()

    def with_system(self, system: str) -> PreferencePair:
        """The pair with that system prompt, if it has none of its own."""
        return replace(self, prompt=begun_with(system, self.prompt))


def is_preference(row: Row) -> bool:
    return "chosen" in row and "rejected" in row


def read_preference(row: Row, where: str) -> PreferencePair:
    """The pair of a row; `chosen` and `rejected` may hold whole dialogues. Raises InvalidInput."""
    if _is_dialogue(row["chosen"]):
        chosen, rejected = read_turns(row["chosen"]), _read_rejected(row)
        begin = _shared(chosen, rejected)
        prompt, chosen, rejected = chosen[:begin], chosen[begin:], rejected[begin:]
    else:
        prompt = with_system_prompt(row, _read_prompt(row))
        chosen, rejected = read_said(row["chosen"]), read_said(row["rejected"])
    pair = PreferencePair(
        prompt, chosen, rejected, read_tools(row.get("tools")), group_of(row), where
    )
    check_preference(pair)
    return pair


def check_preference(pair: PreferencePair) -> None:
    """Raises InvalidInput unless both answers can follow the prompt and differ."""
    if pair.chosen == pair.rejected:
        raise InvalidInput(
            "the chosen and the rejected answer are the same",
            "Correct one of them, or delete this row.",
        )
    check_order((*pair.prompt, *pair.chosen))
    try:
        check_order((*pair.prompt, *pair.rejected))
    except InvalidInput as error:
        raise InvalidInput(
            say("the rejected answer: {problem}", problem=error.problem), error.fix
        ) from error
    if not _begins_with_answer(pair.chosen) or not _begins_with_answer(pair.rejected):
        raise InvalidInput(
            "the chosen and the rejected dialogue differ before the answer",
            "Give both the same turns up to the answer.",
        )


def _begins_with_answer(turns: Sequence[Message]) -> bool:
    return bool(turns) and turns[0].role == "assistant"


def _read_prompt(row: Row) -> tuple[Message, ...]:
    column = find_column(row, TURNS)
    return read_turns(row[column]) if column else read_question(row)


def _read_rejected(row: Row) -> tuple[Message, ...]:
    rejected = row["rejected"]
    return read_turns(rejected) if isinstance(rejected, list) else read_said(rejected)


def _is_dialogue(answer: Any) -> bool:
    """Whether the answer brings its own prompt: turns of which the assistant's is not first."""
    if not isinstance(answer, list) or len(answer) < 2 or not isinstance(answer[0], dict):
        return False
    role = answer[0].get("role") or answer[0].get("from")
    return role not in ("assistant", "gpt", "function_call", "tool_call")


def _shared(chosen: Sequence[Message], rejected: Sequence[Message]) -> int:
    """How many turns both dialogues begin with."""
    same = 0
    for one, other in zip(chosen, rejected, strict=False):
        if one != other:
            break
        same += 1
    return same

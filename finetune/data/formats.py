"""A row of any known shape -> examples. The shape is known by what the row holds, never by a file's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from finetune.data.examples import Example, Message, Role
from finetune.data.toolalpaca import NoGoldenAnswer, is_toolalpaca, read_toolalpaca, split_instances
from finetune.data.turns import check_order, read_tools, read_turns
from workbench.errors import InvalidInput
from workbench.messages import say

Row = dict[str, Any]
QUESTIONS = (
    "prompt",
    "question",
    "query",
    "instruction",
    "input",
    "user",
    "q",
    "问题",
    "提问",
    "问",
    "指令",
    "输入",
)
ANSWERS = (
    "completion",
    "answer",
    "response",
    "output",
    "reply",
    "assistant",
    "target",
    "a",
    "答案",
    "回答",
    "答",
    "回复",
    "输出",
)
SYSTEMS = ("system", "system_prompt", "系统")
TURNS = ("messages", "conversations", "conversation", "dialog", "dialogue")
CHINESE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")  # letters, or the punctuation alone
SIDES: tuple[Role, Role] = ("user", "assistant")
LETTERS = "ABCDEFGHIJ"
SHAPES = (
    "Known are: messages, conversations, instruction/input/output, prompt/completion, question/answer, question with "
    "options A to D, ToolAlpaca, a table of two columns."
)


class LeftOut(Exception):
    """A row that is right but is not to be learned; the text says why."""


class Format(NamedTuple):
    """A shape: how it is known, and what is made of it."""

    name: str
    fits: Callable[[Row], bool]
    read: Callable[[Row], Sequence[Message]]


def read_row(row: Any, where: str = "") -> tuple[str, Example]:
    """The shape's name and the example. Raises InvalidInput for a wrong row, LeftOut for one not to be learned."""
    if isinstance(row, list) and len(row) == 2:
        row = {"prompt": row[0], "answer": row[1]}
    if not isinstance(row, dict):
        raise InvalidInput(say("a row is no object but {name}", name=type(row).__name__), SHAPES)
    for shape in FORMATS:
        if shape.fits(row):
            messages = tuple(shape.read(row))
            check_order(messages)
            return shape.name, Example(
                messages, read_tools(row.get("tools")), str(row.get("group") or ""), where
            )
    if "text" in row:
        raise InvalidInput(
            "plain text without question and answer", "Use it for continued pre-training instead."
        )
    raise InvalidInput(
        say("unknown columns: {value}", value=", ".join(map(str, row)) or "none"), SHAPES
    )


def split_row(row: Any) -> list[Any]:
    """A row that holds several conversations -> those; any other is alone."""
    return split_instances(row) if isinstance(row, dict) else [row]


def names_columns(header: Sequence[str]) -> bool:
    """Whether a table's first row names its columns; the first row of two unknown columns may be data itself."""
    known = {*QUESTIONS, *ANSWERS, *TURNS}
    looks_like_data = any(
        len(cell) > 40 or cell.rstrip().endswith(("?", "？", "。", ".")) for cell in header
    )
    return bool(known & {cell.lower() for cell in header}) or not looks_like_data


def ask_choice(question: str, options: dict[str, str]) -> str:
    """A multiple-choice question as lm-evaluation-harness asks it on C-Eval and CMMLU."""
    text = "\n".join(
        [question.strip(), *(f"{letter}. {option}" for letter, option in options.items())]
    )
    return text + ("\n答案：" if CHINESE.search(text) else "\nAnswer:")


def _find(row: Row, names: Sequence[str]) -> str:
    """The row's own name of the first of these columns; capitals do not matter."""
    own = {str(key).strip().lower(): key for key in row}
    return next((own[name] for name in names if name in own), "")


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _with_system(row: Row, messages: Sequence[Message]) -> list[Message]:
    system = _text(row.get(_find(row, SYSTEMS)))
    has = bool(messages) and messages[0].role == "system"
    return [Message("system", system), *messages] if system.strip() and not has else list(messages)


def _read_turns(row: Row) -> list[Message]:
    return _with_system(row, read_turns(row[_find(row, TURNS)]))


def _read_preference(row: Row) -> list[Message]:
    """DPO: the chosen answer is what is taught; it may hold the whole conversation."""
    chosen = row["chosen"]
    answer = (
        chosen
        if isinstance(chosen, list)
        else [chosen if isinstance(chosen, dict) else _said("assistant", chosen)]
    )
    if (
        len(answer) > 1
        and isinstance(answer[0], dict)
        and (answer[0].get("role") or answer[0].get("from")) != "assistant"
    ):
        return list(read_turns(answer))
    before = read_turns(row[_find(row, TURNS)]) if _find(row, TURNS) else _asked(row)
    return _with_system(row, [*before, *read_turns(answer)])


def _read_rated(row: Row) -> list[Message]:
    """KTO: a conversation and whether its answer was good."""
    if not row["label"]:
        raise LeftOut("rated as a bad answer (label false)")
    return _read_turns(row) if _find(row, TURNS) else _read_pair(row)


def _read_golden(row: Row) -> list[Message]:
    try:
        return read_toolalpaca(row)
    except NoGoldenAnswer as error:
        raise LeftOut(
            "no golden answer: this row tests a model and has no call to learn"
        ) from error


def _read_choice(row: Row) -> list[Message]:
    options = _options(row)
    answer = row.get(_find(row, ("answer", "答案", "target")))
    letter = (
        LETTERS[answer]
        if isinstance(answer, int) and 0 <= answer < len(options)
        else _text(answer).strip()
    )
    if not letter:
        raise InvalidInput(
            "empty answer", "Write the letter of the right option, or delete this row."
        )
    if letter not in options:
        raise InvalidInput(
            say("the answer {letter!r} is none of the options", letter=letter),
            say("Write one of {options}.", options=", ".join(options)),
        )
    question = _text(row[_find(row, ("question", "prompt", "问题"))])
    return [Message("user", ask_choice(question, options)), Message("assistant", letter)]


def _options(row: Row) -> dict[str, str]:
    if isinstance(row.get("choices"), list):
        return dict(zip(LETTERS, map(str, row["choices"]), strict=False))
    return {letter: _text(row[letter]) for letter in LETTERS if letter in row}


def _read_alpaca(row: Row) -> list[Message]:
    """Instruction with its input beneath; earlier question-answer pairs may stand in `history`."""
    before = [
        Message(role, _text(text))
        for pair in _pairs(row.get("history"))
        for role, text in zip(SIDES, pair, strict=True)
    ]
    asked = "\n".join(
        part for part in (_text(row["instruction"]), _text(row.get("input"))) if part.strip()
    )
    answer = Message("assistant", _text(row[_find(row, ANSWERS)]))
    return _with_system(row, [*before, Message("user", asked), answer])


def _pairs(history: Any) -> list[Any]:
    pairs = history or []
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs
    ):
        raise InvalidInput(
            "`history` holds no question-answer pairs", "Write [[question, answer], …]."
        )
    return pairs


def _read_pair(row: Row) -> list[Message]:
    answer = row[_find(row, ANSWERS)]
    return _with_system(
        row,
        [
            *_asked(row),
            *read_turns(answer if isinstance(answer, list) else [_said("assistant", answer)]),
        ],
    )


def _read_columns(row: Row) -> list[Message]:
    question, answer = row.values()
    return [Message("user", _text(question)), Message("assistant", _text(answer))]


def _asked(row: Row) -> Sequence[Message]:
    """The question of a row, alone or as turns."""
    question = row.get(_find(row, QUESTIONS))
    if _find(row, QUESTIONS) == "instruction" and _text(row.get("input")).strip():
        question = f"{question}\n{row['input']}"
    return read_turns(question if isinstance(question, list) else [_said("user", question)])


def _said(role: str, text: Any) -> dict[str, Any]:
    return {"role": role, "content": text}


FORMATS = (
    Format(
        "DPO, the chosen answers",
        lambda row: "chosen" in row and "rejected" in row,
        _read_preference,
    ),
    Format(
        "KTO, the answers rated good", lambda row: isinstance(row.get("label"), bool), _read_rated
    ),
    Format("messages", lambda row: "messages" in row, _read_turns),
    Format("conversations", lambda row: bool(_find(row, TURNS)), _read_turns),
    Format("ToolAlpaca", is_toolalpaca, _read_golden),
    Format(
        "multiple choice",
        lambda row: len(_options(row)) > 1 and bool(_find(row, QUESTIONS)),
        _read_choice,
    ),
    Format("Alpaca", lambda row: "instruction" in row and bool(_find(row, ANSWERS)), _read_alpaca),
    Format(
        "question and answer",
        lambda row: bool(_find(row, QUESTIONS) and _find(row, ANSWERS)),
        _read_pair,
    ),
    Format(
        "two columns",
        lambda row: len(row) == 2 and all(isinstance(cell, str) for cell in row.values()),
        _read_columns,
    ),
)

"""Without a model that calls tools: the parts of a question are asked in turn, and their numbers
computed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator
from contextlib import closing

from agents.answer import answer
from agents.assistant import texts
from agents.assistant.numbering import Numbering
from agents.assistant.parts import parts_of
from agents.assistant.work import LimitReached, shortened
from agents.question import Question
from agents.tools.calculator import calculate
from agents.tools.experts import is_shown
from agents.tools.tool import Outcome
from workbench.chat.events import (
    Beat,
    Calling,
    Done,
    Event,
    Failed,
    Notice,
    Routed,
    Step,
    Table,
    Token,
    to_dict,
)
from workbench.models.listing import NONE

# what is asked of the numbers of the parts before -> the expression over two of them
OPERATIONS = [
    (
        re.compile(
            r"\b(difference|how many more|how much more|fewer|apart)\b|相差|差多少|多多少", re.I
        ),
        "-",
    ),
    (re.compile(r"\b(sum|total|together|altogether)\b|合计|一共|总共|总和", re.I), "+"),
    (re.compile(r"\b(ratio|quotient|times as (many|much)|per)\b|比值|几倍|倍数", re.I), "/"),
    (re.compile(r"\b(product|multiplied)\b|乘积", re.I), "*"),
]
REFERS = re.compile(
    r"\b(both|two|them|these|their|those|numbers|results)\b|两者|二者|它们|两个|这些|结果", re.I
)


def answer_in_turn(question: Question) -> Iterator[Event]:
    """A step for each part, then the parts' answers and what is computed of them, then Done."""
    begun = time.monotonic()
    settings = question.settings
    results: dict[int, Outcome] = {}
    said: list[str] = []
    limit = ""
    numbering = Numbering()
    for number, part in enumerate(parts_of(question.text, question.language), 1):
        if number > settings.assistant_steps:
            limit = "steps"
        elif time.monotonic() - begun > settings.assistant_seconds:
            limit = "seconds"
        if limit:
            break
        expression = _expression(part, results)
        if expression:
            outcome = yield from _compute(number, expression, results)
        else:
            until = begun + settings.assistant_seconds
            try:
                outcome = yield from _ask(number, part, question, numbering, until)
            except LimitReached as reached:
                limit = reached.limit
                break
        results[number] = outcome
        said.append(f"**{part}**\n\n{outcome.text.strip()}")
    yield Token("\n\n".join(said) or texts.known_so_far(question.language, {}))
    if limit:
        amount = getattr(settings, f"assistant_{limit}")
        yield Notice(texts.stopped_by(question.language, limit, amount))
    model = question.model
    yield Done(model.name if model else NONE, time.monotonic() - begun)


def _ask(
    number: int, part: str, question: Question, numbering: Numbering, until: float
) -> Generator[Event, None, Outcome]:
    """The answer of the agent that Auto chooses for the part, as one step.

    Raises LimitReached where it has not ended by that moment of the monotonic clock.
    """
    begun = time.monotonic()
    said, problem, mode = "", "", ""
    table: Table | None = None
    shown = []
    numbering.begin()
    with closing(answer(part, [], question.settings, files=question.files)) as events:
        for event in events:
            if time.monotonic() > until:
                raise LimitReached("seconds")
            if isinstance(event, Beat):
                yield event
                continue
            event = numbering.numbered(event)
            if isinstance(event, Routed):
                if not mode:
                    yield Calling(number, event.mode, {"question": part})
                mode = event.mode
            elif isinstance(event, Token):
                said += event.text
            elif isinstance(event, Table):
                table = event
            elif isinstance(event, Failed):
                problem = f"{event.problem} {event.fix}".strip()
            if is_shown(event):
                shown.append(to_dict(shortened(event)))
    outcome = Outcome(problem or said, table, "failed" if problem else "done")
    seconds = round(time.monotonic() - begun, 2)
    yield Step(number, mode, {"question": part}, outcome.text, outcome.state, seconds, shown)
    yield from numbering.of_this_step()
    return outcome


def _expression(part: str, results: dict[int, Outcome]) -> str:
    """What the part asks to compute of the last two numbers; empty where it asks something else."""
    numbered = [number for number, outcome in results.items() if one_number(outcome) is not None]
    if len(numbered) < 2 or not REFERS.search(part):
        return ""
    for pattern, sign in OPERATIONS:
        if pattern.search(part):
            left, right = (_written(results[number]) for number in numbered[-2:])
            return f"{left} {sign} {right}"
    return ""


def _compute(
    number: int, expression: str, results: dict[int, Outcome]
) -> Generator[Event, None, Outcome]:
    arguments = {"expression": expression}
    yield Calling(number, "calculator", arguments)
    computed = calculate(expression, results)
    yield Step(number, "calculator", arguments, computed.text)
    return Outcome(f"{expression} = {computed.text}", computed.table)


def one_number(outcome: Outcome) -> float | None:
    """The number of a table of one row with one number in it; None for any other result."""
    rows = outcome.table.rows if outcome.table else []
    if len(rows) != 1:
        return None
    numbers = [cell for cell in rows[0] if isinstance(cell, int | float)]
    return numbers[0] if len(numbers) == 1 else None


def _written(outcome: Outcome) -> str:
    number = one_number(outcome)
    return f"({number})" if number is not None and number < 0 else str(number)

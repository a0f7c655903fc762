"""ToolAlpaca's evaluation rows and training instances -> conversations; the tools stand as text in the system turn."""

from __future__ import annotations

from typing import Any

from finetune.data.examples import Message
from finetune.data.calls import objects_in, read_calls
from workbench.errors import InvalidInput

OFFER = "You can call these tools:\n\n"


class NoGoldenAnswer(Exception):
    """An evaluation row that says what to ask but not which call is right."""


def is_toolalpaca(row: dict[str, Any]) -> bool:
    """An evaluation row, or an instance that `split_instances` made."""
    return {"functions", "instruction"} <= row.keys() and bool(
        {"golden_answer", "steps"} & row.keys()
    )


def split_instances(row: dict[str, Any]) -> list[dict[str, Any]]:
    """A training row is an API with its `Instances`: each becomes a row of its own. Other rows stay as they are."""
    if "Instances" not in row:
        return [row]
    described = row.get("Function_Description")
    functions = row.get("NLDocumentation") or "\n".join(
        f"{name}: {text}"
        for name, text in (described if isinstance(described, dict) else {}).items()
        if name != "components"
    )
    return [
        {
            "functions": functions,
            "instruction": str(one.get("input", "")).rsplit("\nHint: ", 1)[0],
            "steps": one.get("intermediate_steps") or [],
            "output": one.get("output"),
        }
        for one in objects_in(row["Instances"], "`Instances`")
    ]


def read_toolalpaca(row: dict[str, Any]) -> list[Message]:
    """The tools, the instruction, and the right calls (evaluation) or every step up to the answer (training)."""
    asked = [
        Message("system", f"{OFFER}{row['functions']}"),
        Message("user", str(row["instruction"])),
    ]
    if "steps" in row:
        if not isinstance(row["steps"], list):
            raise InvalidInput(
                "`intermediate_steps` is no list", "Take the row as ToolAlpaca has it."
            )
        said = [message for step in row["steps"] for message in _read_step(step)]
        return [*asked, *said, Message("assistant", str(row.get("output") or ""))]
    if not row["golden_answer"]:
        raise NoGoldenAnswer
    calls = [
        {"name": call.get("Action"), "arguments": call.get("Action_Input")}
        for call in objects_in(row["golden_answer"], "`golden_answer`")
    ]
    return [*asked, Message("assistant", "", read_calls(calls))]


def _read_step(step: Any) -> list[Message]:
    """[[tool, its input as JSON, what was thought], observation] -> the call after its thought, and the result."""
    try:
        (tool, given, log), observation = step
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            "a step is not [[tool, input, thought], observation]",
            "Take the row as ToolAlpaca has it.",
        ) from error
    thought = str(log).split("\nAction:")[0].strip().removeprefix("Thought:").strip()
    return [
        Message("assistant", thought, read_calls({"name": tool, "arguments": given})),
        Message("tool", str(observation)),
    ]

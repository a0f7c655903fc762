"""ToolAlpaca's evaluation rows and training instances -> dialogues."""

from __future__ import annotations

from typing import Any

from finetune.data.calls import objects_in, read_calls
from finetune.data.examples import Message
from workbench.errors import InvalidInput

OFFER = "You can call these tools:\n\n"


class NoGoldenAnswer(Exception):
    """An evaluation row that says what to ask but not which call is right."""


def is_toolalpaca(row: dict[str, Any]) -> bool:
    """An evaluation row, or an instance that `split_instances` made."""
    if "functions" not in row or "instruction" not in row:
        return False
    return "golden_answer" in row or "steps" in row


def split_instances(row: dict[str, Any]) -> list[dict[str, Any]]:
    """A training row is an API with its `Instances`, each a row. Other rows stay as they are.

    Raises InvalidInput where the instances are no list of objects.
    """
    if "Instances" not in row:
        return [row]
    functions = row.get("NLDocumentation") or _describe(row.get("Function_Description"))
    return [_instance(one, functions) for one in objects_in(row["Instances"], "`Instances`")]


def read_toolalpaca(row: dict[str, Any]) -> list[Message]:
    """The tools, the instruction, and the right calls (evaluation) or every step (training).

    Raises NoGoldenAnswer, or InvalidInput.
    """
    asked = [
        Message("system", f"{OFFER}{row['functions']}"),
        Message("user", str(row["instruction"])),
    ]
    if "steps" in row:
        return [*asked, *_read_steps(row["steps"]), _answer(row.get("output"))]
    if not row["golden_answer"]:
        raise NoGoldenAnswer
    calls = [
        {"name": call.get("Action"), "arguments": call.get("Action_Input")}
        for call in objects_in(row["golden_answer"], "`golden_answer`")
    ]
    return [*asked, Message("assistant", "", read_calls(calls))]


def _describe(functions: Any) -> str:
    """The functions one a line; `components` is a part of the OpenAPI text, no function."""
    if not isinstance(functions, dict):
        return ""
    lines = [f"{name}: {text}" for name, text in functions.items() if name != "components"]
    return "\n".join(lines)


def _instance(one: dict[str, Any], functions: Any) -> dict[str, Any]:
    question = str(one.get("input", "")).rsplit("\nHint: ", 1)[0]
    return {
        "functions": functions,
        "instruction": question,
        "steps": one.get("intermediate_steps") or [],
        "output": one.get("output"),
    }


def _answer(output: Any) -> Message:
    return Message("assistant", str(output or ""))


def _read_steps(steps: Any) -> list[Message]:
    if not isinstance(steps, list):
        raise InvalidInput("`intermediate_steps` is no list", "Take the row as ToolAlpaca has it.")
    messages: list[Message] = []
    for step in steps:
        messages += _read_step(step)
    return messages


def _read_step(step: Any) -> list[Message]:
    """[[tool, its input as JSON, its log], observation] -> thought and call, then the result."""
    try:
        (tool, given, log), observation = step
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            "a step is not [[tool, input, thought], observation]",
            "Take the row as ToolAlpaca has it.",
        ) from error
    thought, _, _ = str(log).partition("\nAction:")
    thought = thought.strip().removeprefix("Thought:").strip()
    return [
        Message("assistant", thought, read_calls({"name": tool, "arguments": given})),
        Message("tool", str(observation)),
    ]

"""Local models call tools in the form of their chat template; a cut-off call is never a call."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
from chat_templates import FAMILIES, tokenizer_of
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import Field

from workbench.errors import InvalidInput
from workbench.models.chat_format import fit_prompt
from workbench.models.local import ChatModelHere, Count
from workbench.models.tool_calls import BROKEN, CallReader, Form, WrittenCall, form_of_calls

FORMS = {"qwen2_5": "hermes", "qwen3": "hermes", "llama3_1": "llama"}
ADD = {
    "name": "add",
    "description": "Adds.",
    "parameters": {"type": "object", "properties": {"a": {"type": "number"}}},
}
TOOLS = [{"type": "function", "function": ADD}]
CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 2}}\n</tool_call>'


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, Any]:
    return {family: tokenizer_of(family, ["add two"]) for family in FAMILIES}


class Written(ChatModelHere):
    """Writes what it is given, in pieces of one character."""

    text: str
    tokenizer: Any
    seen: list[Any] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "written"

    def load_tokenizer(self) -> Any:
        return self.tokenizer

    def pieces(
        self, turns: list[dict[str, Any]], count: Count, tools: Sequence[dict[str, Any]] = ()
    ) -> Generator[str, None, None]:
        self.seen.append((turns, list(tools)))
        yield from self.text


def test_the_template_says_how_calls_are_written(tokenizers: dict[str, Any]) -> None:
    found = {family: form_of_calls(tokenizer) for family, tokenizer in tokenizers.items()}
    assert len(found) >= 10
    for family, form in found.items():
        assert form == FORMS.get(family), family


@pytest.mark.parametrize("family", FORMS)
def test_a_model_calls_a_tool_and_reads_its_result(family: str, tokenizers: dict[str, Any]) -> None:
    text = CALL if FORMS[family] == "hermes" else '{"name": "add", "parameters": {"a": 2}}'
    model = Written(text=text, tokenizer=tokenizers[family])
    message = model.bind_tools([ADD]).invoke([HumanMessage("?")])
    (call,) = message.tool_calls
    assert (call["name"], call["args"], message.content) == ("add", {"a": 2}, "")
    history = [SystemMessage("Be brief."), HumanMessage("?"), message]
    history.append(ToolMessage("4", tool_call_id=call["id"], name="add"))
    model.bind_tools([ADD]).invoke(history)
    turns, tools = model.seen[-1]
    prompt = fit_prompt(tokenizers[family], turns, 10_000, "np", tools)["input_ids"][0]
    shown = tokenizers[family].decode(prompt)
    assert "Adds." in shown and "Be brief." in shown
    assert shown.count('"a"') >= 2 and "4" in shown  # the call and its result are in the prompt


@pytest.mark.parametrize(
    ("form", "text", "said", "calls"),
    [
        ("hermes", "Let me see.\n" + CALL, "Let me see.\n", [WrittenCall("add", '{"a": 2}')]),
        ("hermes", CALL + "\n" + CALL, "", [WrittenCall("add", '{"a": 2}')] * 2),
        ("hermes", "1 < 2 <tool", "1 < 2 <tool", []),
        ("hermes", '<tool_call>{"name": "add", "arguments": "{\\"a\\": 2}"}</tool_call>', "",
         [WrittenCall("add", '{"a": 2}')]),
        ("hermes", '<tool_call>{"name": "add", "arguments": {"a": 2', "",
         [WrittenCall("add", BROKEN + '{"name": "add", "arguments": {"a": 2')]),
        ("hermes", "<tool_call>add(2)</tool_call>", "", [WrittenCall("", BROKEN + "add(2)")]),
        ("llama", '{"name": "add", "parameters": {"a": 2}}; {"name": "add", "parameters": {}}', "",
         [WrittenCall("add", '{"a": 2}'), WrittenCall("add", "{}")]),
        ("llama", 'So: {"name": "add"}', 'So: {"name": "add"}', []),
        ("llama", '{"total": 3}', '{"total": 3}', []),
        ("llama", '{"name": "add", "parameters": {"a"', "",
         [WrittenCall("add", BROKEN + '{"name": "add", "parameters": {"a"')]),
        (None, CALL, CALL, []),
    ],
)  # fmt: skip
def test_calls_are_read_strictly(
    form: Form | None, text: str, said: str, calls: list[WrittenCall]
) -> None:
    reader = CallReader(form)
    shown = "".join(reader.feed(sign) for sign in text) + reader.rest()
    assert (shown, reader.calls) == (said, calls)


def test_a_cut_off_call_is_invalid_for_every_reader(tokenizers: dict[str, Any]) -> None:
    model = Written(
        text='<tool_call>{"name": "add", "arguments": {"a": 2', tokenizer=tokenizers["qwen3"]
    )
    message = model.bind_tools([ADD]).invoke([HumanMessage("?")])
    assert message.tool_calls == [] and message.invalid_tool_calls[0]["name"] == "add"


def test_a_model_without_tools_says_so(tokenizers: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="no place for tools"):
        Written(text="", tokenizer=tokenizers["chatml"]).bind_tools([ADD])


def test_a_result_stays_with_its_call(tokenizers: dict[str, Any], tmp_path: Path) -> None:
    model = Written(text="", tokenizer=tokenizers["qwen3"])
    call = {"name": "add", "args": {"a": 2}, "id": "1", "type": "tool_call"}
    messages = [
        HumanMessage("An old question " * 40),
        AIMessage("An old answer"),
        HumanMessage("new"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("4", tool_call_id="1", name="add"),
    ]
    model.bind_tools([ADD]).invoke(messages)
    turns, _ = model.seen[-1]
    whole = fit_prompt(model.tokenizer, turns, 10_000, "np")["input_ids"].shape[1]
    shorter = fit_prompt(model.tokenizer, turns, whole - 1, "np")["input_ids"]
    shown = model.tokenizer.decode(shorter[0])
    assert "old" not in shown and "new" in shown and '"a"' in shown
    with pytest.raises(InvalidInput):
        fit_prompt(model.tokenizer, turns, 5, "np")

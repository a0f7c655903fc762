"""The assistant's steps in an answer: each folded, with its own sources, query and table."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from agents.display import of_kind
from agents.registry import AGENTS
from workbench.chat.consents import CONSENTS, Verdict
from workbench.chat.events import Calling, Event, Step
from workbench.ui.widgets import both, plain, safe, sentence

OWN = {
    "calculator": ("Calculator", "计算器", ":material/calculate:"),
    "today": ("Today's date", "今天的日期", ":material/today:"),
}
FOREIGN = ":material/extension:"
STATES = {
    "failed": ("failed", "失败"),
    "refused": ("not called", "未调用"),
    "stopped": ("stopped", "已停止"),
}
LONGEST_LABEL = 90  # signs of a call in the label of its step

Nested = Callable[[Sequence[Event], str], None]


def show_steps(events: Sequence[Event], key: str, growing: bool, nested: Nested) -> None:
    """Every step, folded; the call that runs, or was stopped, last. `nested` draws events."""
    steps = {step.number: step for step in of_kind(events, Step)}
    for step in steps.values():
        _show_step(step, f"{key}-step{step.number}", nested)
    for call in of_kind(events, Calling):
        if call.number not in steps:
            _show_call(call, growing)


def _show_step(step: Step, key: str, nested: Nested) -> None:
    label = _label(step.number, step.tool, step.arguments)
    if step.state in STATES:
        label += f" · {both(*STATES[step.state])}"
    with st.expander(label, icon=_icon(step.tool)):
        own = step.own_events()
        if own:
            nested(own, key)
        if step.state != "done":
            st.markdown(sentence(step.result))
        elif not own:
            st.markdown(safe(step.result))
        st.caption(f"{step.seconds:.1f} {both('s', '秒')}")


def _show_call(call: Calling, growing: bool) -> None:
    label = _label(call.number, call.tool, call.arguments)
    if not growing:
        st.caption(f":material/stop_circle: {label} · {both(*STATES['stopped'])}")
        return
    st.caption(f"{_icon(call.tool)} {label} …")
    if call.consent and CONSENTS.is_open(call.consent):
        _ask_consent(call)


def _ask_consent(call: Calling) -> None:
    """The person decides whether a stranger's tool is called."""
    server = plain(call.server)
    st.warning(
        both(
            f"“{server}” is a program from elsewhere. It would be sent:",
            f"“{server}”是外部程序，将向它发送：",
        ),
        icon=":material/help:",
    )
    st.code(
        json.dumps(call.arguments, ensure_ascii=False, indent=1), language="json", wrap_lines=True
    )
    choices: list[tuple[str, Verdict]] = [
        (both("Allow once", "允许一次"), "once"),
        (both("Always allow", "始终允许"), "always"),
        (both("Do not call", "不调用"), "no"),
    ]
    with st.container(horizontal=True):
        for text, verdict in choices:
            st.button(
                text,
                key=f"consent-{call.consent}-{verdict}",
                on_click=CONSENTS.decide,
                args=(call.consent, verdict),
            )


def _label(number: int, tool: str, arguments: dict[str, Any]) -> str:
    if tool in AGENTS:
        name = both(AGENTS[tool].english, AGENTS[tool].chinese)
    elif tool in OWN:
        name = both(*OWN[tool][:2])
    else:
        name = tool
    said = ", ".join(str(value) for value in arguments.values())
    said = " ".join(said.split())
    if len(said) > LONGEST_LABEL:
        said = said[: LONGEST_LABEL - 1] + "…"
    between = both(": ", "：")
    return plain(f"{number} · {name}{between}{said}" if said else f"{number} · {name}")


def _icon(tool: str) -> str:
    if tool in AGENTS:
        return AGENTS[tool].icon
    return OWN[tool][2] if tool in OWN else FOREIGN

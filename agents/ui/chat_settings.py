"""The row of chips above the box: who answers, from what, by which model, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from agents.beside import modes_asked
from agents.choices import MODE, SPOKEN
from agents.registry import AGENTS, AUTO, SIDE_BY_SIDE, modes_on_offer
from agents.ui.arms_chip import arms_chip
from agents.ui.chosen import beside, reset_spoken, spoken
from agents.ui.presets import presets_chip
from agents.ui.prompts import prompts_chip
from workbench.models.listing import NONE
from workbench.models.packaged import KIND
from workbench.settings import Settings
from workbench.ui.chips import chip_text, fall_back, menu_chip, notices
from workbench.ui.connections import connect_button
from workbench.ui.models import automatic_model, is_gone, reachable_models, with_chosen
from workbench.ui.widgets import both, choices, default_settings, language, plain

LONGEST_PROMPT = 20_000  # characters
AUTO_ICON = ":material/auto_awesome:"
BESIDE_ICON = ":material/view_column_2:"
# One line also on a phone: less stands there, and the finger moves the rest into view. A text that
# is not shown is still read out.
UNSEEN = "{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }"
STYLE = f"""
<style>
.st-key-chips {{ flex-wrap: nowrap; overflow-x: auto; scrollbar-width: none; gap: .25rem }}
.st-key-chips > * {{ flex: 0 0 auto }}
.st-key-chips button {{ min-height: 2rem; padding: 0 .4rem; white-space: nowrap }}
.st-key-chips .st-key-connected p, [class*=st-key-delete-prompt-] p,
[class*=st-key-preset-menu-] p {UNSEEN}
[class*=st-key-prompt-row-], [class*=st-key-preset-row-] {{ flex-wrap: nowrap }}
[class*=st-key-prompt-row-] button > div, [class*=st-key-preset-row-] button > div {{
  justify-content: flex-start; width: 100% }}
@media (max-width: 640px) {{
  .st-key-chips button div[aria-hidden] {{ display: none }}
  .st-key-chips .st-key-connect p, .st-key-more p, .st-key-presets p, .st-key-prompts p {UNSEEN}
}}
</style>
"""


def show_chips(settings: Settings) -> None:
    """Draw the row; what is chosen goes to the session's choices."""
    st.html(STYLE)
    for notice in list(notices().values()):
        st.caption(f":material/info: {plain(notice)}")
    mode = st.session_state.get(MODE) or AUTO
    with st.container(horizontal=True, vertical_alignment="center", key="chips"):
        _mode_chip(mode)
        if mode == SIDE_BY_SIDE:
            arms_chip(settings)
        asked = modes_asked(mode, beside())
        for name, agent in AGENTS.items():
            agent.draw_choice(settings, name in asked)
        _model_chip(settings)
        if settings.role != "reader":
            none = automatic_model(settings) == NONE
            with st.container(width="content", key="unconnected" if none else "connected"):
                connect_button(settings)
        _more_chip(settings)
        presets_chip(settings)
        prompts_chip(settings)


def _mode_chip(mode: str) -> None:
    icons = {AUTO: AUTO_ICON, SIDE_BY_SIDE: BESIDE_ICON}
    icons |= {name: agent.icon for name, agent in AGENTS.items()}

    def take(chosen: str) -> None:
        st.session_state[MODE] = chosen

    menu_chip(
        MODE,
        both("Who answers", "由谁回答"),
        modes_on_offer(language()),
        mode,
        default=AUTO,
        icon=icons[mode],
        take=take,
    )


def _model_chip(settings: Settings) -> None:
    chosen = choices().get("model", "auto")
    if is_gone(chosen, settings):
        fall_back(
            "model",
            both(
                f"The model “{chosen}” no longer exists; the model is now chosen automatically.",
                f"模型“{chosen}”已不存在，现在自动选择模型。",
            ),
        )
    automatic = automatic_model(settings)
    quotes = both("No model: quote the sources", "不用模型：摘录原文")
    first = quotes if automatic == NONE else automatic
    names = with_chosen(["auto", *reachable_models(settings), NONE], settings.model)
    labels = {name: _described(name) for name in names}
    labels |= {"auto": both(f"Automatic ({first})", f"自动（{first}）"), NONE: quotes}
    answering = automatic if settings.model == "auto" else settings.model
    no_model = both("No model", "无模型")
    menu_chip(
        "model",
        both("Chat model", "对话模型"),
        labels,
        settings.model,
        default=default_settings().model,
        icon=":material/neurology:",
        shown=no_model if answering == NONE else answering.partition(":")[2],
    )


def _described(name: str) -> str:
    """The model's name, with what a person should know of one that came with the app."""
    if name.startswith(f"{KIND}:"):
        return both(f"{name} (small, English)", f"{name}（小模型，仅英语）")
    return name


def _more_chip(settings: Settings) -> None:
    """How the model is to speak."""
    default = default_settings()
    changed = [name for name in SPOKEN if getattr(settings, name) != getattr(default, name)]
    label = both("How the model answers", "模型如何回答")
    more = both("More", "更多")
    text = chip_text(f"{more} · {len(changed)}" if changed else more, bool(changed))
    with st.popover(text, icon=":material/tune:", type="tertiary", help=label, key="more"):
        _field(
            st.text_area,
            "system_prompt",
            both("System prompt", "系统提示词"),
            both(
                "Instructions for every answer of this chat, such as a role, a tone or a format. "
                "The rules of Documents and Data still hold.",
                "此对话每次回答都遵循的指示，例如角色、语气或格式。文档与数据的规则仍然有效。",
            ),
            settings,
            max_chars=LONGEST_PROMPT,
            placeholder=both("Answer in three sentences.", "用三句话回答。"),
        )
        _field(
            st.slider,
            "temperature",
            both("Temperature", "温度"),
            both(
                "0 is the same answer each time; 0.1 to 0.3 for facts, 0.7 to 1 for ideas.",
                "0 每次回答都相同；事实类 0.1–0.3，创意类 0.7–1。",
            ),
            settings,
            min_value=0.0,
            max_value=2.0,
            step=0.05,
        )
        _field(
            st.slider,
            "top_p",
            both("Top-p", "核采样（top-p）"),
            both(
                "Only the likeliest words, up to this share. 0.9 to 1 suits almost always.",
                "只从累计概率达到此值的词中选择，通常 0.9–1 即可。",
            ),
            settings,
            min_value=0.01,
            max_value=1.0,
            step=0.01,
        )
        _field(
            st.number_input,
            "answer_tokens",
            both("Longest answer (tokens)", "最长回答（词元）"),
            both(
                "About four letters or one Chinese character each: 1024 are about 750 words.",
                "一个词元约等于四个字母或一个汉字。",
            ),
            settings,
            min_value=16,
            step=256,
        )
        _field(
            st.number_input,
            "context_tokens",
            both("Context (tokens)", "上下文（词元）"),
            both(
                "What the model reads at once: prompt, passages, earlier turns and the answer. "
                "4096 to 32768 is usual; more needs more memory. A model's own limit holds.",
                "模型一次读取的总量：提示词、段落、之前的对话和回答。"
                "通常 4096–32768，越大越占内存；不超过模型自身的上限。",
            ),
            settings,
            min_value=512,
            step=1024,
        )
        st.button(
            both("Back to the defaults", "恢复默认"),
            icon=":material/restart_alt:",
            type="tertiary",
            key="reset-more",
            disabled=not changed,
            on_click=reset_spoken,
        )


def _field(
    draw: Callable[..., Any], name: str, label: str, help: str, settings: Settings, **how: Any
) -> None:
    """One setting; it shows what the open chat has chosen, whichever chat was open before."""
    key = f"set-{name}"

    def take() -> None:
        spoken()[name] = st.session_state[key]
        if spoken()[name] == getattr(default_settings(), name):
            spoken().pop(name)  # as good as not chosen

    st.session_state[key] = getattr(settings, name)
    draw(label, key=key, help=help, on_change=take, **how)

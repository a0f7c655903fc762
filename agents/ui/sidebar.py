"""The chat's sidebar: conversations, and the choice of model, assets and language."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from agents.registry import AGENTS
from agents.ui.chat_list import (
    current_conversation,
    list_chats,
    open_conversation,
    show_new_chat,
)
from workbench.chat.conversations import Conversations
from workbench.models.listing import NONE
from workbench.settings import Settings
from workbench.ui.models import automatic_model, reachable_models, with_chosen
from workbench.ui.widgets import both, choices, show_sidebar_foot

__all__ = ["current_conversation", "open_conversation", "show_sidebar"]

HOW_TO_CONNECT = (
    "Any one of these, then reload:\n\n"
    "- **Ollama**: start it and run `ollama pull qwen3:4b`\n"
    "- **vLLM or another OpenAI-compatible server**: set `WORKBENCH_OPENAI_BASE_URL`\n"
    "- **A folder on this disk**: set `WORKBENCH_MODEL=local:FOLDER`",
    "任选其一，然后刷新页面：\n\n"
    "- **Ollama**：启动后运行 `ollama pull qwen3:4b`\n"
    "- **vLLM 等兼容 OpenAI 的服务**：设置 `WORKBENCH_OPENAI_BASE_URL`\n"
    "- **本机模型文件夹**：设置 `WORKBENCH_MODEL=local:FOLDER`",
)


def show_sidebar(settings: Settings, conversations: Conversations, asked: Sequence[str]) -> None:
    """Draw the sidebar; what is chosen goes to the session's choices.

    `asked` lists the modes that the next question goes to by name.
    """
    with st.sidebar:
        show_new_chat(conversations)
        for mode, agent in AGENTS.items():
            agent.draw_choice(settings, mode in asked)
        _choose_model(settings)
        st.divider()
        list_chats(conversations)
        show_sidebar_foot(settings)


def _choose_model(settings: Settings) -> None:
    options = with_chosen(["auto", *reachable_models(settings), NONE], settings.model)
    automatic = automatic_model(settings)
    none = both("no model, quotes only", "无模型，仅摘录原文")
    first = none if automatic == NONE else automatic
    labels = {
        "auto": both(f"Automatic ({first})", f"自动（{first}）"),
        NONE: both("No model: quote the sources", "不用模型：摘录原文"),
    }
    choices()["model"] = st.selectbox(
        both("Chat model", "对话模型"),
        options,
        index=options.index(settings.model),
        format_func=lambda name: labels.get(name, name),
        key="model",
    )
    if automatic == NONE:
        connect = both("Connect a model", "连接模型")
        with st.popover(connect, icon=":material/link:", type="tertiary"):
            st.markdown(both(*HOW_TO_CONNECT))

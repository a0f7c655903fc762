"""The chat's sidebar: conversations, and the choice of model, collection and language."""

from __future__ import annotations

import streamlit as st

from agents.asking import SIDE_BY_SIDE
from agents.databases.sources import list_sources
from agents.tuned.agent import talking_runs
from workbench.chat.conversations import Conversation, Conversations
from workbench.models.names import NONE, list_models, pick_model
from workbench.settings import Settings
from workbench.ui.widgets import both, choices, language_switch, plain, show_jobs


def show_sidebar(settings: Settings, conversations: Conversations) -> None:
    """Draw the sidebar; what is chosen goes to the session's choices and the address of the page."""
    with st.sidebar:
        if st.button(both("New chat", "新对话"), icon=":material/add:", width="stretch"):
            open_conversation(None)
        _choose_collection(settings)
        _choose_source(settings)
        _choose_model(settings)
        _choose_tuned(settings)
        st.divider()
        _list_conversations(conversations)
        show_jobs(settings)
        language_switch()


def open_conversation(conversation: int | None) -> None:
    """Go to that conversation, or to an empty one."""
    if conversation is None:
        st.query_params.pop("chat", None)
    else:
        st.query_params["chat"] = str(conversation)
    st.session_state.pop("editing", None)
    st.rerun()


def current_conversation() -> int | None:
    """The conversation named in the page's address, so that a reload stays in it."""
    value = st.query_params.get("chat", "")
    return int(value) if value.isdigit() else None


@st.cache_data(ttl=5, show_spinner=False)
def _model_names(
    home: str, ollama_host: str, openai_base_url: str, _settings: Settings
) -> list[str]:
    return [model.name for model in list_models(_settings)]


@st.cache_data(ttl=30, show_spinner=False)
def _picked(_settings: Settings, *_names: str) -> str:
    return pick_model(_settings)


def _choose_model(settings: Settings) -> None:
    names = _model_names(
        str(settings.home), settings.ollama_host, settings.openai_base_url, settings
    )
    options = ["auto", *names, NONE]
    if settings.model not in options:
        options.insert(1, settings.model)
    picked = _picked(settings.model_copy(update={"model": "auto"}), *names)
    first = picked if picked != NONE else both("no model, quotes only", "无模型，仅摘录原文")
    labels = {
        "auto": both(f"Automatic ({first})", f"自动（{first}）"),
        NONE: both("No model: quote the sources", "不用模型：摘录原文"),
    }
    chosen = st.selectbox(
        both("Chat model", "对话模型"),
        options,
        index=options.index(settings.model),
        format_func=lambda name: labels.get(name, name),
        key="model",
    )
    choices()["model"] = chosen
    if picked == NONE:
        with st.popover(
            both("Connect a model", "连接模型"), icon=":material/link:", type="tertiary"
        ):
            st.markdown(both(*HOW_TO_CONNECT))


def _choose_tuned(settings: Settings) -> None:
    """Only where the tuned model is asked: which run, or which published model. Streamlit keeps the text of a choice, so
    what the newest run is called cannot stand in it."""
    if st.session_state.get("mode") not in ("tuned", SIDE_BY_SIDE):
        return
    runs = talking_runs(settings)
    served = _model_names(
        str(settings.home), settings.ollama_host, settings.openai_base_url, settings
    )
    options = [
        "auto",
        *dict.fromkeys([*runs, *(name for name in served if name.startswith("ollama:"))]),
    ]
    if settings.tuned not in options:
        options.insert(1, settings.tuned)
    choices()["tuned"] = st.selectbox(
        both("Tuned model", "微调模型"),
        options,
        index=options.index(settings.tuned),
        key="tuned",
        format_func=lambda name: both("Newest run", "最新训练") if name == "auto" else name,
    )


HOW_TO_CONNECT = (
    "Any one of these, then reload:\n\n- **Ollama**: start it and run `ollama pull qwen3:4b`\n"
    "- **vLLM or another OpenAI-compatible server**: set `WORKBENCH_OPENAI_BASE_URL`\n"
    "- **A folder on this disk**: set `WORKBENCH_MODEL=local:FOLDER`",
    "任选其一，然后刷新页面：\n\n- **Ollama**：启动后运行 `ollama pull qwen3:4b`\n"
    "- **vLLM 等兼容 OpenAI 的服务**：设置 `WORKBENCH_OPENAI_BASE_URL`\n"
    "- **本机模型文件夹**：设置 `WORKBENCH_MODEL=local:FOLDER`",
)


def _choose_source(settings: Settings) -> None:
    """Only where there are several databases: which one answers."""
    names = [source.name for source in list_sources(settings)]
    if len(names) < 2:
        return
    chosen = settings.source if settings.source in names else names[0]
    choices()["source"] = st.selectbox(
        both("Database", "数据源"), names, index=names.index(chosen), key="source"
    )


def _choose_collection(settings: Settings) -> None:
    from rag.catalogue import Catalogue

    names = Catalogue(settings.folder() / "index.db").names()
    if settings.collection not in names:
        names.insert(0, settings.collection)
    choices()["collection"] = st.selectbox(
        both("Collection", "知识库"),
        names,
        index=names.index(settings.collection),
        key="collection",
    )


def _list_conversations(conversations: Conversations) -> None:
    search = st.text_input(
        both("Search chats", "搜索对话"),
        placeholder=both("Search chats", "搜索对话"),
        label_visibility="collapsed",
        icon=":material/search:",
        key="search_chats",
    )
    found = conversations.recent(search)
    if deleted := st.session_state.get("deleted"):
        left, right = st.columns([3, 2], vertical_alignment="center")
        left.caption(both("Chat deleted", "对话已删除"))
        if right.button(both("Undo", "撤销"), key="undo", icon=":material/undo:", type="tertiary"):
            conversations.restore(st.session_state.pop("deleted"))
            open_conversation(deleted)
    if not found:
        st.caption(
            both("Nothing found.", "没有找到。")
            if search
            else both("Your chats will be listed here.", "对话会显示在这里。")
        )
    for conversation in found[:50]:
        _row(conversation, conversations)


def _row(conversation: Conversation, conversations: Conversations) -> None:
    active = conversation.id == current_conversation()
    name, menu = st.columns([5, 1], vertical_alignment="center", gap="xxsmall")
    label = plain(
        conversation.title if len(conversation.title) <= 26 else conversation.title[:25] + "…"
    )
    if name.button(
        f"**{label}**" if active else label,
        key=f"chat-{conversation.id}",
        type="tertiary",
        width="stretch",
    ):
        open_conversation(conversation.id)
    actions = {"rename": both("Rename", "重命名"), "delete": both("Delete", "删除")}
    with menu:
        chosen = st.menu_button(
            "",
            list(actions),
            format_func=actions.__getitem__,
            icon=":material/more_horiz:",
            type="tertiary",
            key=f"menu-{conversation.id}",
        )
    if chosen == "delete":
        conversations.delete(conversation.id)
        st.session_state["deleted"] = conversation.id
        open_conversation(None if active else current_conversation())
    elif chosen == "rename":
        st.dialog(both("Rename chat", "重命名对话"))(_rename)(conversation, conversations)


def _rename(conversation: Conversation, conversations: Conversations) -> None:
    title = st.text_input(both("Title", "标题"), conversation.title, key="new_title")
    if st.button(both("Save", "保存"), type="primary", key="save_title"):
        conversations.rename(conversation.id, title)
        st.rerun()

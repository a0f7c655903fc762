"""The dialog's tab for Ollama: its address, its models, one more by name."""

from __future__ import annotations

import os

import streamlit as st

from workbench.models.connecting import connect_ollama, remove_model
from workbench.models.listing import readable_size
from workbench.models.ollama import ollama_version
from workbench.models.servers import ModelInfo, list_ollama
from workbench.settings import Settings
from workbench.ui.confirm import confirmed
from workbench.ui.dialog import shut_dialog
from workbench.ui.downloads import download
from workbench.ui.models import choose_model, look_again
from workbench.ui.session import both, choices, page_settings
from workbench.ui.text import plain, shows_errors

INSTALL = "https://ollama.com/download"


def ollama_tab(settings: Settings) -> None:
    _address(settings)
    settings = page_settings()  # with the address that was just connected
    models = list_ollama(settings)
    for model in models:
        _row(model, settings)
    if not models:
        st.caption(
            both(
                "No model yet. Download one below, such as qwen3:4b (2.6 GB).",
                "还没有模型。可在下方下载，例如 qwen3:4b（2.6 GB）。",
            )
        )
    _pull(settings)


def _address(settings: Settings) -> None:
    fixed = bool(os.environ.get("WORKBENCH_OLLAMA_HOST"))
    with (
        st.form("ollama", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        address = st.text_input(
            both("Address", "地址"),
            settings.ollama_host,
            key="ollama_address",
            disabled=fixed,
            help=both("Set by WORKBENCH_OLLAMA_HOST.", "由 WORKBENCH_OLLAMA_HOST 设定。")
            if fixed
            else None,
        )
        pressed = st.form_submit_button(both("Test", "测试"), icon=":material/network_check:")
    if pressed:
        with shows_errors():
            _connect(address, fixed, settings)


def _connect(address: str, fixed: bool, settings: Settings) -> None:
    version = ollama_version(address) if fixed else connect_ollama(address, settings)
    look_again()
    models = [model.name for model in list_ollama(page_settings())]
    said = both(f"Ollama {version} answers.", f"Ollama {version} 已连接。")
    if models and choices().get("model") not in models:
        choose_model(models[0])
        said += both(f" The chat asks {models[0]} now.", f"对话现在使用 {models[0]}。")
    st.success(plain(said), icon=":material/check:")


def _row(model: ModelInfo, settings: Settings) -> None:
    name = model.name.removeprefix("ollama:")
    with st.container(horizontal=True, vertical_alignment="center", key=f"model-{name}"):
        size = readable_size(model.size)
        st.markdown(f"{plain(name)} :gray[{size}]", width="stretch")
        if choices().get("model") == model.name:
            st.caption(both("in use", "使用中"), width="content")
        elif st.button(both("Use", "使用"), type="tertiary", key=f"use-{name}"):
            choose_model(model.name)
            shut_dialog()
            st.rerun()
        question = both(
            f"Delete {name} from Ollama, for all programs?",
            f"从 Ollama 中删除 {name}（对所有程序生效）？",
        )
        if confirmed(question, f"delete-{name}"):
            with shows_errors():
                remove_model(model.name, settings)
                look_again()
                if choices().get("model") == model.name:
                    choose_model("auto")
                st.rerun(scope="fragment")


def _pull(settings: Settings) -> None:
    with st.form("pull", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            both("Download by name, see ollama.com/library", "按名称下载，见 ollama.com/library"),
            placeholder="qwen3:4b",
            key="pull_name",
        )
        pressed = st.form_submit_button(both("Download", "下载"), icon=":material/download:")
    if pressed and name.strip():
        with shows_errors():
            ollama_version(settings.ollama_host)
            download(f"ollama:{name.strip().removeprefix('ollama:')}", settings)
            st.rerun(scope="fragment")

"""The dialog's tab for models on this disk: a folder as it is, or a hub's model downloaded."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.models.connecting import connect_folder, remove_model
from workbench.models.hubs import is_hub_name, list_half_downloaded
from workbench.models.listing import list_folders, readable_size, size_of
from workbench.models.servers import ModelInfo
from workbench.settings import Settings
from workbench.ui.changes import announce
from workbench.ui.confirm import confirmed
from workbench.ui.dialog import shut_dialog
from workbench.ui.downloads import download
from workbench.ui.models import choose_model, look_again
from workbench.ui.session import both, choices
from workbench.ui.text import plain, shows_errors


def folder_tab(settings: Settings) -> None:
    for model in list_folders(settings):
        _row(model, settings)
    for name in list_half_downloaded(settings):
        _half_row(name, settings)
    with st.form("folder", border=False):
        place = st.text_input(
            both("Folder, hub name or modelscope:NAME", "文件夹、模型库名称或 modelscope:名称"),
            placeholder="~/models/Qwen3-0.6B · Qwen/Qwen3-0.6B · modelscope:Qwen/Qwen3-0.6B",
            key="folder_place",
        ).strip()
        pressed = st.form_submit_button(
            both("Connect", "连接"), type="primary", icon=":material/check:"
        )
    if pressed and place:
        with shows_errors():
            _connect(place, settings)


def _connect(place: str, settings: Settings) -> None:
    if is_hub_name(place) and not Path(place).is_dir():
        download(place, settings)
        st.rerun(scope="fragment")
    name = connect_folder(place, settings)
    choose_model(name)
    announce(
        both(f"{name} is connected. The chat asks it now.", f"{name} 已连接，对话现在使用它。")
    )
    shut_dialog()
    st.rerun()


def _row(model: ModelInfo, settings: Settings) -> None:
    name = model.name.removeprefix("local:")
    outside = "/" in name
    with st.container(horizontal=True, vertical_alignment="center", key=f"folder-{name}"):
        st.markdown(f"{plain(name)} :gray[{_size(model, settings)}]", width="stretch")
        if choices().get("model") == model.name:
            st.caption(both("in use", "使用中"), width="content")
        elif st.button(both("Use", "使用"), type="tertiary", key=f"use-{name}"):
            choose_model(model.name)
            shut_dialog()
            st.rerun()
        forget = both(f"Forget {name}? Its files stay.", f"移除 {name}？文件会保留。")
        delete = both(f"Delete {name} from this disk?", f"从磁盘删除 {name}？")
        if confirmed(forget if outside else delete, f"remove-{name}"):
            with shows_errors():
                remove_model(model.name, settings)
                look_again()
                if choices().get("model") == model.name:
                    choose_model("auto")
                st.rerun(scope="fragment")


def _half_row(name: str, settings: Settings) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"half-{name}"):
        half = both("half-downloaded", "尚未下载完")
        st.markdown(f"{plain(name)} :gray[{half}]", width="stretch")
        if st.button(both("Go on", "继续下载"), type="tertiary", key=f"go-on-{name}"):
            with shows_errors():
                download(name, settings)
                st.rerun(scope="fragment")
        if confirmed(both("Delete what has arrived?", "删除已下载的部分？"), f"drop-{name}"):
            remove_model(name, settings)
            st.rerun(scope="fragment")


def _size(model: ModelInfo, settings: Settings) -> str:
    try:
        return readable_size(size_of(model, settings))
    except WorkbenchError:  # deleted in this moment
        return ""

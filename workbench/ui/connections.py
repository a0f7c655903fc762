"""“Connect a model”: the button, and its dialog for Ollama, servers, and folders or hub names."""

from __future__ import annotations

import streamlit as st

from workbench.errors import NotFound
from workbench.jobs.job import find_job, list_jobs
from workbench.settings import Settings
from workbench.ui.changes import announce
from workbench.ui.connect_folder import folder_tab
from workbench.ui.connect_ollama import ollama_tab
from workbench.ui.connect_server import server_tab
from workbench.ui.dialog import OPEN, shut_dialog
from workbench.ui.downloads import DOWNLOADS, is_download
from workbench.ui.jobs import show_job
from workbench.ui.models import choose_model, look_again
from workbench.ui.session import both, page_settings
from workbench.ui.text import plain

LOOKED_AT = 20  # newest jobs


def connect_button(settings: Settings, key: str = "connect") -> None:
    """Draw the button that opens the dialog; it stands there also where a model is connected."""
    _choose_what_arrived(settings)
    label = both("Connect a model", "连接模型")
    if st.button(label, icon=":material/link:", type="tertiary", key=key):
        st.session_state[OPEN] = key
    # noted, because the page may be drawn again behind it: a job has ended
    if st.session_state.get(OPEN) == key:
        st.dialog(label, width="medium", on_dismiss=shut_dialog)(_dialog)()


def _dialog() -> None:
    settings = page_settings()  # read again: an address may have changed since it was opened
    tabs = {
        "Ollama": ollama_tab,
        both("OpenAI-compatible", "兼容 OpenAI"): server_tab,
        both("Folder or hub", "文件夹或模型库"): folder_tab,
    }
    st.fragment(_downloads, run_every=1.0)(settings)
    for tab, draw in zip(st.tabs([plain(tab) for tab in tabs]), tabs.values(), strict=True):
        with tab:
            draw(settings)


def _downloads(settings: Settings) -> None:
    """The downloads that were started here. One that has arrived is chosen, and the dialog shut."""
    if _choose_what_arrived(settings):
        st.rerun()
    mine = st.session_state.get(DOWNLOADS, [])
    for job in list_jobs(settings)[:LOOKED_AT]:
        running = is_download(job) and job.state == "running"
        if running or (job.id in mine and job.state in ("failed", "interrupted")):
            show_job(job)


def _choose_what_arrived(settings: Settings) -> bool:
    """Whether a download of this session has ended; the chat then asks its model."""
    arrived = False
    for name in list(st.session_state.get(DOWNLOADS, [])):
        try:
            job = find_job(settings, name)
        except NotFound:
            st.session_state[DOWNLOADS].remove(name)
            continue
        if job.state == "cancelled":
            st.session_state[DOWNLOADS].remove(name)
        if job.state == "done":
            st.session_state[DOWNLOADS].remove(name)
            model = job.last()["model"]
            choose_model(model)
            said = both(
                f"{model} has arrived. The chat asks it now.", f"{model} 已下载，对话现在使用它。"
            )
            announce(said)
            arrived = True
    if arrived:
        look_again()
        shut_dialog()
    return arrived

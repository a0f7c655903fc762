"""The box at the bottom of the chat: who answers, the question, and the files dropped with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from agents.ui.chat_settings import show_chips
from workbench.jobs.job import Job, start
from workbench.settings import Settings
from workbench.ui.uploads import save_uploads
from workbench.ui.widgets import both, shows_errors


@dataclass(frozen=True)
class Sent:
    """A question, and the job that reads the files dropped with it."""

    text: str
    job: Job | None = None


def show_composer(settings: Settings, busy: bool) -> Sent | None:
    """Draw the chips and the box; what was just sent, if anything. `busy` shuts the box."""
    with st.bottom:
        show_chips(settings)
    # not inside st.bottom: placed there by Streamlit itself, it keeps the newest answer in view
    sent = st.chat_input(
        both("Ask a question, or drop files here", "输入问题，或将文件拖到这里"),
        accept_file="multiple",
        key="question",
        disabled=busy,
    )
    if not sent:
        return None
    with shows_errors():
        return _read(sent.text, list(sent.files), settings)
    return None


def _read(text: str, files: list[Any], settings: Settings) -> Sent:
    """Files without a word ask what is in them."""
    text = text.strip()
    if not files:
        return Sent(text)
    names = ", ".join(file.name for file in files)
    question = text or both(f"What is in {names}?", f"{names} 里有什么内容？")
    return Sent(question, _ingest(files, settings))


def _ingest(files: list[Any], settings: Settings) -> Job:
    paths = save_uploads(settings, settings.collection, files)
    plural = "" if len(paths) == 1 else "s"
    title = both(f"Reading {len(paths)} file{plural}", f"正在读取 {len(paths)} 个文件")
    command = ["rag", "ingest", *map(str, paths), "--collection", settings.collection, "--json"]
    return start(settings, title, command)

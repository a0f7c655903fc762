"""What the last reading came to: what failed first, each with its problem and what solves it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import streamlit as st

from rag.passages import Document
from rag.problems import wants_password, wants_program
from rag.store import Collection
from rag.ui.files import STATES, read_in_job, remove_documents
from rag.ui.jobs import last_reading
from workbench.files import read_json, write_json
from workbench.jobs.job import Job
from workbench.settings import Settings
from workbench.ui.widgets import both, plain, show_error, shows_errors, told

SHOWN = 5  # files at once; the others are folded


def show_report(settings: Settings, collection: Collection, documents: Sequence[Document]) -> None:
    """The report, until it is put away; a new reading, or a new problem, brings it back."""
    # always a place for it, else the tabs below would begin again whenever it comes or goes
    with st.container():
        _show(settings, collection, _unread(documents))


def _show(settings: Settings, collection: Collection, unread: Sequence[Document]) -> None:
    job = last_reading(settings, collection)
    mark = _mark(job, unread)
    record = collection.folder / "report.json"
    if not mark or read_json(record) == mark:
        return
    with st.container(border=True, key="report"):
        title, action = st.columns([5, 1], vertical_alignment="center")
        title.markdown(f"**{_headline(job, unread)}**")
        with action:
            put_away = st.button(
                both("Put away", "收起"), icon=":material/close:", type="tertiary", key="put_away"
            )
        if put_away:
            write_json(record, mark)
            st.rerun()
        if job and not _ended_with_files(job):
            _show_stopped(job)
        for document in unread[:SHOWN]:
            _show_unread(settings, collection, document)
        if more := unread[SHOWN:]:
            with st.expander(both(f"{len(more)} more", f"还有 {len(more)} 个")):
                for document in more:
                    _show_unread(settings, collection, document)
        _offer_for_all(settings, collection, unread)


def _unread(documents: Sequence[Document]) -> list[Document]:
    """The files that cannot be searched: what failed, then what is empty."""
    failed = [document for document in documents if document.state == "failed"]
    empty = [document for document in documents if document.state == "empty"]
    return failed + empty


def _mark(job: Job | None, unread: Sequence[Document]) -> str:
    """Stands for what the report says; empty where it has nothing to say."""
    if not job and not unread:
        return ""
    facts = [[document.source, document.sha256, document.problem] for document in unread]
    told_now = json.dumps([job.id if job else "", *facts], ensure_ascii=False)
    return sha256(told_now.encode()).hexdigest()


def _headline(job: Job | None, unread: Sequence[Document]) -> str:
    """What the last reading came to, and how many files need something, of whatever reading."""
    parts: list[str] = []
    if job and _ended_with_files(job):
        parts.append(plain(told(job.last()["summary"])))
    elif job:
        parts.append(both("The last reading did not end", "上一次读取没有完成"))
    count = len(unread)
    if count:
        files = "1 file" if count == 1 else f"{count} files"
        parts.append(both(f"{files} cannot be searched", f"{count} 个文件无法检索"))
    return " · ".join(parts)


def _ended_with_files(job: Job) -> bool:
    return "summary" in job.last()


def _show_stopped(job: Job) -> None:
    """Why the reading itself came to no end: it failed, was cancelled or was interrupted."""
    last = job.last()
    without = both("The reading was interrupted.", "读取被中断。")
    show_error(last.get("problem") or without, last.get("fix", ""))
    if st.button(both("Try again", "重试"), icon=":material/refresh:", key="read_all_again"):
        with shows_errors():
            job.resume()
            st.rerun()


def _show_unread(settings: Settings, collection: Collection, document: Document) -> None:
    with st.container(border=True, gap="xsmall", key=f"unread-{document.source}"):
        name = plain(Path(document.source).name)
        state = both(*STATES[document.state])
        # two spaces before a line end are Markdown's line break
        st.markdown(f"**{name}** · {state}  \n{plain(told(document.problem))}")
        if not wants_password(document):
            st.caption(plain(told(document.fix)))
        if command := wants_program(document):
            st.code(command, language="bash", wrap_lines=True)
        _offer(settings, collection, document)


def _offer(settings: Settings, collection: Collection, document: Document) -> None:
    """The field or the button that solves it, and the one that removes the file."""
    source = document.source
    password = ""
    # a form, so that Enter sends the password, and a click at once has what was typed
    form = st.form(f"offers-{source}", border=False)
    with form.container(horizontal=True, vertical_alignment="bottom"):
        if wants_password(document):
            password = st.text_input(
                both("Password of this file", "该文件的密码"),
                type="password",
                autocomplete="off",
                key=f"password-{source}",
                width=220,
            )
        again = both("Try again", "重试")
        reads = st.form_submit_button(again, icon=":material/refresh:", key=f"again-{source}")
        removes = st.form_submit_button(
            both("Remove the file", "移除文件"),
            icon=":material/delete:",
            type="tertiary",
            key=f"remove-{source}",
        )
    if reads:
        with shows_errors():
            read_in_job(settings, collection.name, [Path(source)], password, again=True)
    if removes:
        with shows_errors():
            remove_documents(collection, [source])


def _offer_for_all(settings: Settings, collection: Collection, unread: Sequence[Document]) -> None:
    if len(unread) < 2:
        return
    sources = [document.source for document in unread]
    count = len(unread)
    with st.container(horizontal=True, key="for_all"):
        reads = st.button(
            both(f"Try all {count} again", f"全部重试（{count}）"),
            icon=":material/refresh:",
            key="again_all",
        )
        removes = st.button(
            both(f"Remove all {count}", f"全部移除（{count}）"),
            icon=":material/delete:",
            type="tertiary",
            key="remove_all",
        )
    if reads:
        with shows_errors():
            read_in_job(settings, collection.name, [Path(name) for name in sources], again=True)
    if removes:
        with shows_errors():
            remove_documents(collection, sources)

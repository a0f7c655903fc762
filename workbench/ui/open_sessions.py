"""Whose each session of Streamlit is: what lies in one is not another person's to read."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st
from streamlit import runtime
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

PRUNED_FROM = 1000  # sessions, each a page that was once opened

_owners: dict[str, str] = {}


class OpenSessions:
    """What the gate before the app asks of Streamlit (see `workbench.login.gate.Sessions`)."""

    def owner_of(self, session: str) -> str:
        """The person whose session that is; empty for an unknown one."""
        return _owners.get(session, "")

    def shows_file(self, file: str, name: str) -> bool:
        """Whether a page that this person has open shows that file, such as a picture.

        Streamlit's address of a file is made of its content, and good for every session.
        """
        # the one list of whose page shows what; Streamlit offers no other way to it
        shown = runtime.get_instance().media_file_mgr._files_by_session_and_coord
        return any(
            self.owner_of(session) == name and file in files.values()
            for session, files in list(shown.items())
        )

    def going_to(self, path: str) -> bytes:
        """What a socket sends so that the browser opens another address."""
        return _redirect(path).SerializeToString()


def claim_session(name: str) -> None:
    """The session of this page run is that person's, and no other's from now on."""
    context = get_script_run_ctx()
    if context is None:
        return
    if _owners.setdefault(context.session_id, name) != name:
        go_to("/")  # as a session of its own
    if len(_owners) > PRUNED_FROM:
        _prune()


def go_to(path: str) -> NoReturn:
    """End the page run; the browser opens another address of the app."""
    context = get_script_run_ctx()
    if context is not None:
        context.enqueue(_redirect(path))
    st.stop()


def _redirect(path: str) -> ForwardMsg:
    message = ForwardMsg()
    message.auth_redirect.url = path
    return message


def _prune() -> None:
    sessions = runtime.get_instance()
    for session in list(_owners):
        if not sessions.is_active_session(session):
            _owners.pop(session, None)

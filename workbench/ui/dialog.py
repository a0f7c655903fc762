"""Whether the dialog that connects a model is open, noted for the page behind it."""

from __future__ import annotations

import streamlit as st

OPEN = "connecting"  # key of the button that opened it, in the session's state


def shut_dialog() -> None:
    """Not drawn again from the next drawing of the page on."""
    st.session_state.pop(OPEN, None)
    st.session_state.pop("to_confirm", None)

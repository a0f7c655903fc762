"""A button that deletes only after a second press."""

from __future__ import annotations

import streamlit as st

from workbench.ui.session import both
from workbench.ui.text import plain


def confirmed(question: str, key: str) -> bool:
    """Draw the button and, once it was pressed, the question with its two answers."""
    waiting = st.session_state.get("to_confirm") == key
    label = both("Delete", "删除")
    if not waiting:
        # a word, not an icon alone: screen readers read an icon by its own English name
        if st.button(label, type="tertiary", key=key):
            st.session_state["to_confirm"] = key
            st.rerun(scope="fragment")
        return False
    st.caption(plain(question), width="content")
    yes = st.button(label, type="primary", key=f"{key}-yes")
    no = st.button(both("Keep", "保留"), key=f"{key}-no")
    if yes or no:
        del st.session_state["to_confirm"]
    if no:
        st.rerun(scope="fragment")
    return yes

"""What an action has changed, said at the edge of the page for a while, with Undo or Open."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from workbench.ui.session import both
from workbench.ui.text import plain, shows_errors

SHOWN_FOR = 12  # seconds

# the name of the animation changes with each note, else the browser would not begin it again
STYLE = """
<style>
@keyframes away-{number} {{ to {{ visibility: hidden; opacity: 0 }} }}
[data-testid=stLayoutWrapper]:has(> .st-key-changed) {{ position: absolute }}
.st-key-changed {{
  position: fixed; top: 4rem; right: 1rem; z-index: 1000000; max-width: min(26rem, 100vw - 2rem);
  width: max-content; padding: .5rem .9rem; border-radius: .6rem;
  background: Canvas; background: light-dark(#eef2f2, #263032);
  border: 1px solid #8886; box-shadow: 0 2px 12px #0003;
  animation: away-{number} .4s {seconds}s forwards;
}}
</style>
"""


@dataclass(frozen=True)
class _Change:
    text: str
    number: int
    until: float
    undo: Callable[[], None] | None
    opens: str


def announce(text: str, *, undo: Callable[[], None] | None = None, opens: str = "") -> None:
    """Say what has changed from the next drawing on.

    `text` is plain text in the page's language. `undo` takes the change back; `opens` is the file
    of the page that shows it.
    """
    number = st.session_state.get("changes", 0) + 1
    st.session_state["changes"] = number
    until = time.monotonic() + SHOWN_FOR
    st.session_state["changed_now"] = _Change(text, number, until, undo, opens)


def show_change() -> None:
    """The newest change, until its time is over. Each page draws this once."""
    # always a place for it, else tabs and forms below would begin again whenever it comes or goes
    with st.container():
        _show_newest()


def _show_newest() -> None:
    change = st.session_state.get("changed_now")
    if not change:
        return
    if time.monotonic() > change.until:
        del st.session_state["changed_now"]
        return
    st.html(STYLE.format(number=change.number, seconds=SHOWN_FOR))
    with st.container(horizontal=True, vertical_alignment="center", key="changed"):
        st.markdown(plain(change.text), width="content")
        _offer(change)


def _offer(change: _Change) -> None:
    """The button that takes the change back, or that opens what was made."""
    key = f"change-{change.number}"
    if change.undo and st.button(
        both("Undo", "撤销"), icon=":material/undo:", type="tertiary", key=f"{key}-undo"
    ):
        st.session_state.pop("changed_now", None)
        with shows_errors():
            change.undo()
            st.rerun()
    if change.opens and st.button(
        both("Open", "打开"), icon=":material/open_in_new:", type="tertiary", key=f"{key}-open"
    ):
        st.session_state.pop("changed_now", None)
        st.switch_page(change.opens)

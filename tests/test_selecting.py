"""The one helper for selectors: what was just made is shown, or the neighbour of what is gone."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from workbench.ui.selecting import choose, fold, select

names = st.session_state.setdefault("names", ["ash", "birch", "cedar"])
chosen = choose(st.selectbox, "Tree", names, "tree", first="birch")
st.markdown(f"chosen {chosen}")
with fold(st.popover, "New", "new_tree"):
    if st.button("make", key="make"):
        names.append("yew")
        select("tree", "yew")
        select("new_tree", False)
        st.rerun()
    if st.button("order", key="order"):
        select("tree", "yew")
        st.rerun()
if st.button("arrive", key="arrive"):
    names.append("yew")
    st.rerun()
if st.button("fell", key="fell"):
    names.remove(chosen)
    st.rerun()
"""


def opened() -> AppTest:
    return AppTest.from_string(SCRIPT).run()


def shown(app: AppTest) -> str:
    """What the selector says; the page must say the same."""
    assert not app.exception
    value = app.selectbox(key="tree").value
    assert app.markdown[0].value == f"chosen {value}"
    return value


def test_what_was_just_made_is_selected_and_its_popover_closes() -> None:
    app = opened()
    assert shown(app) == "birch"
    app.button(key="make").click().run()
    assert shown(app) == "yew" and app.session_state["new_tree"] is False
    app.selectbox(key="tree").set_value("ash").run()
    assert shown(app) == "ash"


def test_what_is_still_being_made_is_selected_once_it_is_there() -> None:
    app = opened()
    app.button(key="order").click().run()
    assert shown(app) == "birch"
    app.button(key="arrive").click().run()
    assert shown(app) == "yew"


def test_what_the_person_selects_meanwhile_counts_more() -> None:
    app = opened()
    app.button(key="order").click().run()
    app.selectbox(key="tree").set_value("cedar").run()
    app.button(key="arrive").click().run()
    assert shown(app) == "cedar"


def test_the_neighbour_of_a_deleted_one_is_selected() -> None:
    app = opened()
    app.button(key="fell").click().run()
    assert shown(app) == "cedar"
    app.button(key="fell").click().run()
    assert shown(app) == "ash"

"""The page of people: who may sign in, groups, keys, and what was done."""

from __future__ import annotations

import streamlit as st

from workbench.accounts.people import list_people
from workbench.settings import load_settings
from workbench.ui.widgets import begin_page, both


def page() -> None:
    begin_page(both("People", "用户"))
    st.dataframe([{"name": p.name, "role": p.role} for p in list_people(load_settings())])


page()

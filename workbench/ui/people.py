"""The page of people, for admins: who may sign in, groups, keys of the API, what was done."""

from __future__ import annotations

import streamlit as st

from workbench.contributions import draw_panels
from workbench.settings import load_settings
from workbench.ui.people_groups import show_groups
from workbench.ui.people_list import show_people
from workbench.ui.people_log import show_log
from workbench.ui.widgets import begin_page, both, signed_in


def page() -> None:
    begin_page(both("People", "用户"))
    admin = signed_in()
    if admin is None or admin.role != "admin":
        st.stop()  # the list of pages has it for admins alone: this is the second lock
    root = load_settings()
    people, groups, keys, log = st.tabs(
        [
            both("People", "用户"),
            both("Groups", "群组"),
            both("API keys", "API 密钥"),
            both("Log", "日志"),
        ]
    )
    with people:
        show_people(root, admin)
    with groups:
        show_groups(root, admin)
    with keys:
        draw_panels("people", root, admin)
    with log:
        show_log(root)


page()

"""The prompt library on the chat page: a chip whose texts go into the question box."""

from __future__ import annotations

import streamlit as st

from agents.prompts import LONGEST_NAME, Prompt, delete_prompt, list_prompts, save_prompt
from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.ui.changes import announce
from workbench.ui.chips import chip_text
from workbench.ui.selecting import fold, select
from workbench.ui.widgets import both, language, plain, show_error, shows_errors

BOX = "question"  # the key of the question box
CHIP = "prompts"


def prompts_chip(settings: Settings) -> None:
    """The prompts to put into the box, and a form that keeps another."""
    try:
        prompts = list_prompts(settings, language())
    except WorkbenchError as error:
        show_error(error.problem, error.fix)
        return
    label = both("Prompt library", "提示词库")
    text = chip_text(both("Prompts", "提示词"), chosen=False)
    icon = ":material/bookmarks:"
    with fold(st.popover, text, CHIP, icon=icon, type="tertiary", help=label):
        st.caption(
            both(
                "A click puts the text into the box; write your own words in place of {…}.",
                "点击后文本会填入输入框，再把 {…} 换成自己的内容。",
            )
        )
        for number, prompt in enumerate(prompts):
            _row(number, prompt, settings)
        if settings.role != "reader":
            _save_form(settings)


def _row(number: int, prompt: Prompt, settings: Settings) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"prompt-row-{number}"):
        st.button(
            plain(prompt.name),
            type="tertiary",
            width="stretch",
            help=plain(prompt.text),
            key=f"prompt-{number}",
            on_click=_insert,
            args=(prompt.text,),
        )
        if settings.role == "reader":
            return
        label = both("Delete", "删除")
        deleted = st.button(
            label,
            icon=":material/delete:",
            type="tertiary",
            help=label,
            key=f"delete-prompt-{number}",
        )
    if deleted:
        with shows_errors():
            undo = delete_prompt(prompt.name, settings)
            name = prompt.name
            announce(both(f"Prompt “{name}” deleted", f"提示词“{name}”已删除"), undo=undo)
            st.rerun()


def _insert(text: str) -> None:
    st.session_state[BOX] = text
    select(CHIP, False)


def _save_form(settings: Settings) -> None:
    with st.form("save-prompt", border=False, clear_on_submit=True):
        name = st.text_input(
            both("New prompt", "新提示词"),
            max_chars=LONGEST_NAME,
            placeholder=both("Name", "名称"),
            key="prompt-name",
        )
        text = st.text_area(
            both("Text", "文本"),
            placeholder=both("Text with {places} to fill in", "文本，可包含 {待填内容}"),
            label_visibility="collapsed",
            key="prompt-text",
        )
        sent = st.form_submit_button(both("Save", "保存"), key="save-prompt-button")
    if sent:
        with shows_errors():
            save_prompt(name, text, settings)
            announce(both("Prompt saved", "提示词已保存"))
            st.rerun()

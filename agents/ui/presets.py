"""Presets on the chat page: a chip that chooses, keeps and changes them; cards to begin with."""

from __future__ import annotations

import streamlit as st

from agents.presets import (
    ICONS,
    LONGEST_NAME,
    Preset,
    Shelf,
    delete_preset,
    read_shelf,
    rename_preset,
    save_preset,
    set_default,
)
from agents.ui.chosen import load_choices, now_chosen
from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.ui.changes import announce
from workbench.ui.chips import chip_text
from workbench.ui.selecting import fold, select
from workbench.ui.widgets import both, plain, show_error, shows_errors

CARDS = 4
CHIP = "presets"


def presets_chip(settings: Settings) -> None:
    """The presets to choose from, and a form that keeps what is chosen now as one."""
    try:
        shelf = read_shelf(settings)
    except WorkbenchError as error:
        show_error(error.problem, error.fix)
        return
    used = _in_use(shelf)
    label = both("Assistants: choices under a name", "助手：为一组选择命名")
    text = chip_text(used.name if used else both("Assistants", "助手"), used is not None)
    icon = f":material/{used.icon if used else ICONS[0]}:"
    with fold(st.popover, text, CHIP, icon=icon, type="tertiary", help=label):
        for number, preset in enumerate(shelf.presets):
            _row(number, preset, shelf, settings)
        if not shelf.presets:
            st.caption(
                both(
                    "Keep the mode, collections, model and instructions chosen here under a name, "
                    "to begin other chats with them.",
                    "把当前选择的方式、知识库、模型和提示词保存为助手，以后的对话可直接使用。",
                )
            )
        if settings.role != "reader":
            _save_form(settings)


def preset_cards(settings: Settings) -> None:
    """The first presets, each a button that chooses it, for an empty chat."""
    try:
        shelf = read_shelf(settings)
    except WorkbenchError:  # said at the chip
        return
    if not shelf.presets:
        return
    used = _in_use(shelf)
    st.caption(both("Or begin with an assistant:", "或者从一个助手开始："))
    with st.container(horizontal=True, key="preset-cards"):
        for number, preset in enumerate(shelf.presets[:CARDS]):
            st.button(
                plain(preset.name),
                icon=f":material/{preset.icon}:",
                type="primary" if preset == used else "secondary",
                key=f"preset-card-{number}",
                on_click=load_choices,
                args=(preset.chosen,),
            )


def _in_use(shelf: Shelf) -> Preset | None:
    """The preset whose choices are those of the open chat."""
    chosen = now_chosen()
    for preset in shelf.presets:
        if preset.chosen == chosen:
            return preset
    return None


def _row(number: int, preset: Preset, shelf: Shelf, settings: Settings) -> None:
    default = shelf.default == preset.name
    actions = {
        "default": both("Not for new chats", "不再用于新对话")
        if default
        else both("For new chats", "用于新对话"),
        "update": both("Replace by what is chosen now", "改为当前的选择"),
        "rename": both("Rename", "重命名"),
        "delete": both("Delete", "删除"),
    }
    with st.container(horizontal=True, vertical_alignment="center", key=f"preset-row-{number}"):
        st.button(
            plain(preset.name),
            icon=f":material/{preset.icon}:",
            type="tertiary",
            width="stretch",
            key=f"preset-{number}",
            on_click=_choose,
            args=(preset,),
        )
        if default:
            st.caption(both("new chats", "新对话"), width="content")
        if settings.role == "reader":
            return
        action = st.menu_button(
            both("More", "更多"),
            list(actions),
            format_func=actions.__getitem__,
            icon=":material/more_horiz:",
            type="tertiary",
            key=f"preset-menu-{number}",
        )
    if action == "rename":
        st.dialog(both("Rename the assistant", "重命名助手"))(_rename)(preset, settings)
    elif action:
        with shows_errors():
            _act(action, preset, default, settings)
            st.rerun()


def _choose(preset: Preset) -> None:
    load_choices(preset.chosen)
    select(CHIP, False)


def _act(action: str, preset: Preset, default: bool, settings: Settings) -> None:
    name = preset.name
    if action == "delete":
        undo = delete_preset(name, settings)
        announce(both(f"Assistant “{name}” deleted", f"助手“{name}”已删除"), undo=undo)
    elif action == "update":
        save_preset(Preset(name, preset.icon, now_chosen()), settings)
        announce(
            both(f"Assistant “{name}” saved", f"助手“{name}”已保存"),
            undo=lambda: save_preset(preset, settings),
        )
    else:
        set_default("" if default else name, settings)


def _rename(preset: Preset, settings: Settings) -> None:
    with st.form("rename-preset", border=False):
        name = st.text_input(both("Name", "名称"), preset.name, max_chars=LONGEST_NAME)
        sent = st.form_submit_button(both("Save", "保存"), type="primary")
    if sent:
        with shows_errors():
            rename_preset(preset.name, name, settings)
            st.rerun()


def _save_form(settings: Settings) -> None:
    with st.form("save-preset", border=False, clear_on_submit=True):
        name = st.text_input(
            both("Keep what is chosen now as", "将当前选择保存为"),
            max_chars=LONGEST_NAME,
            placeholder=both("Name", "名称"),
            key="preset-name",
        )
        icon = st.pills(
            both("Icon", "图标"),
            ICONS,
            format_func=lambda name: f":material/{name}:",
            default=ICONS[0],
            key="preset-icon",
            label_visibility="collapsed",
        )
        sent = st.form_submit_button(both("Save", "保存"), key="save-preset-button")
    if sent:
        with shows_errors():
            save_preset(Preset(name, icon or ICONS[0], now_chosen()), settings)
            name = " ".join(name.split())
            announce(both(f"Assistant “{name}” saved", f"助手“{name}”已保存"))
            st.rerun()

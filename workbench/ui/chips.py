"""Chips: small buttons in a row, each of which shows one choice of a chat and opens the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from workbench.ui.session import choices
from workbench.ui.text import plain

FITS = 24  # characters on a chip


def chip_text(text: str, chosen: bool) -> str:
    """What stands on a chip, grey where the person has not chosen it."""
    short = plain(text if len(text) <= FITS else text[: FITS - 1] + "…")
    return short if chosen else f":gray[{short}]"


def menu_chip(
    name: str,
    label: str,
    options: Mapping[Any, str],
    value: Any,
    *,
    default: Any,
    icon: str,
    shown: str = "",
    take: Callable[[Any], None] | None = None,
) -> None:
    """A chip with a menu: `options` maps each value to its text.

    `shown` stands on the chip in place of that text. What is chosen goes to `take`, else to the
    session's choices under `name`.
    """
    key = f"choose-{name}"
    marked = {one: f"✓ {text}" if one == value else text for one, text in options.items()}

    def chosen() -> None:
        picked = st.session_state[key]
        if take:
            take(picked)
        else:
            choose_value(name, picked)

    st.menu_button(
        chip_text(shown or options[value], value != default),
        list(options),
        format_func=lambda one: plain(marked[one]),
        key=key,
        icon=icon,
        help=label,
        type="tertiary",
        on_click=chosen,
    )


def choose_value(name: str, value: Any) -> None:
    """Choose this for the chat; what was said of the former choice is over."""
    choices()[name] = value
    notices().pop(name, None)


def fall_back(name: str, notice: str, to: Any = None) -> None:
    """Take back a choice whose thing is gone, say so above the box, and draw the page again."""
    choices().pop(name, None)
    if to is not None:
        choices()[name] = to
    notices()[name] = notice
    st.rerun()


def notices() -> dict[str, str]:
    """By choice: why another one than the person's is taken, in the page's language."""
    return st.session_state.setdefault("fallen_back", {})

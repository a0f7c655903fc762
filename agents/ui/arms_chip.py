"""The chip of the mode Side by side: which two arms answer, and whether their names are hidden."""

from __future__ import annotations

import streamlit as st

from agents.beside import Beside, arm_label, arms_on_offer
from agents.ui.chosen import beside, choose_beside
from workbench.settings import Settings
from workbench.ui.chips import FITS, chip_text
from workbench.ui.models import reachable_models, with_chosen
from workbench.ui.widgets import both, language, plain

HALF = (FITS - 3) // 2  # characters of a name: two and what stands between them fit a chip
LEFT, RIGHT, HIDDEN = "arm-left", "arm-right", "arms-blind"


def arms_chip(settings: Settings) -> None:
    """Draw it; what is chosen is kept with the chat."""
    now = beside()
    names = [_short(arm_label(arm, language())) for arm in now.arms]
    label = both("Who answers side by side", "由谁并排回答")
    text = chip_text(" · ".join(names), now != Beside())
    icon = ":material/visibility_off:" if now.blind else ":material/compare:"
    with st.popover(text, icon=icon, type="tertiary", help=label, key="arms"):
        offered = arms_on_offer(reachable_models(settings))
        for key, side, arm in (
            (LEFT, both("Left", "左边"), now.arms[0]),
            (RIGHT, both("Right", "右边"), now.arms[1]),
        ):
            st.session_state[key] = arm
            st.selectbox(
                plain(side),
                with_chosen(offered, arm),
                format_func=_name,
                key=key,
                on_change=_take,
                args=(key,),
            )
        st.session_state[HIDDEN] = now.blind
        st.toggle(
            both("Blind: hide the names until the vote", "匿名：投票前隐藏名称"),
            key=HIDDEN,
            on_change=_take,
            args=(HIDDEN,),
            help=both(
                "The order is drawn for each question. Passages stay visible: they are part of an "
                "answer.",
                "每个问题的左右顺序随机。引用的段落仍会显示，因为它们是回答的一部分。",
            ),
        )


def _short(name: str) -> str:
    """So that both names have room on the chip."""
    last = name.partition(":")[2] or name
    return last if len(last) <= HALF else last[: HALF - 1] + "…"


def _name(arm: str) -> str:
    return arm_label(arm, language())


def _take(changed: str) -> None:
    """Keep the choice; two arms that are the same change their places."""
    before = beside()
    left, right = st.session_state[LEFT], st.session_state[RIGHT]
    if left == right and changed == LEFT:
        right = before.arms[0]
    elif left == right:
        left = before.arms[1]
    choose_beside(Beside((left, right), st.session_state[HIDDEN]))

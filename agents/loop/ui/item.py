"""One item of the review: what was asked and answered, what would be right, and what to do."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from agents.loop.personal import KINDS, find_personal
from agents.loop.review import Reviewed
from workbench.ui.widgets import both, plain

SIGNALS = {
    "correction": ("corrected", "已更正"),
    "good": ("rated good", "评为好"),
    "bad": ("rated bad", "评为不好"),
    "vote": ("preferred in a vote", "投票胜出"),
}
STATES = {
    "open": ("open", "待审核"),
    "accepted": ("accepted", "已采纳"),
    "edited": ("edited", "已修改"),
    "rejected": ("rejected", "已拒绝"),
}
COLOURS = {"open": "gray", "accepted": "green", "edited": "green", "rejected": "orange"}
EDITED = "review_edited"  # the id of the item whose text is being edited
LONGEST = 1200  # characters of a text that are shown


def show_item(one: Reviewed, *, current: bool, like: int, act: Callable[..., None]) -> None:
    """Draw the item; `act(name, id, …)` is what its buttons call.

    The buttons of the `current` item have the names by which the keys press them. `like` is how
    many near duplicates follow it.
    """
    item = one.item
    with st.container(border=True, key=f"item-{one.id}-{'current' if current else 'other'}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.checkbox(both("Select", "选择"), key=f"pick-{one.id}", label_visibility="collapsed")
            st.markdown(_badges(one, like), width="stretch")
        st.markdown(f"**{marked(item.question)}**")
        if one.text != item.answer:
            st.markdown(f":small[:gray[{_answered()}]]  \n:gray[{marked(item.answer)}]")
        if st.session_state.get(EDITED) == one.id:
            _edit_form(one, act)
            return
        _show_learned(one)
        _show_origin(one)
        if not one.decision.batch:
            _show_actions(one, current, act)


def marked(text: str) -> str:
    """The text as it stands, with what looks like personal data on a coloured ground."""
    shown = text[:LONGEST] + ("…" if len(text) > LONGEST else "")
    pieces: list[str] = []
    at = 0
    for span in find_personal(shown):
        pieces.append(plain(shown[at : span.begin]))
        pieces.append(f":orange-background[{plain(shown[span.begin : span.end])}]")
        at = span.end
    pieces.append(plain(shown[at:]))
    return "".join(pieces).strip().replace("\n", "  \n")


def _badges(one: Reviewed, like: int) -> str:
    badges = [
        f":{COLOURS[one.state]}-badge[{both(*STATES[one.state])}]",
        f":small[{both(*SIGNALS[one.item.signal])}]",
    ]
    kinds = {span.kind for text in (one.item.question, one.text) for span in find_personal(text)}
    if kinds:
        names = ", ".join(both(*KINDS[kind]) for kind in sorted(kinds))
        badges.append(f":orange-badge[:material/privacy_tip: {names}]")
    if like:
        plural = "s" if like > 1 else ""
        words = both(f"{like} near duplicate{plural} below", f"下方有 {like} 条近似重复")
        badges.append(f":blue-badge[{words}]")
    return " ".join(badges)


def _answered() -> str:
    return both("The answer was", "原回答")


def _right(one: Reviewed) -> str:
    if one.item.kind == "sql":
        return both("The query to verify", "待核实的查询")
    if not one.text:
        return both("Nobody has said what would be right", "还没有正确的回答")
    return both("To be learned", "将学习的回答")


def _show_learned(one: Reviewed) -> None:
    if one.item.kind == "sql" and one.text:
        st.markdown(f":small[{_right(one)}]")
        st.code(one.text, language="sql", wrap_lines=True)
    else:
        st.markdown(f":small[{_right(one)}]  \n{marked(one.text) or '–'}")


def _show_origin(one: Reviewed) -> None:
    """Where it comes from, small."""
    item = one.item
    titled = not item.question.startswith(item.title)  # else it says nothing new
    parts = [plain(item.title) if titled else "", plain(item.model)]
    if item.sources:
        parts.append(both("sources: ", "来源：") + plain("; ".join(dict.fromkeys(item.sources))))
    if one.decision.batch:
        parts.append(both("in ", "已归入 ") + plain(one.decision.batch))
    if one.decision.reason:
        parts.append(plain(one.decision.reason))
    st.caption(" · ".join(part for part in parts if part))


def _show_actions(one: Reviewed, current: bool, act: Callable[..., None]) -> None:
    buttons = [
        # name, label, icon, whether it can be pressed
        ("accept", both("Accept", "采纳"), ":material/check:", bool(one.text) and not one.taken),
        ("edit", both("Edit", "修改"), ":material/edit:", True),
        ("reject", both("Reject", "拒绝"), ":material/block:", one.state != "rejected"),
    ]
    with st.container(horizontal=True, gap="small"):
        for name, label, icon, can in buttons:
            st.button(
                plain(label),
                icon=icon,
                key=f"review_{name}" if current else f"{name}-{one.id}",
                type="primary" if current and name == "accept" else "secondary",
                disabled=not can,
                on_click=act,
                args=(name, one.id),
            )


def _edit_form(one: Reviewed, act: Callable[..., None]) -> None:
    with st.form(f"edit-form-{one.id}", border=False):
        st.text_area(
            both("What would be right", "正确的回答"), one.text, key=f"edited-{one.id}", height=120
        )
        with st.container(horizontal=True):
            st.form_submit_button(
                both("Save and accept", "保存并采纳"),
                type="primary",
                key=f"save-edit-{one.id}",
                on_click=act,
                args=("save", one.id),
            )
            st.form_submit_button(
                both("Cancel", "取消"),
                key=f"leave-edit-{one.id}",
                on_click=act,
                args=("leave", one.id),
            )

"""The review list: filters, a page of items, bulk actions, keys; redrawn alone as a fragment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from agents.loop import review
from agents.loop.grouping import group_now
from agents.loop.review import Reviewed, read_review
from agents.loop.ui.batches import offer_batch
from agents.loop.ui.item import EDITED, STATES, show_item
from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.ui.widgets import both, plain, show_error

ON_A_PAGE = 10
FILTER = "review_filter"
SEARCH = "review_search"
PAGE = "review_page"
AT = "review_at"  # the id of the item that the keys act on
SAID = "review_said"  # what the last action has changed
FAILED = "review_failed"
KEYS = st.components.v2.component(
    "review_keys", js=Path(__file__).with_name("keys.js").read_text("utf-8"), isolate_styles=False
)
STYLE = """
<style>
[class*="st-key-item-"][class*="-current"] { border-color: #2f6f73; box-shadow: 0 0 0 1px #2f6f73 }
</style>
"""


def show_review(settings: Settings) -> None:
    """The whole list. An action redraws this part of the page alone."""
    st.fragment(_review)(settings)


def _review(settings: Settings) -> None:
    st.html(STYLE)
    found = read_review(settings)
    wanted = _filtered(found)
    offer_batch(settings)
    _show_said(settings)
    if not wanted:
        st.info(both("Nothing here by this filter.", "此筛选条件下没有内容。"))
        _listen("")  # u takes back
        return
    ordered, like = _grouped(found, wanted, settings)
    shown = _page_of(ordered)
    _bulk(wanted, shown, settings)
    at = _current(shown)
    for one in shown:
        show_item(one, current=one.id == at, like=like[one.id], act=_acting(settings))
    _movers(shown, at)
    _listen(at)
    st.caption(
        both(
            "Keys: j and k move, a accepts, e edits, r rejects, u takes back.",
            "快捷键：j、k 移动，a 采纳，e 修改，r 拒绝，u 撤销。",
        )
    )


def _listen(at: str) -> None:
    """Mount what listens for keys; it brings the item that it moved to into view."""
    KEYS(key="review_keys", data={"at": at}, height=1)


def _filtered(found: Sequence[Reviewed]) -> list[Reviewed]:
    """What the person wants to see, by state and by words."""
    counts = {state: sum(one.state == state for one in found) for state in STATES}
    labels = {
        state: f"{plain(both(*words))} ({counts[state]:d})" for state, words in STATES.items()
    }
    labels["all"] = both(f"all ({len(found)})", f"全部（{len(found)}）")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        state = st.segmented_control(
            both("Show", "显示"),
            list(labels),
            format_func=labels.__getitem__,
            default="open",
            key=FILTER,
            required=True,
        )
        words = st.text_input(
            both("Search", "搜索"), key=SEARCH, icon=":material/search:", width=240
        )
    texts = words.casefold().split()
    return [one for one in found if state in ("all", one.state) and _holds(one, texts)]


def _holds(one: Reviewed, texts: Sequence[str]) -> bool:
    whole = f"{one.item.question}\n{one.item.answer}\n{one.text}".casefold()
    return all(text in whole for text in texts)


def _grouped(
    found: Sequence[Reviewed], wanted: Sequence[Reviewed], settings: Settings
) -> tuple[list[Reviewed], dict[str, int]]:
    """Near duplicates beneath one another, and how many follow each first one.

    Groups are of all items, so that an action or a filter needs no new ones.
    """
    groups = group_now(tuple(one.item.question for one in found), settings)
    first_of = {one.id: first for one, first in zip(found, groups, strict=True)}
    members: dict[int, list[Reviewed]] = {}
    for one in wanted:
        members.setdefault(first_of[one.id], []).append(one)
    ordered: list[Reviewed] = []
    like: dict[str, int] = {}
    for same in members.values():
        ordered += same
        like |= {one.id: 0 for one in same}
        like[same[0].id] = len(same) - 1
    return ordered, like


def _page_of(ordered: Sequence[Reviewed]) -> Sequence[Reviewed]:
    pages = -(-len(ordered) // ON_A_PAGE)
    number = 1
    if pages > 1:
        number = st.pagination(pages, key=f"{PAGE}-{pages}")
    return ordered[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]


def _bulk(wanted: Sequence[Reviewed], shown: Sequence[Reviewed], settings: Settings) -> None:
    """Actions on what is selected, else on everything that the filter shows."""
    free = [one for one in wanted if not one.decision.batch]
    picked = [one for one in free if st.session_state.get(f"pick-{one.id}")]
    target = picked or free
    able = [one.id for one in target if _can_accept(one, bool(picked))]
    others = [one.id for one in target if one.state != "rejected"]
    what = both("selected", "所选") if picked else both("all", "全部")
    act = _acting(settings)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            both(f"Accept {what} ({len(able)})", f"采纳{what}（{len(able)}）"),
            icon=":material/done_all:",
            key="accept_many",
            disabled=not able,
            on_click=act,
            args=("accept", *able),
        )
        st.button(
            both(f"Reject {what} ({len(others)})", f"拒绝{what}（{len(others)}）"),
            icon=":material/block:",
            key="reject_many",
            disabled=not others,
            on_click=act,
            args=("reject", *others),
        )
        st.button(
            both("Select this page", "选择本页"),
            key="pick_page",
            type="tertiary",
            on_click=_pick,
            args=([one.id for one in shown],),
        )


def _can_accept(one: Reviewed, picked: bool) -> bool:
    """What was not picked by hand is not accepted with personal data in it."""
    return bool(one.text) and not one.taken if picked else one.can_be_taken_unseen


def _pick(ids: Sequence[str]) -> None:
    """Select all of the page, or none where all are."""
    everything = all(st.session_state.get(f"pick-{number}") for number in ids)
    for number in ids:
        st.session_state[f"pick-{number}"] = not everything


def _current(shown: Sequence[Reviewed]) -> str:
    """The item that the keys act on; where it has left the list, what took its place."""
    ids = [one.id for one in shown]
    at = st.session_state.get(AT)
    if at not in ids:
        place = min(st.session_state.get("review_place", 0), len(ids) - 1)
        at = ids[place]
    st.session_state[AT] = at
    st.session_state["review_place"] = ids.index(at)
    return str(at)


def _movers(shown: Sequence[Reviewed], at: str) -> None:
    """The buttons that the keys j and k press."""
    ids = [one.id for one in shown]
    place = ids.index(at)
    with st.container(horizontal=True):
        for name, icon, to in (
            ("up", ":material/arrow_upward:", max(place - 1, 0)),
            ("down", ":material/arrow_downward:", min(place + 1, len(ids) - 1)),
        ):
            label = both("Previous", "上一条") if name == "up" else both("Next", "下一条")
            st.button(
                label,
                icon=icon,
                key=f"review_{name}",
                type="tertiary",
                on_click=_go,
                args=(ids[to],),
            )


def _go(number: str) -> None:
    st.session_state[AT] = number


def _acting(settings: Settings) -> Callable[..., None]:
    def act(name: str, *ids: str) -> None:
        _act(settings, name, ids)

    return act


def _act(settings: Settings, name: str, ids: Sequence[str]) -> None:
    """What a button does; an error is shown where the list is drawn next."""
    st.session_state.pop(FAILED, None)
    try:
        changed = _done(settings, name, ids)
    except WorkbenchError as error:
        st.session_state[FAILED] = (error.problem, error.fix)
        return
    if changed:
        st.session_state[SAID] = (name, len(changed))


def _done(settings: Settings, name: str, ids: Sequence[str]) -> list[str]:
    """The ids that it has changed."""
    if name == "edit":
        st.session_state[EDITED] = st.session_state[AT] = ids[0]
        return []
    if name == "leave":
        st.session_state.pop(EDITED, None)
        return []
    if name == "save":
        changed = review.edit(ids[0], st.session_state[f"edited-{ids[0]}"], settings)
        st.session_state.pop(EDITED, None)
        return changed
    if name == "undo":
        st.session_state.pop(SAID, None)
        review.undo(settings)
        return []
    for number in ids:
        st.session_state.pop(f"pick-{number}", None)
    return review.accept(ids, settings) if name == "accept" else review.reject(ids, settings)


def _show_said(settings: Settings) -> None:
    if FAILED in st.session_state:
        show_error(*st.session_state[FAILED])
    said = st.session_state.get(SAID)
    if not said:
        return
    name, count = said
    words = {
        "accept": both(f"{count} accepted.", f"已采纳 {count} 条。"),
        "save": both("Your own text is accepted.", "已采纳修改后的回答。"),
        "reject": both(f"{count} rejected.", f"已拒绝 {count} 条。"),
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(words[name]), width="content")
        st.button(
            both("Undo", "撤销"),
            icon=":material/undo:",
            type="tertiary",
            key="review_undo",
            on_click=_acting(settings),
            args=("undo",),
        )

"""The choice of the collections, a chip above the chat's box."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag.catalogue import Catalogue
from workbench.settings import Settings
from workbench.ui.chips import chip_text, choose_value, fall_back
from workbench.ui.widgets import both, choices, default_settings, plain

KEY = "choose-collection"


def choose_collection(settings: Settings, asked: bool) -> None:
    """Always shown: one collection or several, which the documents agent searches."""
    names = Catalogue(settings.folder() / "index.db").names()
    chosen = settings.collections
    _mend(chosen, names)
    options = list(dict.fromkeys([*names, *chosen]))
    label = both("Collections", "知识库")
    more = f" +{len(chosen) - 1}" if len(chosen) > 1 else ""
    text = chip_text(chosen[0], settings.collection != default_settings().collection)
    with st.popover(
        text + more, icon=":material/library_books:", type="tertiary", help=label, key="collections"
    ):
        st.session_state[KEY] = chosen
        st.pills(
            both("Collections that are searched", "检索的知识库"),
            options,
            selection_mode="multi",
            format_func=plain,
            key=KEY,
            on_change=_take,
        )


def _take() -> None:
    """Without any, the chat searches what the settings name."""
    chosen = ", ".join(st.session_state[KEY])
    choose_value("collection", chosen)
    if not chosen:
        choices().pop("collection")


def _mend(chosen: Sequence[str], names: Sequence[str]) -> None:
    """Leave out collections that were deleted."""
    left = [name for name in chosen if name in names]
    if not names or len(left) == len(chosen):
        return
    instead = ", ".join(left) or names[0]
    if "collection" not in choices():
        choose_value("collection", instead)  # the settings name one that was never made
        st.rerun()
    gone = ", ".join(name for name in chosen if name not in names)
    fall_back(
        "collection",
        both(
            f"The collection “{gone}” no longer exists; this chat now searches “{instead}”.",
            f"知识库“{gone}”已不存在，此对话改为检索“{instead}”。",
        ),
        instead,
    )

"""The passages of an answer: buttons under it, each of which opens the passage in its document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from agents.display import cited_first, passages_around, source_label
from workbench.chat.events import Source
from workbench.errors import NotFound
from workbench.settings import Settings
from workbench.ui.widgets import both, place_name, plain


def show_sources(sources: Sequence[Source], text: str, settings: Settings, key: str) -> None:
    """The cited passages first, each opening in its place; the others that were read fold away."""
    first, rest = cited_first(sources, text)
    with st.container(horizontal=True, key=f"sources-{key}"):
        for source in first:
            _source_button(source, settings, key)
    if rest:
        label = both(f"{len(rest)} more passages were read", f"还参考了 {len(rest)} 个段落")
        with st.container(key=f"rest-of-sources-{key}"), st.expander(label):
            for source in rest:
                _source_button(source, settings, key)


def _source_button(source: Source, settings: Settings, key: str) -> None:
    label = source_label(source, place_name(source.locator))
    pressed = st.button(
        plain(label),
        key=f"source-{key}-{source.number}",
        type="secondary",
        icon=":material/description:",
    )
    if pressed:
        open_passage(source, settings)


def open_passage(source: Source, settings: Settings) -> None:
    """The passage where it stands: what comes before and after it in the document."""
    title = plain(Path(source.source).name)
    st.dialog(title, width="large")(_passage)(source, settings)


def _passage(source: Source, settings: Settings) -> None:
    from rag.store import open_collection  # Chroma: only where a passage is opened

    st.caption(plain(place_name(source.locator)))
    try:
        passages = open_collection(settings, source.collection).document(source.source)
    except NotFound:
        passages = []
    around = passages_around(passages, source.passage_id)
    if not around:
        st.info(
            both(
                "The document has changed since; this is what was read.",
                "文档之后已变更，以下为当时引用的内容。",
            )
        )
        st.markdown(_highlighted(source.text))
    for passage in around:
        if passage.id == source.passage_id:
            with st.container(border=True, key="passage-here"):
                st.markdown(_highlighted(passage.text))
        else:
            st.markdown(_lines(passage.text))


def _highlighted(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return "  \n".join(f":orange-background[{plain(line)}]" for line in lines)


def _lines(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return "  \n".join(plain(line) for line in lines)

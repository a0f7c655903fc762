"""The embedder of a collection: whether new ones have another, and the job that changes it."""

from __future__ import annotations

import streamlit as st

from rag.store import Collection
from rag.ui.jobs import is_embedding_again
from workbench.jobs.job import start
from workbench.models.packaged_embedders import PACKAGES, is_installed
from workbench.settings import Settings
from workbench.ui.widgets import announce, both, plain


def show_other_embedder(settings: Settings, collection: Collection) -> None:
    """One line with one button, where new collections get another embedder than this one has."""
    # always a place for it, else the tabs below would begin again whenever it comes or goes
    with st.container():
        if is_embedding_again(settings, collection.name):
            st.fragment(_await_embedding, run_every=1.0)(settings, collection.name)
        elif collection.embedder != settings.embedder:
            _offer(settings, collection)


def _offer(settings: Settings, collection: Collection) -> None:
    old, new = plain(collection.embedder), plain(settings.embedder)
    line, action = st.columns([3, 2], vertical_alignment="center")
    line.caption(
        both(
            f"This collection was made with {old}; new ones are made with {new}.",
            f"此知识库由 {old} 生成；新知识库使用 {new}。",
        )
    )
    label = both(f"Re-index with {new}", f"用 {new} 重建索引")
    if action.button(label, icon=":material/autorenew:", key="reindex_as_new"):
        _embed_again(settings, collection, settings.embedder)


def _await_embedding(settings: Settings, name: str) -> None:
    """Until the job has ended; the page then shows the collection as it is."""
    if not is_embedding_again(settings, name):
        st.rerun()
    st.caption(
        both(
            "The passages are being embedded again; until then the old index answers.",
            "正在重新生成向量；完成之前仍由旧索引回答。",
        )
    )


def show_embedder_choice(settings: Settings, collection: Collection) -> None:
    """Any embedder by name, and the button that embeds the passages with it."""
    st.subheader(both("Another embedder", "更换向量模型"))
    packaged = [name for name in PACKAGES if is_installed(name)]
    names = list(dict.fromkeys([collection.embedder, settings.embedder, *packaged]))
    name = st.selectbox(
        both(
            "A packaged one, or type a folder, hub name, modelscope:NAME or ollama:NAME",
            "选择自带的模型，或输入本地文件夹、模型库名称、modelscope:名称 或 ollama:名称",
        ),
        names,
        accept_new_options=True,
        key=f"new_embedder-{collection.name}",
    )
    unchanged = name in (None, collection.embedder)
    busy = is_embedding_again(settings, collection.name)
    label = both("Embed again", "重新生成向量")
    if st.button(label, disabled=unchanged or busy, key="reindex"):
        _embed_again(settings, collection, name)


def _embed_again(settings: Settings, collection: Collection, embedder: str) -> None:
    title = both(f"Embedding {collection.name} again", f"正在为 {collection.name} 重新生成向量")
    start(settings, title, ["rag", "reindex", collection.name, "--embedder", embedder, "--json"])
    announce(f"{title}…")
    st.rerun()

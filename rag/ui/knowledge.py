"""The page of collections: their files, a test search, the learned weights, what changes them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag.example import EXAMPLE
from rag.store import Collection, delete_collection, list_collections, open_collection
from rag.ui.files import read_in_job, show_files, show_upload
from rag.ui.search import show_learned, show_search
from workbench.errors import NotFound
from workbench.jobs.job import start
from workbench.settings import Settings
from workbench.ui.uploads import save_uploads
from workbench.ui.widgets import begin_page, both, choices, plain, shows_errors


def page() -> None:
    """One collection at a time, in four tabs."""
    settings = begin_page(both("Knowledge", "知识库"))
    collections = list_collections(settings)
    if not collections:
        _show_empty(settings)
        return
    name = _choose(settings, [collection.name for collection in collections])
    try:
        collection = open_collection(settings, name)
    except NotFound:  # deleted in another tab
        st.rerun()
    _show_facts(collection)
    files, search, learned, manage = st.tabs(
        [
            both("Files", "文件"),
            both("Test search", "检索测试"),
            both("Fusion", "融合权重"),
            both("Manage", "管理"),
        ]
    )
    with files:
        show_upload(settings, name)
        show_files(collection)
    with search:
        show_search(settings, collection)
    with learned:
        show_learned(collection)
    with manage:
        _show_reindex(settings, collection)
        _show_delete(settings, collection)


def _show_empty(settings: Settings) -> None:
    st.markdown(
        both(
            "A collection holds files you can search. Upload your own, or begin with an example "
            "handbook.",
            "知识库由可以提问的文件组成。上传你自己的文件，或者先用示例手册试一试。",
        )
    )
    if st.button(
        both("Load the example handbook", "加载示例手册"),
        type="primary",
        icon=":material/menu_book:",
    ):
        read_in_job(settings, "handbook", [EXAMPLE])
    _show_new(settings)


def _choose(settings: Settings, names: Sequence[str]) -> str:
    """The selector, with a form for a new collection beside it."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    chosen = left.selectbox(
        both("Collection", "知识库"),
        names,
        key="shown_collection",
        index=names.index(settings.collection) if settings.collection in names else 0,
    )
    with right.popover(both("New", "新建"), icon=":material/add:", width="stretch"):
        _show_new(settings)
    choices()["collection"] = chosen
    return chosen


def _show_new(settings: Settings) -> None:
    with st.form("new", border=False):
        name = st.text_input(
            both("Name of the new collection", "新知识库名称"), key="new_collection"
        ).strip()
        files = st.file_uploader(
            both("Its first files", "首批文件"), accept_multiple_files=True, key="new_files"
        )
        sent = st.form_submit_button(both("Create", "创建"), type="primary")
    if sent and name and files:
        with shows_errors():
            choices()["collection"] = name
            st.session_state.pop("shown_collection", None)
            read_in_job(settings, name, save_uploads(settings, name, list(files)))
    elif sent:
        st.info(both("Give it a name and choose its first files.", "请填写名称并选择首批文件。"))


def _show_facts(collection: Collection) -> None:
    documents = collection.documents()
    passages = collection.count()
    failed = sum(document.state == "failed" for document in documents)
    facts = [
        both(f"{len(documents)} files", f"{len(documents)} 个文件"),
        both(f"{passages} passages", f"{passages} 个段落"),
        both(f"embedder {collection.embedder}", f"向量模型 {collection.embedder}"),
    ]
    if failed:
        facts.append(both(f"{failed} failed", f"{failed} 个失败"))
    st.caption(" · ".join(plain(fact) for fact in facts))


def _show_reindex(settings: Settings, collection: Collection) -> None:
    st.subheader(both("Another embedder", "更换向量模型"))
    name = st.text_input(
        both(
            "Folder, hub name, modelscope:NAME or ollama:NAME",
            "本地文件夹、模型库名称、modelscope:名称 或 ollama:名称",
        ),
        collection.embedder,
        key="new_embedder",
    )
    unchanged = name == collection.embedder
    if st.button(both("Embed again", "重新生成向量"), disabled=unchanged, key="reindex"):
        title = both(f"Embedding {collection.name} again", f"正在为 {collection.name} 重新生成向量")
        start(settings, title, ["rag", "reindex", collection.name, "--embedder", name, "--json"])
        st.rerun()


def _show_delete(settings: Settings, collection: Collection) -> None:
    st.subheader(both("Delete", "删除"))
    sure = st.checkbox(
        both(
            f"Delete {collection.name} with its index. Files outside the workspace stay.",
            f"删除 {collection.name} 及其索引。工作区以外的文件会保留。",
        ),
        key="sure",
    )
    if not st.button(both("Delete the collection", "删除知识库"), disabled=not sure, key="delete"):
        return
    with shows_errors():
        delete_collection(settings, collection.name)
        choices().pop("collection", None)
        # else the selector would show the deleted name, and the box would stay ticked
        st.session_state.pop("shown_collection", None)
        st.session_state.pop("sure", None)
        st.rerun()


page()

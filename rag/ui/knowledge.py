"""The page of collections: their files, a test search, the learned weights, what changes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from rag.example import EXAMPLE
from rag.passages import Document
from rag.store import (
    Collection,
    check_name,
    delete_collection,
    list_collections,
    open_collection,
)
from rag.texts import write_texts
from rag.ui.embedder import show_embedder_choice, show_other_embedder
from rag.ui.files import read_in_job, show_files, show_upload
from rag.ui.jobs import arriving
from rag.ui.report import show_report
from rag.ui.search import show_learned, show_search
from workbench.confined import check_may_change
from workbench.errors import NotFound
from workbench.settings import Settings
from workbench.ui.opening import open_for
from workbench.ui.uploads import safe_name, save_uploads
from workbench.ui.widgets import (
    announce,
    begin_page,
    both,
    choices,
    choose,
    fold,
    plain,
    select,
    shows_errors,
)

SHOWN, NEW = "shown_collection", "new_collection_form"  # keys of the selector and the popover


def page() -> None:
    """One collection at a time, in four tabs."""
    settings = begin_page(both("Knowledge", "知识库"))
    existing = [collection.name for collection in list_collections(settings)]
    names = [*existing, *(name for name in arriving(settings) if name not in existing)]
    if not names:
        _show_empty(settings)
        return
    name = _choose(settings, names)
    if name not in existing:
        st.fragment(_await_collection, run_every=1.0)(settings, name)
        return
    try:
        collection = open_collection(settings, name)
    except NotFound:  # deleted in another tab
        st.rerun()
    documents = collection.documents()
    _show_facts(collection, documents)
    show_other_embedder(settings, collection)
    show_report(settings, collection, documents)
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
        show_files(collection, documents)
    with search:
        show_search(settings, collection)
    with learned:
        show_learned(collection)
    with manage:
        show_embedder_choice(settings, collection)
        _offer_training(settings, collection)
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
        select(SHOWN, "handbook")
        read_in_job(settings, "handbook", [EXAMPLE])
    _show_new(settings)


def _choose(settings: Settings, names: Sequence[str]) -> str:
    """The selector, with a form for a new collection beside it."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    label = both("Collection", "知识库")
    chosen: str = choose(left.selectbox, label, names, SHOWN, first=settings.collections[0])
    with fold(right.popover, both("New", "新建"), NEW, icon=":material/add:", width="stretch"):
        _show_new(settings)
    if chosen not in settings.collections:  # else the chat keeps the others that it searches
        choices()["collection"] = chosen
    return chosen


def _await_collection(settings: Settings, name: str) -> None:
    """Until the job has made the collection, or has ended without it."""
    existing = [collection.name for collection in list_collections(settings)]
    if name in existing or name not in arriving(settings):
        st.rerun()
    st.info(
        both(
            f"{plain(name)} is being made; its files appear here in a moment.",
            f"正在创建 {plain(name)}，文件稍后会显示在这里。",
        ),
        icon=":material/hourglass_top:",
    )


def _show_new(settings: Settings) -> None:
    made = st.session_state.get("collections_made", 0)  # the next form begins empty
    with st.form("new", border=False):
        name = st.text_input(
            both("Name of the new collection", "新知识库名称"), key=f"new_collection-{made}"
        ).strip()
        files = st.file_uploader(
            both("Its first files", "首批文件"),
            accept_multiple_files=True,
            key=f"new_files-{made}",
        )
        sent = st.form_submit_button(both("Create", "创建"), type="primary")
    if sent and name and files:
        with shows_errors():
            check_name(name)
            paths = save_uploads(settings, name, list(files))
            st.session_state["collections_made"] = made + 1
            select(SHOWN, name)
            select(NEW, False)
            read_in_job(settings, name, paths)
    elif sent:
        st.info(both("Give it a name and choose its first files.", "请填写名称并选择首批文件。"))


def _show_facts(collection: Collection, documents: Sequence[Document]) -> None:
    passages = collection.count()
    changed = _local(collection.changed)
    facts = [
        both(f"{len(documents)} files", f"{len(documents)} 个文件"),
        both(f"{passages} passages", f"{passages} 个段落"),
        _in_bytes(sum(document.size for document in documents)),
        both(f"embedder {collection.embedder}", f"向量模型 {collection.embedder}"),
        both(f"changed {changed}", f"更改于 {changed}"),
    ]
    st.caption(" · ".join(plain(fact) for fact in facts))


def _in_bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} KB"


def _local(moment: str) -> str:
    """`YYYY-MM-DD HH:MM:SS` in UTC -> date and time where the browser is."""
    at = datetime.strptime(moment, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    zone = st.context.timezone
    return at.astimezone(ZoneInfo(zone) if zone else None).strftime("%Y-%m-%d %H:%M")


def _offer_training(settings: Settings, collection: Collection) -> None:
    st.subheader(both("Train on these texts", "用这些文本训练"))
    st.caption(
        both(
            "A model can continue its training on the documents themselves: it takes on their "
            "language and terms. For facts, search answers better.",
            "模型可以直接在这些文档上继续预训练，学会其中的语言和术语。若要回答事实，检索更可靠。",
        )
    )
    label = both("Use as training data", "用作训练数据")
    if st.button(label, icon=":material/model_training:", key="train_on_texts"):
        with shows_errors():
            check_may_change(settings)
            path = settings.folder("uploads", "training") / f"{safe_name(collection.name)}.jsonl"
            write_texts(collection, path, replace=True)
            open_for("pretrain", str(path))


def _show_delete(settings: Settings, collection: Collection) -> None:
    st.subheader(both("Delete", "删除"))
    name = plain(collection.name)
    sure = st.checkbox(
        both(
            f"Delete {name} with its index. Files outside the workspace stay.",
            f"删除 {name} 及其索引。工作区以外的文件会保留。",
        ),
        key=f"sure-{collection.name}",  # no other collection's box is ever ticked
    )
    if not st.button(both("Delete the collection", "删除知识库"), disabled=not sure, key="delete"):
        return
    with shows_errors():
        delete_collection(settings, collection.name)
        choices().pop("collection", None)
        announce(both(f"Deleted {collection.name}", f"已删除 {collection.name}"))
        st.rerun()


page()

"""Collections: their files, uploads with progress, a test search that shows both legs, and what fusion has learned."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from rag.calibration import load_calibration
from rag.example import EXAMPLE
from rag.ingest import find_files
from rag.retriever import retrieve
from rag.store import Collection, delete_collection, list_collections, open_collection
from workbench.errors import NotFound
from workbench.jobs.job import start
from workbench.settings import Settings
from workbench.ui.uploads import save_uploads
from workbench.ui.widgets import (
    begin_page,
    both,
    choices,
    place_name,
    plain,
    shows_errors,
    told,
)

STATES = {
    "indexed": ("Indexed", "已索引"),
    "empty": ("No text", "没有文字"),
    "failed": ("Failed", "失败"),
}
LEGS = {"zh": ("Chinese questions", "中文提问"), "en": ("Other questions", "其他语言提问")}


def page() -> None:
    settings = begin_page(both("Knowledge", "知识库"))
    collections = list_collections(settings)
    if not collections:
        _show_empty(settings)
        return
    names = [collection.name for collection in collections]
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
    try:
        collection = open_collection(settings, chosen)
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
        _show_upload(settings, chosen)
        _show_files(collection)
    with search:
        _show_search(settings, collection)
    with learned:
        _show_learned(collection)
    with manage:
        _show_manage(settings, collection)


def _show_empty(settings: Settings) -> None:
    st.markdown(
        both(
            "A collection holds files that can be asked. Upload your own, or begin with an example handbook.",
            "知识库由可以提问的文件组成。上传你自己的文件，或者先用示例手册试一试。",
        )
    )
    if st.button(
        both("Load the example handbook", "加载示例手册"),
        type="primary",
        icon=":material/menu_book:",
    ):
        _ingest(settings, "handbook", [EXAMPLE])
    _show_new(settings)


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
            _ingest(settings, name, save_uploads(settings, name, list(files)))
    elif sent:
        st.info(both("Give it a name and choose its first files.", "请填写名称并选择首批文件。"))


def _ingest(settings: Settings, collection: str, paths: list[Path], password: str = "") -> None:
    """Read files in a job that outlives the page."""
    count = len(find_files(paths))
    title = both(
        f"Reading {count} file{'s'[: count > 1]} into {collection}",
        f"正在把 {count} 个文件读入 {collection}",
    )
    private = {"WORKBENCH_FILE_PASSWORD": password} if password else {}
    start(
        settings,
        title,
        ["rag", "ingest", *map(str, paths), "--collection", collection, "--json"],
        private,
    )
    st.rerun()


def _show_facts(collection: Collection) -> None:
    documents = collection.documents()
    failed = sum(document.state == "failed" for document in documents)
    facts = [
        both(f"{len(documents)} files", f"{len(documents)} 个文件"),
        both(f"{collection.count()} passages", f"{collection.count()} 个段落"),
        both(f"embedder {collection.embedder}", f"向量模型 {collection.embedder}"),
    ] + ([both(f"{failed} failed", f"{failed} 个失败")] if failed else [])
    st.caption(" · ".join(plain(fact) for fact in facts))


def _show_upload(settings: Settings, name: str) -> None:
    with st.form("upload", clear_on_submit=True, border=False):
        files = st.file_uploader(
            both(
                "Add files: PDF, Word, PowerPoint, Excel, CSV, HTML, EPUB, notebooks, Markdown, text, pictures",
                "添加文件：PDF、Word、PowerPoint、Excel、CSV、HTML、EPUB、笔记本、Markdown、文本、图片",
            ),
            accept_multiple_files=True,
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            password = st.text_input(
                both("Password, if they are encrypted", "密码（文件加密时填写）"),
                type="password",
                autocomplete="off",
            )
            sent = st.form_submit_button(
                both("Add", "添加"), type="primary", icon=":material/upload:"
            )
    if sent and files:
        with shows_errors():
            _ingest(settings, name, save_uploads(settings, name, list(files)), password)
    elif sent:
        st.info(both("Choose files first.", "请先选择文件。"))


def _show_files(collection: Collection) -> None:
    documents = collection.documents()
    if not documents:
        st.info(both("No files yet: add some above.", "还没有文件，请在上方添加。"))
        return
    rows = [
        {
            both("File", "文件"): Path(document.source).name,
            both("State", "状态"): both(*STATES[document.state]),
            both("Passages", "段落"): document.passages,
            both("Size (KB)", "大小 (KB)"): round(document.size / 1000, 1),
            both("Problem", "问题"): told(document.problem),
            both("What to do", "处理方法"): told(document.fix),
        }
        for document in documents
    ]
    failed = any(document.problem for document in documents)
    shown = rows if failed else [dict(list(row.items())[:4]) for row in rows]
    marked = st.dataframe(
        shown, hide_index=True, on_select="rerun", selection_mode="multi-row", key="files"
    )
    chosen = [documents[row].source for row in marked.selection.rows]
    if chosen:
        label = both(
            f"Remove {len(chosen)} from the collection", f"从知识库移除 {len(chosen)} 个文件"
        )
        with st.popover(label, icon=":material/delete:"):
            st.markdown(
                both(
                    "The files themselves stay; they can be added again.",
                    "原文件会保留，可以重新添加。",
                )
            )
            if st.button(both("Remove", "移除"), type="primary", key="remove_files"):
                with shows_errors(), collection.writing():
                    collection.remove(chosen)
                st.rerun()


def _show_search(settings: Settings, collection: Collection) -> None:
    question = st.text_input(
        both("Search", "检索"),
        placeholder=both("Words or a question", "关键词或问题"),
        key="search",
    )
    if not question.strip():
        st.caption(
            both("See what a question finds, and why.", "查看一个问题会检索到什么，以及原因。")
        )
        return
    with shows_errors():
        hits = retrieve(question, collection, settings, k=8)
        weight = load_calibration(collection).weight(question)
        st.caption(
            both(
                f"Fused = {weight:.2f} × meaning + {1 - weight:.2f} × words, each stretched to 0–1.",
                f"综合分 = {weight:.2f} × 语义 + {1 - weight:.2f} × 关键词，两者都归一化到 0–1。",
            )
        )
        if not hits:
            st.info(both("Nothing found.", "没有找到。"))
        for number, hit in enumerate(hits, 1):
            with st.container(border=True, key=f"hit-{number}"):
                place = place_name(str(hit.passage.locator))
                st.markdown(f"**{number}. {plain(Path(hit.passage.source).name)}** {plain(place)}")
                st.caption(
                    f"{both('fused', '综合')} {hit.score:.3f} · {both('meaning', '语义')} {hit.dense:.3f}"
                    f" · {both('words', '关键词')} {hit.lexical:.2f}"
                )
                st.markdown(plain(hit.passage.text[:600]).replace("\n", "  \n"))


def _show_learned(collection: Collection) -> None:
    calibration = load_calibration(collection)
    st.markdown(
        both(
            "How much meaning counts beside words is learned from questions made out of the collection's own text.",
            "语义与关键词各占多少，是用知识库自身文本生成的问题学习得到的。",
        )
    )
    if not calibration.weights:
        st.info(
            both(
                "Too few passages to learn from: the default weight is used.",
                "段落太少，无法学习权重，目前使用默认值。",
            )
        )
        return
    for script, learned in calibration.weights.items():
        st.metric(
            both(*LEGS[script]),
            f"{learned.weight:.0%}",
            help=both("share of meaning", "语义所占比例"),
        )
        st.caption(
            both(
                f"{learned.questions} made questions; mean reciprocal rank: meaning {learned.dense:.2f}, words "
                f"{learned.lexical:.2f}, fused {learned.fused:.2f}",
                f"{learned.questions} 个自动生成的问题；平均倒数排名：语义 {learned.dense:.2f}，关键词 "
                f"{learned.lexical:.2f}，融合 {learned.fused:.2f}",
            )
        )


def _show_manage(settings: Settings, collection: Collection) -> None:
    st.subheader(both("Another embedder", "更换向量模型"))
    name = st.text_input(
        both(
            "Folder, hub name, modelscope:NAME or ollama:NAME",
            "本地文件夹、模型库名称、modelscope:名称 或 ollama:名称",
        ),
        collection.embedder,
        key="new_embedder",
    )
    if st.button(
        both("Embed again", "重新生成向量"), disabled=name == collection.embedder, key="reindex"
    ):
        title = both(f"Embedding {collection.name} again", f"正在为 {collection.name} 重新生成向量")
        start(settings, title, ["rag", "reindex", collection.name, "--embedder", name, "--json"])
        st.rerun()
    st.subheader(both("Delete", "删除"))
    sure = st.checkbox(
        both(
            f"Delete {collection.name} with its index. Files outside the workspace stay.",
            f"删除 {collection.name} 及其索引。工作区以外的文件会保留。",
        ),
        key="sure",
    )
    if st.button(both("Delete the collection", "删除知识库"), disabled=not sure, key="delete"):
        with shows_errors():
            delete_collection(settings, collection.name)
            choices().pop("collection", None)
            for key in ("shown_collection", "sure"):
                st.session_state.pop(key, None)
            st.rerun()


page()

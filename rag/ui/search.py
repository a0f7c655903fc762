"""A collection's test search, which shows both legs of each hit, and the weights it has learned."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from rag.calibration import load_calibration
from rag.learning import Weight
from rag.lexical_files import lexical_index
from rag.passages import Hit
from rag.retriever import retrieve, views_of
from rag.store import Collection
from workbench.settings import Settings
from workbench.ui.widgets import both, place_name, plain, shows_errors

HITS = 8
SHOWN = 600  # characters of a passage
LANGUAGES = {"zh": ("Chinese questions", "中文提问"), "en": ("Other questions", "其他语言提问")}


def show_search(settings: Settings, collection: Collection) -> None:
    """A box for a question, and what it finds."""
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
        hits = retrieve(question, collection, settings, k=HITS)
        if not hits:
            st.info(both("Nothing found.", "没有找到。"))
            return
        _explain_score(question, settings, collection)
        ceiling = lexical_index(collection).ceiling(question)
        for number, hit in enumerate(hits, 1):
            _show_hit(number, hit, ceiling)


def show_learned(collection: Collection) -> None:
    """The weight of each language, and how it was learned."""
    calibration = load_calibration(collection)
    st.markdown(
        both(
            "How much meaning counts beside words is learned from questions made out of the "
            "collection's own text.",
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
    for language, learned in calibration.weights.items():
        _show_weight(language, learned)


def _explain_score(question: str, settings: Settings, collection: Collection) -> None:
    """The formula of `rag.fusion`, with the numbers of this question."""
    if settings.reranker:
        name = plain(settings.reranker)
        st.caption(
            both(
                f"The first score is the relevance that the reranker {name} gives.",
                f"第一个分数是重排模型 {name} 给出的相关度。",
            )
        )
        return
    views = views_of(question, collection, settings)
    weight = views[0].dense
    st.caption(
        both(
            f"Fused = {weight:.2f} × meaning + {1 - weight:.2f} × words. "
            "Meaning is the cosine similarity of question and passage. "
            "Words is the BM25 score, as a share of the most that any passage could reach. "
            "The weights follow from how far both scores spread for this question.",
            f"综合分 = {weight:.2f} × 语义 + {1 - weight:.2f} × 关键词。"
            "语义是问题与段落的余弦相似度；关键词是 BM25 得分占任何段落可能达到的最高分的比例。"
            "两个权重取决于这个问题的两种得分各自的离散程度。",
        )
    )
    if len(views) > 1:
        st.caption(
            both(
                "Passages in another language than the question hardly share its words, so they "
                "are scored apart and put on the same scale.",
                "与问题语言不同的段落几乎没有相同的词，因此单独计分后再换算到同一尺度。",
            )
        )


def _show_hit(number: int, hit: Hit, ceiling: float) -> None:
    """`ceiling` is the BM25 score that no passage can exceed for this question."""
    scores = [
        f"{both('fused', '综合')} {hit.score:.3f}",
        f"{both('meaning', '语义')} {hit.dense:.3f}",
        f"{both('words', '关键词')} {hit.lexical / ceiling:.3f}",
    ]
    name = plain(Path(hit.passage.source).name)
    place = plain(place_name(str(hit.passage.locator)))
    with st.container(border=True, key=f"hit-{number}"):
        st.markdown(f"**{number}. {name}** {place}")
        st.caption(" · ".join(scores))
        # two spaces before a line end are Markdown's line break
        st.markdown(plain(hit.passage.text[:SHOWN]).replace("\n", "  \n"))


def _show_weight(language: str, learned: Weight) -> None:
    st.metric(
        both(*LANGUAGES[language]),
        f"{learned.share:.0%}",
        help=both("share of meaning", "语义所占比例"),
    )
    st.caption(
        both(
            f"{learned.questions:,} made questions; mean reciprocal rank: meaning "
            f"{learned.dense:.2f}, words {learned.lexical:.2f}, fused {learned.fused:.2f}",
            f"{learned.questions:,} 个自动生成的问题；平均倒数排名：语义 "
            f"{learned.dense:.2f}，关键词 {learned.lexical:.2f}，融合 {learned.fused:.2f}",
        )
    )

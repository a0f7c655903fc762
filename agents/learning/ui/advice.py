"""The panel of the page Compare that says what to do next: documents, tuning, or both."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from agents.learning.advice import CHANGES, Advice, Wanted, advise
from agents.learning.verdicts import LABELS
from workbench.settings import Settings
from workbench.ui.widgets import both, plain, sentence, shows_errors

KEPT = "advice"  # in the session: the advice that is shown, for the workspace it was made in
WORDS = {
    "": ("As the collections show", "按知识库的变化判断"),
    "never": ("Never", "从不"),
    "yearly": ("Every year", "每年"),
    "monthly": ("Every month", "每月"),
    "weekly": ("Every week", "每周"),
    "daily": ("Every day", "每天"),
}


def draw_advice(settings: Settings) -> None:
    """What to do next, made when it is asked for: it looks into documents and examples."""
    label = both(
        "What to do next: documents, tuning, or both?", "下一步：检索、微调，还是两者都用？"
    )
    with st.expander(label, icon=":material/explore:", expanded=KEPT in st.session_state):
        st.caption(
            both(
                "Your documents, examples and comparisons are looked at; nothing is changed.",
                "查看你的文档、示例和对比结果，不做任何改动。",
            )
        )
        labels = {word: both(*WORDS[word]) for word in ("", *CHANGES)}
        changes = st.selectbox(
            both("How often does the knowledge change?", "知识多久变化一次？"),
            list(labels),
            format_func=labels.__getitem__,
            key="advice-changes",
        )
        if st.button(both("Advise me", "给出建议"), icon=":material/lightbulb:", type="primary"):
            with shows_errors(), st.spinner(both("Looking…", "正在查看…")):
                st.session_state[KEPT] = advise(Wanted(changes=changes), settings)
        if KEPT in st.session_state:
            _show(st.session_state[KEPT])


def _show(advice: Advice) -> None:
    st.markdown(f"### {both(*LABELS[advice.verdict.choice])}")
    st.markdown(sentence(advice.basis))
    by_evidence = [*advice.evidence, *advice.verdict.reasons]
    _list(both("Why", "理由"), by_evidence)
    _list(both("What speaks against it", "不利因素"), advice.verdict.against)
    _list(both("What it costs", "成本"), advice.costs)
    if advice.origin:
        st.caption(both(f"Examples: {plain(advice.origin)}", f"示例来源：{plain(advice.origin)}"))


def _list(title: str, lines: Sequence[str]) -> None:
    if lines:
        st.markdown(f"**{title}**\n" + "".join(f"\n- {sentence(line)}" for line in lines))

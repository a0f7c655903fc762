"""The panel that shows what Auto has learned: topics with their judgements, a switch, its worth."""

from __future__ import annotations

from typing import Any

import streamlit as st

from agents.learning import memory
from agents.learning.judgements import Judgement
from agents.learning.score import JUDGED, score_judged
from agents.learning.topics import Topic, find_topics
from agents.registry import AGENTS
from workbench.settings import Settings
from workbench.ui.widgets import announce, both, language, plain, sentence, shows_errors

KINDS = {
    "vote": ("vote side by side", "并排投票"),
    "sent": ("sent elsewhere", "改由其他方式回答"),
    "thumb": ("thumb", "点赞或更正"),
    "comparison": ("comparison", "对比"),
}
SHOWN = 20  # topics on the page; the command lists all


def draw_learned(settings: Settings) -> None:
    """What Auto has learned of judgements, each of which can be taken out and put back."""
    label = both("What Auto has learned", "“自动”学到了什么")
    # its content is made once it is opened: topics need the embedder
    panel = st.expander(label, icon=":material/alt_route:", key="learned", on_change="rerun")
    if panel.open:
        with panel, shows_errors():
            _show(memory.learned(settings), settings)


def _show(known: memory.Learned, settings: Settings) -> None:
    if not known.judgements:
        st.caption(
            both(
                "Nothing yet. Votes side by side, “ask … instead”, thumbs with corrections and "
                "comparisons teach Auto where such questions belong. Three questions must agree.",
                "还没有。并排投票、“改由……回答”、附更正的评价和对比结果会教给“自动”这类问题"
                "该由谁回答；至少要有三个问题意见一致。",
            )
        )
        return
    on = st.toggle(
        both("Let it count", "启用"),
        known.on,
        key=f"learned-on-{known.on}",
        help=both(
            "Off, questions go by what the documents, data and models here hold.",
            "关闭后，仅依据这里的文档、数据和模型的内容决定由谁回答。",
        ),
    )
    if on != known.on:
        memory.switch(on, settings)
        st.rerun()
    _show_score(known.score, settings)
    topics = find_topics(known, settings)
    for number, topic in enumerate(topics[:SHOWN]):
        _show_topic(topic, number, settings)
    if len(topics) > SHOWN:
        more = len(topics) - SHOWN
        command = "`workbench router evidence`"
        st.caption(both(f"{more} more: {command}", f"另有 {more} 个：{command}"))
    _show_forgotten(known, settings)


def _show_score(score: dict[str, Any], settings: Settings) -> None:
    if score:
        before, after = st.columns(2)
        name = (
            both("judged questions", "被评判的问题")
            if score["set"] == JUDGED
            else plain(score["set"])
        )
        before.metric(both("Right before", "学习前正确"), f"{score['before']:.1%}")
        after.metric(
            both("Right after", "学习后正确"),
            f"{score['after']:.1%}",
            f"{score['after'] - score['before']:+.1%}",
        )
        st.caption(
            both(f"Of {score['n']:,} questions: {name}", f"共 {score['n']:,} 个问题：{name}")
        )
    measure = both("Measure on the judged questions", "用被评判的问题测量")
    help_text = both(
        "Each is asked without what was judged of itself.", "每个问题都不使用对它自身的评判。"
    )
    if st.button(measure, icon=":material/straighten:", help=help_text):
        with st.spinner(both("Measuring…", "正在测量…")):
            score_judged(settings)
        st.rerun()


def _show_topic(topic: Topic, number: int, settings: Settings) -> None:
    agent = AGENTS[topic.mode]
    with st.container(border=True):
        st.markdown(f"{agent.icon} **{plain(agent.label(language()))}** · {plain(topic.name)}")
        st.caption(sentence(topic.in_words))
        for stance in topic.stances:
            for judgement in stance.judgements:
                _show_judgement(judgement, number, settings)


def _show_judgement(judgement: Judgement, number: int, settings: Settings) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        kind = both(*KINDS[judgement.kind])
        st.markdown(f"{plain(judgement.question)}  \n:small[{plain(kind)}]", width="stretch")
        forget = both("Take out", "移除")
        if st.button(
            forget,
            icon=":material/close:",
            type="tertiary",
            help=forget,
            key=f"forget-{number}-{judgement.id}",
        ):
            memory.forget(judgement.id, settings)
            _announce_forgotten(judgement, settings)
            st.rerun()


def _announce_forgotten(judgement: Judgement, settings: Settings) -> None:
    def undo() -> None:
        memory.remember(judgement.id, settings)

    announce(both("It does not count any more.", "它不再计入。"), undo=undo)


def _show_forgotten(known: memory.Learned, settings: Settings) -> None:
    gone = [one for one in known.judgements if one.id in known.forgotten]
    if not gone:
        return
    st.caption(both(f"Taken out: {len(gone)}", f"已移除：{len(gone)}"))
    for judgement in gone:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(plain(judgement.question), width="stretch")
            back = both("Put back", "恢复")
            if st.button(back, type="tertiary", key=f"remember-{judgement.id}"):
                memory.remember(judgement.id, settings)
                st.rerun()

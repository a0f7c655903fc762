"""Pieces of the page Compare: a comparison's verdict, its figures, its chart, what it rests on."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import streamlit as st

from agents.compare.kept import Comparison
from agents.compare.measuring import usable_measures
from agents.compare.report import html_report
from agents.compare.table import csv_table
from agents.compare.ui.answers import show_answers
from agents.compare.wording import label
from workbench.jobs.job import Job, list_jobs
from workbench.settings import Settings
from workbench.ui.charts import show_chart
from workbench.ui.widgets import both, language, plain, sentence, told

Row = dict[str, Any]
HEIGHT = 46  # pixels of an arm in the chart
COLOUR = "#2f7fd6"


def show_results(comparison: Comparison, settings: Settings) -> None:
    """All of a comparison; what is known of one that has not ended."""
    result = comparison.result
    _show_facts(comparison)
    if not result:
        _offer_to_go_on(comparison, settings)
        return
    icon = ":material/verified:" if result["sure"] else ":material/balance:"
    st.info(sentence(result["lead"]), icon=icon)
    st.markdown("\n".join(f"- {sentence(said)}" for said in result["findings"]))
    _show_figures(result)
    show_chart(_chart(result), width="stretch", key=f"chart-{comparison.name}")
    _offer_exports(comparison)
    show_answers(comparison, settings)


def _offer_to_go_on(comparison: Comparison, settings: Settings) -> None:
    st.info(
        both(
            "It has not ended yet. Started again, it goes on where it stopped.",
            "尚未完成。再次启动时会从中断处继续。",
        ),
        icon=":material/hourglass_top:",
    )
    job = _job_of(comparison.name, settings)
    if job is None or job.state in ("running", "done"):
        return
    if st.button(both("Go on", "继续"), icon=":material/play_arrow:", key="go_on_comparing"):
        job.resume()
        st.rerun()


def _job_of(name: str, settings: Settings) -> Job | None:
    """The newest job that runs the comparison of that name."""
    for job in list_jobs(settings):
        named = zip(job.command, job.command[1:], strict=False)
        if job.command[:2] == ["compare", "run"] and ("--name", name) in named:
            return job
    return None


def _show_facts(comparison: Comparison) -> None:
    card = comparison.card
    made = datetime.fromtimestamp(card.get("created", time.time())).strftime("%Y-%m-%d %H:%M")
    measure = usable_measures().get(card.get("measure", ""))
    facts = [
        made,
        both(f"{card.get('questions', 0)} questions", f"{card.get('questions', 0)} 个问题"),
    ]
    if measure:
        name = both(measure.english, measure.chinese)
        facts.append(both(f"right by: {name}", f"判断方式：{name}"))
    st.caption(" · ".join(plain(fact) for fact in facts))


def _show_figures(result: Row) -> None:
    """A matrix: the arms by what was measured."""
    measures = usable_measures()
    rows = []
    for name, arm in result["arms"].items():
        low, high = arm["interval"]
        row: Row = {
            both("Arm", "回答方式"): told(label(name)),
            both("Right", "正确"): f"{arm['correct']} / {arm['n']}",
            both("95 % interval", "95% 区间"): f"{low:.0%} – {high:.0%}",
        }
        for score, figure in arm["scores"].items():
            measure = measures.get(score)
            row[both(measure.english, measure.chinese) if measure else score] = round(figure, 3)
        row[both("Seconds", "秒")] = arm["seconds"]
        row[both("Tokens", "词元")] = arm["tokens"]
        row[both("Failed", "失败")] = arm["failed"]
        rows.append(row)
    st.dataframe(rows, hide_index=True, width="stretch")


def _chart(result: Row) -> Row:
    """Each arm's share of right answers with its interval."""
    values = []
    for name, arm in result["arms"].items():
        low, high = arm["interval"]
        share = arm["correct"] / arm["n"]
        values.append({"arm": told(label(name)), "low": low, "high": high, "share": share})
    arms = [value["arm"] for value in values]
    y = {
        "field": "arm",
        "type": "nominal",
        "title": None,
        "sort": arms,
        "axis": {"labelLimit": 150},
    }
    axis = {"format": "%", "tickCount": 5}
    title = both("right answers, with 95 % interval", "正确率及 95% 区间")
    x = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": axis, "title": title}
    return {
        "data": {"values": values},
        "height": HEIGHT * len(values) + 30,
        "encoding": {"y": y},
        "layer": [
            {
                "mark": {"type": "rule", "size": 3, "color": COLOUR},
                "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}},
            },
            {
                "mark": {
                    "type": "point",
                    "filled": True,
                    "size": 110,
                    "color": COLOUR,
                    "opacity": 1,
                },
                "encoding": {"x": x | {"field": "share"}},
            },
        ],
    }


def _offer_exports(comparison: Comparison) -> None:
    with st.container(horizontal=True):
        st.download_button(
            both("Report", "报告"),
            html_report(comparison, language()),
            f"{comparison.name}.html",
            "text/html",
            icon=":material/download:",
            key="comparison_report",
        )
        st.download_button(
            "CSV",
            csv_table(comparison, language()),
            f"{comparison.name}.csv",
            "text/csv",
            icon=":material/download:",
            key="comparison_csv",
        )

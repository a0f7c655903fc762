"""Pieces of the Training page: a run's scores, the form that makes others, and its worst rows."""

from __future__ import annotations

import csv
import io
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import streamlit as st

from finetune.run.new_run import data_files
from finetune.run.run_state import RunNow
from workbench.jobs.job import list_jobs, start
from workbench.scoring.measures import MEASURES, Measure
from workbench.settings import Settings
from workbench.ui.beside import agreed
from workbench.ui.widgets import both

WORST = 20  # rows
FIRST = ["exact", "contains"]
MEANING = ["bertscore"]  # where its library is installed
SHARES = {
    "rows": ("Questions", "问题数"),
    "form": ("In the form asked", "符合格式"),
    "groups": ("Groups right", "分组正确"),
    "accuracy": ("Options right", "选项正确"),
    "above": ("F1 high enough", "F1 达标"),
    "shuffled_F1": ("F1 to other answers", "与其他答案的 F1"),
    "overlap": ("Also taught", "训练集中出现过"),
}
TEXTS = {
    "question": ("Question", "问题"),
    "reference": ("Expected", "期望"),
    "prediction": ("Answer", "回答"),
}


def show_scores(settings: Settings, now: RunNow) -> None:
    """What was scored, a row for each data file; then a new scoring, and the worst rows of one."""
    scores = now.run.card.get("scores", {})
    can_score = now.run.talks and now.state != "running" and now.run.can_be_asked
    if not scores and not can_score:
        return
    st.markdown(f"**{both('Scores', '评测结果')}**")
    if scores:
        st.dataframe(_table(scores), hide_index=True)
    if can_score:
        _show_worst(now)
        _offer_scoring(settings, now)


def _table(scores: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """A column that no file has is left out."""
    columns = SHARES | _column_titles()
    flat = {name: score | score.get("bertscore", {}) for name, score in scores.items()}
    used = [key for key in columns if any(score.get(key) is not None for score in flat.values())]
    used.sort(key=lambda key: key in SHARES and key != "rows")  # questions, figures, the rest
    rows = []
    for name, score in flat.items():
        row: dict[str, Any] = {both("Data", "数据"): name}
        for key in used:
            row[both(*columns[key])] = score.get(key)
        rows.append(row)
    return rows


def _column_titles() -> dict[str, tuple[str, str]]:
    """Of the figures: the measure's own title where it has one column, else the column's name."""
    titles = {}
    for measure in MEASURES.values():
        for column in measure.columns:
            own = (measure.english, measure.chinese)
            titles[column] = own if len(measure.columns) == 1 else (column, column)
    return titles


def _offer_scoring(settings: Settings, now: RunNow) -> None:
    name = now.run.name
    if _scoring(settings, name):
        st.fragment(_await_scores, run_every=2.0)(settings, name)
        return
    files = [path for path in (now.run.eval_data, *data_files(settings)) if _has_rows(path)]
    if not files:
        return
    with (
        st.popover(both("Score", "评分"), icon=":material/grading:"),
        st.form(f"score_{name}", border=False),
    ):
        data = st.selectbox(
            both("Questions", "问题"),
            files,
            format_func=lambda path: _data_words(path, now),
            key=f"score_data_{name}",
        )
        chosen = st.multiselect(
            both("Measures", "指标"),
            list(MEASURES),
            FIRST + (MEANING if find_spec("bert_score") else []),
            format_func=lambda key: both(MEASURES[key].english, MEASURES[key].chinese),
            key=f"score_metrics_{name}",
            placeholder=both("Choose", "请选择"),
        )
        wanted = st.form_submit_button(
            both("Ask every question", "逐题提问"), type="primary", key=f"score_now_{name}"
        )
    after = agreed(settings, f"scores_of_{name}", wanted and bool(chosen))
    if after is None:
        return
    table = _tables_of(now) / f"{_label(data, now)}.csv"
    command = ["finetune", "score", name, "--data", str(data), f"--metrics={','.join(chosen)}"]
    command += ["--csv", str(table), "--json"]
    start(settings, both(f"Scores of {name}", f"{name} 的评分"), command, after=after)
    st.rerun()


def _show_worst(now: RunNow) -> None:
    """The rows of one table that have the lowest figures, and the table to download."""
    tables = sorted(_tables_of(now).glob("*.csv"), key=lambda path: -path.stat().st_mtime)
    if not tables:
        return
    with st.expander(both("The worst answers", "最差的回答")):
        table = tables[0]
        if len(tables) > 1:
            table = st.selectbox(
                both("Table", "表格"), tables, format_func=lambda path: path.stem, key="score_table"
            )
        data = table.read_bytes()
        st.dataframe(_worst(data), hide_index=True)
        st.download_button(
            both("Download all as CSV", "下载全部（CSV）"),
            data,
            f"{now.run.name}-{table.name}",
            "text/csv",
            icon=":material/download:",
            key="download_scores",
        )


@lru_cache(maxsize=8)
def _worst_rows(data: bytes) -> tuple[dict[str, Any], ...]:
    """The rows of the lowest figures of the measure that tells most, that measure's first."""
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    if not rows:
        return ()
    measure = _telling(rows[0])
    if measure:
        sign = 1 if measure.higher_is_better else -1
        rows.sort(key=lambda row: sign * float(row[measure.main]))
    return tuple(rows[:WORST])


def _worst(data: bytes) -> list[dict[str, Any]]:
    figures = _column_titles()
    shown = []
    for row in _worst_rows(data):
        cells: dict[str, Any] = {both(*title): row[key] for key, title in TEXTS.items()}
        for key, title in figures.items():
            if key in row:
                cells[both(*title)] = round(float(row[key]), 4)
        shown.append(cells)
    return shown


def _telling(row: dict[str, Any]) -> Measure | None:
    """The measure with the finest steps that the table has."""
    for name in ("bertscore", "words", "rouge", "perplexity", "numbers", "contains", "exact"):
        if MEASURES[name].main in row:
            return MEASURES[name]
    return None


def _tables_of(now: RunNow) -> Path:
    return now.run.folder / "scores"


def _label(data: Path, now: RunNow) -> str:
    return "held-out" if data == now.run.eval_data else data.stem


def _data_words(data: Path, now: RunNow) -> str:
    if data == now.run.eval_data:
        return both("What the run has held out", "该训练的留出数据")
    return data.name


def _has_rows(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _scoring(settings: Settings, name: str) -> bool:
    """Whether a job scores the run now."""
    return any(
        job.state == "running" and job.command[:3] == ["finetune", "score", name]
        for job in list_jobs(settings)
    )


def _await_scores(settings: Settings, name: str) -> None:
    if not _scoring(settings, name):
        st.rerun()
    st.caption(both("Scoring… it will appear here.", "正在评分，完成后会显示在这里。"))

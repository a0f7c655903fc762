"""One forecast: what comes, how good the past was, what matters, what is unusual, its versions."""

from __future__ import annotations

from typing import Any

import streamlit as st

from agents.databases.ui.result import show_rows
from agents.forecast import texts
from agents.forecast.pictures import history_and_band, importance
from agents.forecast.predicting import Prediction, predict
from agents.forecast.rhythm import Rhythm, moment_text
from agents.forecast.series import ALL
from agents.forecast.shelf import Kept, find_forecast, promote, remove_forecast, versions_of
from workbench.settings import Settings
from workbench.ui.charts import show_chart
from workbench.ui.widgets import announce, both, language, plain, shows_errors

REMEMBERED = 600  # seconds that a forecast is taken from memory
FIGURES = {"mae": "MAE", "rmse": "RMSE", "r2": "R²", "mase": "MASE", "smape": "sMAPE"}


def show_kept(settings: Settings, kept: Kept) -> None:
    """The current version."""
    card = kept.card
    rhythm = kept.layout.rhythm
    facts = [
        card["place"]["source"] or card["place"]["file"],
        card["facts"]["target"],
        texts.steps_words(language(), card["horizon"], rhythm),
        both(f"{len(card['sizes'])} series", f"{len(card['sizes'])} 个序列"),
        both(f"version {kept.version}", f"第 {kept.version} 版"),
        card["created"][:16].replace("T", " "),
    ]
    st.caption(" · ".join(plain(str(fact)) for fact in facts))
    ahead, past, matters, manage = st.tabs(
        [
            both("What comes", "未来"),
            both("How good", "可信程度"),
            both("What matters", "影响因素"),
            both("Versions", "版本"),
        ]
    )
    with ahead, shows_errors():
        _show_ahead(settings, kept)
    with past:
        _show_past(card, rhythm)
    with matters:
        _show_matters(card)
    with manage:
        _show_versions(settings, kept)


def _show_ahead(settings: Settings, kept: Kept) -> None:
    waits = both("Reading the newest values…", "正在读取最新数据…")
    with st.spinner(waits):
        found = _predicted(str(kept.folder), kept.card["created"], settings)
    if found.kept:
        st.caption(
            ":material/info: "
            + both(
                "Its table cannot be read now: these are the values of the day of fitting.",
                "暂时无法读取其数据表，以下基于拟合当天的数据。",
            )
        )
    naive = texts.is_doubtful(kept.card["backtest"])
    if naive:
        st.warning(plain(texts.verdict(language(), kept.card["backtest"])))
    title = str(kept.card["facts"]["target"])
    chosen = _chosen_groups(found, kept)
    show_chart(history_and_band(chosen, title, language(), naive))
    columns, rows = _table(chosen, kept, naive)
    show_rows(columns, rows, False, f"forecast-{kept.name}")


def _chosen_groups(found: Prediction, kept: Kept) -> Prediction:
    """The groups that the person has picked, all of them at first."""
    names = list(dict.fromkeys(found.table["group"]))
    if len(names) < 2:
        return found
    picked = st.multiselect(
        both("Series", "序列"), names, key=f"groups-{kept.name}", placeholder=both("all", "全部")
    )
    if not picked:
        return found
    table = found.table[found.table["group"].isin(picked)]
    return Prediction(table, found.series, found.kept)


def _table(found: Prediction, kept: Kept, naive: bool) -> tuple[list[str], list[list[Any]]]:
    many = list(found.table["group"].unique()) != [ALL]
    group = both("group", "分组") if many else ""
    heads = texts.column_names(language(), group, both("time", "时间"), naive)
    rows = []
    for row in found.table.itertuples():
        cells: list[Any] = [moment_text(row.time, found.series.rhythm)]
        if many:
            cells.append(row.group)
        numbers = [row.forecast, row.lower, row.upper] + ([row.naive] if naive else [])
        rows.append([*cells, *(float(f"{number:.5g}") for number in numbers)])
    return heads, rows


# Streamlit leaves arguments that begin with _ out of the cache's key
@st.cache_data(ttl=REMEMBERED, show_spinner=False, max_entries=20)
def _predicted(folder: str, created: str, _settings: Settings) -> Prediction:
    """Of that version, whose folder is never written again."""
    from pathlib import Path

    path = Path(folder)
    return predict(find_forecast(_settings, path.parent.name, int(path.name[1:])), _settings)


def _show_past(card: dict[str, Any], rhythm: Rhythm) -> None:
    """The errors of the back-test in words and figures."""
    import pandas

    figures = card["backtest"]
    lines = [
        texts.error_in_words(language(), figures, rhythm),
        texts.verdict(language(), figures),
        texts.ets_words(language(), figures),
        texts.band_words(language(), figures),
    ]
    if card["skipped_groups"]:
        names = list(card["skipped"])
        count = card["skipped_groups"]
        lines.append(texts.short_groups(language(), names, count, card["fewest"]))
    lines.append(texts.mended(language(), card["facts"], card["wanted"]["gaps"]))
    st.markdown("\n".join(f"- {plain(line)}" for line in lines if line))
    step = both("Step", "步")
    rows = [{step: str(row["step"])} | _figures(row) for row in figures["steps"]]
    rows.append({step: both("all", "全部")} | _figures(figures["all"]))
    baselines = {"seasonal_naive": both("naive", "照搬上一周期"), "ets": "ETS"}
    for baseline, name in baselines.items():
        rows.append({step: name} | _figures(figures["baselines"][baseline]))
    st.dataframe(pandas.DataFrame(rows), hide_index=True)
    st.caption(
        both(
            "MASE under 1 is better than repeating the season before did in the history that was "
            "learned from; R² of 1 is perfect; sMAPE is from 0 to 2.",
            "MASE 小于 1 表示优于在训练历史中照搬上一周期；"
            "R² 为 1 表示完全吻合；sMAPE 取值 0 到 2。",
        )
    )


def _figures(row: dict[str, Any]) -> dict[str, float | None]:
    found = {}
    for name, label in FIGURES.items():
        value = row.get(name)
        found[label] = None if value is None else float(f"{value:.4g}")
    return found


def _show_matters(card: dict[str, Any]) -> None:
    """The ten most important features, and what is unusual in the history."""
    import pandas

    features = card["important"]
    names = [texts.feature_name(language(), feature["feature"]) for feature in features]
    st.markdown(
        both(
            "What the models gain most from, as shares of the whole:",
            "模型主要依据的特征（占总增益的比例）：",
        )
    )
    show_chart(importance(features, names))
    if not card["unusual"]:
        return
    st.markdown(both("Unusual in the history:", "历史中的异常："))
    kinds = {"outlier": both("stands out", "异常值"), "shift": both("level moves", "水平变化")}
    rows = [
        {
            both("Time", "时间"): str(mark["ds"])[:16],
            both("Group", "分组"): mark["group"],
            both("Kind", "类型"): kinds[mark["kind"]],
            both("Value", "值"): mark["value"],
        }
        for mark in card["unusual"]
    ]
    st.dataframe(pandas.DataFrame(rows), hide_index=True)


def _show_versions(settings: Settings, kept: Kept) -> None:
    """Which version answers; deleting asks first."""
    numbers = versions_of(settings, kept.name)
    labels = {number: both(f"Version {number}", f"第 {number} 版") for number in numbers}
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    chosen = left.selectbox(
        both("Version that answers", "用于回答的版本"),
        numbers,
        index=numbers.index(kept.version),
        format_func=labels.__getitem__,
        key=f"version-{kept.name}-{kept.version}",
    )
    uses = right.button(
        both("Use it", "启用"), disabled=chosen == kept.version, key="promote_forecast"
    )
    if uses:
        with shows_errors():
            promote(settings, kept.name, chosen)
            before = kept.version
            announce(
                both(f"Version {chosen} answers now", f"已启用第 {chosen} 版"),
                undo=lambda: _promote_again(settings, kept.name, before),
            )
            st.rerun()
    st.caption(both("Its folder can be copied elsewhere:", "可将此文件夹复制到别处使用："))
    st.code(str(kept.folder), language=None, wrap_lines=True)
    sure = st.checkbox(
        both("Delete it with all its versions", "删除该预测及其所有版本"), key=f"sure-{kept.name}"
    )
    if st.button(both("Delete", "删除"), disabled=not sure, key="remove_forecast"):
        with shows_errors():
            remove_forecast(settings, kept.name)
            announce(both(f"Deleted {kept.name}", f"已删除 {kept.name}"))
            st.rerun()


def _promote_again(settings: Settings, name: str, version: int) -> None:
    promote(settings, name, version)

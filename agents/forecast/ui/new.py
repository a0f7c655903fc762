"""The form of a new forecast: which table, moments, numbers and groups; it is fitted as a job."""

from __future__ import annotations

from typing import Any

import streamlit as st

from agents.databases.introspect import load_schema
from agents.databases.schema import TableSchema
from agents.databases.sources import find_source, list_sources
from agents.forecast.presets import PRESETS
from agents.forecast.targets import all_targets
from workbench.jobs.job import start
from workbench.settings import Settings
from workbench.ui.widgets import announce, both, choices, choose, shows_errors

EXAMPLE = [
    *("advertising", "--query"),
    "SELECT a.hour, m.name AS material, SUM(a.count) AS activations FROM activations AS a "
    "JOIN materials AS m ON m.id = a.material_id GROUP BY a.hour, m.name",
    *("--time", "hour", "--target", "activations", "--group", "material", "--horizon", "12"),
    *("--name", "activations"),
]
DATA = "agents/databases/ui/data.py"


def start_fit(settings: Settings, words: list[str], title: str) -> None:
    """Fit as a job; `words` stand after `workbench forecast fit`."""
    start(settings, title, ["forecast", "fit", *words, "--json"])


def show_new(settings: Settings) -> None:
    """The form."""
    names = [source.name for source in list_sources(settings)]
    if not names:
        st.info(
            both(
                "Add a database or a table file on the Data page first.",
                "请先在“数据”页面添加数据库或表格文件。",
            )
        )
        st.page_link(DATA, label=both("Open Data", "打开数据页"), icon=":material/database:")
        return
    with shows_errors():
        _show_form(settings, names)


def _show_form(settings: Settings, names: list[str]) -> None:
    name = choose(
        st.selectbox, both("Database", "数据源"), names, "forecast_source", settings.source
    )
    choices()["source"] = name
    schema = load_schema(find_source(settings, name), settings)
    targets = list(all_targets(schema))
    tables = list(dict.fromkeys(target.table.name for target in targets))
    if not tables:
        st.info(
            both(
                "No table here has a column of dates and a column of numbers.",
                "这里没有同时含时间字段和数值字段的表。",
            )
        )
        return
    chosen = choose(st.selectbox, both("Table", "表"), tables, f"forecast_table-{name}")
    table = schema.by_name[chosen]
    of_table = [target for target in targets if target.table.name == chosen]
    columns = list(table.by_name)
    left, right = st.columns(2)
    time = left.selectbox(
        both("Time", "时间字段"),
        columns,
        index=columns.index(of_table[0].time),
        key=f"forecast_time-{chosen}",
    )
    numbers = [target.column.name for target in of_table]
    target = right.selectbox(
        both("Numbers to forecast", "要预测的数值"), numbers, key=f"forecast_target-{chosen}"
    )
    others = [column for column in columns if column not in (time, target)]
    groups = st.multiselect(
        both("One series for each", "按什么分组"),
        others,
        key=f"forecast_group-{chosen}",
        placeholder=both("nothing: one series", "不分组：一个序列"),
    )
    _show_how(settings, name, table, {"time": time, "target": target, "group": groups}, others)


def _show_how(
    settings: Settings, source: str, table: TableSchema, what: dict[str, Any], others: list[str]
) -> None:
    """How far, in which steps, by which preset; and the button."""
    left, middle, right = st.columns(3)
    horizon = left.number_input(
        both("Steps ahead (0: one season)", "预测步数（0：一个周期）"),
        0,
        400,
        0,
        key="forecast_horizon",
    )
    steps = {"": both("as in the data", "与数据一致"), "h": both("hours", "小时")}
    steps |= {"D": both("days", "天"), "W": both("weeks", "周"), "M": both("months", "月")}
    every = middle.selectbox(
        both("Length of a step", "每步长度"),
        list(steps),
        format_func=steps.__getitem__,
        key="forecast_every",
    )
    preset = right.selectbox(
        both("Preset", "预设"),
        list(PRESETS),
        key="forecast_preset",
        format_func=lambda name: f"{name}: {both(*PRESETS[name].about)}",
    )
    repeats = {"sum": both("are added up", "求和"), "mean": both("are averaged", "取平均")}
    with st.expander(both("Further columns and options", "更多字段与选项")):
        known = st.multiselect(
            both("Known ahead, such as holidays", "未来已知的字段，如节假日"),
            [name for name in others if name not in what["group"]],
            key=f"forecast_known-{table.name}",
            placeholder=both("none", "无"),
        )
        chosen = st.selectbox(
            both("Several rows of one moment", "同一时刻有多行时"),
            list(repeats),
            format_func=repeats.__getitem__,
            key="forecast_repeats",
        )
    name = st.text_input(
        both("Name", "名称"), f"{source}-{what['target']}", key=f"forecast_name-{table.name}"
    ).strip()
    fits = st.button(
        both("Fit", "开始拟合"), type="primary", icon=":material/trending_up:", key="forecast_fit"
    )
    if not fits:
        return
    words = [source, "--table", table.name, "--name", name, "--repeats", chosen]
    words += ["--time", what["time"], "--target", what["target"], "--preset", preset]
    for group in what["group"]:
        words += ["--group", group]
    for column in known:
        words += ["--known", column]
    if horizon:
        words += ["--horizon", str(int(horizon))]
    if every:
        words += ["--every", every]
    title = f"{both('Forecast', '预测')} {name}"
    start_fit(settings, words, title)
    announce(both(f"Fitting {name}", f"正在拟合 {name}"))
    st.rerun()

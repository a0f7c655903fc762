"""A result as a person reads it: table, downloads and chart, and the query to edit and run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from agents.databases.charts import chart
from agents.databases.ui.verified import offer_saving
from workbench.settings import Settings
from workbench.spreadsheet import as_csv, as_xlsx
from workbench.ui.charts import show_chart
from workbench.ui.widgets import both, plain, safe, shows_errors

if TYPE_CHECKING:
    from agents.databases.runner import Result

MOST_ROWS = 100_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def show_rows(columns: list[str], rows: list[list[Any]], truncated: bool, key: str) -> None:
    """The table, sortable by a click on a column's head, and its two downloads."""
    import pandas

    st.dataframe(pandas.DataFrame(rows, columns=columns), hide_index=True, key=f"rows-{key}")
    if truncated:
        st.caption(both(f"Only the first {len(rows)} rows.", f"仅显示前 {len(rows)} 行。"))
    with st.container(horizontal=True, key=f"downloads-{key}"):
        st.download_button(
            "CSV",
            lambda: as_csv(columns, rows),
            "result.csv",
            "text/csv",
            icon=":material/download:",
            key=f"csv-{key}",
            type="tertiary",
        )
        st.download_button(
            "XLSX",
            lambda: as_xlsx(columns, rows),
            "result.xlsx",
            XLSX,
            icon=":material/download:",
            key=f"xlsx-{key}",
            type="tertiary",
        )


def show_result(result: Result, key: str) -> None:
    """Rows, chart and findings of a query that was run by hand."""
    from agents.databases.analyst import EMPTY, findings
    from workbench.ui.widgets import language

    if not result.rows:
        st.info(EMPTY[language()])
        return
    show_rows(result.columns, result.rows, result.truncated, key)
    if drawing := chart(result.columns, result.rows):
        show_chart(drawing, key=f"chart-{key}")
    if lines := findings(result.columns, result.rows, result.truncated, language()):
        st.markdown(safe("\n".join(f"- {line}" for line in lines)))


def edit_query(sql: str, source_name: str, settings: Settings, key: str) -> None:
    """The query in a field; Run sends what stands there through the guard, as any other query."""
    text = st.text_area("SQL", sql, key=f"sql-{key}", height=120)
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"bar-{key}"):
        pressed = st.button(both("Run", "运行"), icon=":material/play_arrow:", key=f"run-{key}")
        rows = st.number_input(
            both("Rows at most", "最多行数"),
            1,
            MOST_ROWS,
            settings.query_rows,
            key=f"most-{key}",
            width=160,
        )
        offer_saving(text, source_name, settings, key)
    if pressed and text.strip():
        st.session_state.pop(f"result-{key}", None)  # a refused query leaves no other's result
        with shows_errors():
            raised = settings.model_copy(update={"query_rows": int(rows)})
            st.session_state[f"result-{key}"] = _run(text, source_name, raised)
    if found := st.session_state.get(f"result-{key}"):
        printed, result = found
        st.code(printed, language="sql", wrap_lines=True)
        show_result(result, key)


def _run(sql: str, source_name: str, settings: Settings) -> tuple[str, Result]:
    from agents.databases.introspect import load_schema
    from agents.databases.runner import ask_database
    from agents.databases.sources import find_source

    source = find_source(settings, source_name)
    with st.spinner(both(f"Asking {plain(source.name)}…", f"正在查询 {plain(source.name)}…")):
        verdict, result = ask_database(sql, load_schema(source, settings), source, settings)
    return verdict.sql, result

"""Pieces of the Data page: a query by hand, judged and run, its rows to take away; and the log of all that was asked."""

from __future__ import annotations

import csv
import io
import json

import streamlit as st

from agents.data.charts import chart
from agents.data.names import Refused
from agents.data.runner import Result, ask_database
from agents.data.schema import Schema
from agents.data.sources import Source
from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.widgets import plain, say, show_error, told

LOGGED = 200  # newest lines of the audit log that are looked at
VERDICTS = {
    "ran": ("ran", "已执行"), "refused": ("refused", "已拒绝"), "failed": ("failed", "失败"), "stopped": ("stopped", "已停止")
}  # fmt: skip


def show_query(settings: Settings, source: Source, schema: Schema) -> None:
    """The box, and what the last query of this source gave: rows, or why it may not run."""
    with st.form("query", border=False):
        sql = st.text_area(
            say("One SELECT", "一条 SELECT 语句"), key=f"sql_{source.name}", height=120,
            placeholder="SELECT …",
        ).strip()  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="bottom"):
            rows = st.number_input(
                say("Rows at most", "最多行数"), 1, 100_000, max(settings.query_rows, 100), key="rows"
            )
            sent = st.form_submit_button(say("Run", "执行"), type="primary", icon=":material/play_arrow:")
    key = f"answer_{source.name}"
    if sent and sql:
        limited = settings.model_copy(update={"query_rows": int(rows)})
        with st.spinner(say("Asking the database…", "正在查询数据库…")):
            st.session_state[key] = _ask(sql, schema, source, limited)
    if isinstance(found := st.session_state.get(key), tuple):
        _show_answer(source, *found)
    elif isinstance(found, WorkbenchError):
        _show_refusal(found)


def _ask(sql: str, schema: Schema, source: Source, settings: Settings) -> tuple[str, Result] | WorkbenchError:
    try:
        verdict, result = ask_database(sql, schema, source, settings)
    except WorkbenchError as error:
        return error
    return verdict.sql, result


def _show_refusal(error: WorkbenchError) -> None:
    if not isinstance(error, Refused):
        show_error(error.problem, error.fix)
        return
    st.warning(
        f"**{say('The guard refused it; nothing was run.', '查询被拒绝，没有执行任何操作。')}**\n\n"
        f"{plain(told(error.problem))}\n\n{plain(told(error.fix))}",
        icon=":material/gpp_maybe:",
    )


def _show_answer(source: Source, sql: str, result: Result) -> None:
    st.code(sql, language="sql", wrap_lines=True)
    table = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    count, seconds = len(table), f"{result.seconds:.2f} s"
    more = say(" · there are more; raise the limit", " · 还有更多，可提高行数上限") if result.truncated else ""
    st.caption(say(f"{count} row{'s'[: count != 1]} · {seconds}", f"{count} 行 · {seconds}") + more)
    if not table:
        return
    st.dataframe(table, hide_index=True)
    with st.container(horizontal=True):
        st.download_button(
            "CSV", lambda: to_csv(result), f"{source.name}.csv", "text/csv", icon=":material/download:", key="csv",
            on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "XLSX", lambda: to_xlsx(result), f"{source.name}.xlsx", icon=":material/download:", key="xlsx",
            on_click="ignore",
        )  # fmt: skip
    if spec := chart(result.columns, result.rows):
        st.vega_lite_chart(spec, key=f"chart_{source.name}")


def to_csv(result: Result) -> bytes:
    """UTF-8 with the mark that Excel needs to read Chinese."""
    text = io.StringIO()
    csv.writer(text).writerows([result.columns, *result.rows])
    return text.getvalue().encode("utf-8-sig")


def to_xlsx(result: Result) -> bytes:
    """One sheet; text that begins with = stays text."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [result.columns, *result.rows]:
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value)
            cell.data_type = "s" if isinstance(value, str) else cell.data_type
            cells.append(cell)
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def show_audit(settings: Settings, source: Source) -> None:
    """What was asked of this source last, newest first: by the person, by the chat, on the command line."""
    path = settings.folder("data") / "audit.jsonl"
    lines = path.read_text("utf-8").splitlines()[-LOGGED:] if path.exists() else []
    events = [event for line in reversed(lines) if (event := json.loads(line))["source"] == source.name]
    if not events:
        st.caption(say("Nothing has been asked yet.", "还没有查询记录。"))
        return
    rows = [
        {say("When", "时间"): event["at"], say("Who", "用户"): event["who"],
         say("Verdict", "结果"): say(*VERDICTS[event["verdict"]]), "SQL": event["sql"],
         say("Rows", "行数"): event.get("rows"), say("Problem", "问题"): told(event.get("problem", ""))}
        for event in events
    ]  # fmt: skip
    st.dataframe(rows, hide_index=True)

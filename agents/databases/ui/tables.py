"""A source's tables: how many rows, which columns and types, the first rows, what they mean."""

from __future__ import annotations

from typing import Any

import streamlit as st

from agents.databases.guard.guard import first_query
from agents.databases.introspect import is_secret
from agents.databases.notes import describe
from agents.databases.runner import ask_database
from agents.databases.schema import Column, Schema, TableSchema
from agents.databases.sources import DataSource
from workbench.settings import Settings
from workbench.ui.widgets import announce, both, choose, plain, shows_errors

PREVIEWED = 20  # rows
REMEMBERED = 300  # seconds that the first rows are taken from memory


def show_tables(settings: Settings, source: DataSource, schema: Schema) -> None:
    """All tables in one list, then one of them in full."""
    if not schema.tables:
        st.info(both("There are no tables here.", "这里没有表。"))
        return
    if len(schema.tables) > 1:
        st.dataframe([_overview(table) for table in schema.tables], hide_index=True)
    label = both("Table", "表")
    name = choose(st.selectbox, label, list(schema.by_name), f"table-{source.name}")
    table = schema.by_name[name]
    st.caption(plain(" · ".join(_facts(table))))
    st.dataframe([_row(column) for column in table.columns], hide_index=True)
    st.markdown(f"**{both('First rows', '前几行')}**")
    with shows_errors():
        _show_first_rows(settings, source, schema, table)
    _describe(settings, source, schema, table)


def _overview(table: TableSchema) -> dict[str, Any]:
    meaning = "; ".join(text for text in (table.comment, table.description) if text)
    return {
        both("Table", "表"): table.name,
        both("Rows", "行数"): table.rows,
        both("Columns", "字段数"): len(table.columns),
        both("Meaning", "含义"): meaning,
    }


def _facts(table: TableSchema) -> list[str]:
    """Rows, meaning and foreign keys, as far as they are known."""
    facts = [table.comment, table.description]
    if table.rows is not None:
        facts.insert(0, both(f"{table.rows:,} rows", f"{table.rows:,} 行"))
    for key in table.foreign_keys:
        facts.append(f"{key.column} → {key.other_table}.{key.other_column}")
    return [fact for fact in facts if fact]


def _row(column: Column) -> dict[str, str]:
    meanings = [text for text in (column.comment, column.description) if text]
    return {
        both("Column", "字段"): column.name,
        both("Type", "类型"): column.type,
        both("Key", "主键"): "✓" if column.primary else "",
        both("Meaning", "含义"): "; ".join(meanings),
        both("Synonyms", "同义词"): ", ".join(column.synonyms),
        both("Examples", "示例值"): ", ".join(column.samples[:4]),
    }


def _show_first_rows(
    settings: Settings, source: DataSource, schema: Schema, table: TableSchema
) -> None:
    import pandas

    shown = [column.name for column in table.columns if not is_secret(column)]
    home = str(settings.home)
    columns, rows = _first_rows(
        home, source.name, table.name, schema.read_at, settings, source, schema, shown
    )
    if not rows:
        st.caption(both("No rows yet.", "还没有数据。"))
        return
    st.dataframe(pandas.DataFrame(rows, columns=columns), hide_index=True)
    hidden = len(table.columns) - len(shown)
    if hidden:
        columns_hidden = "1 column" if hidden == 1 else f"{hidden} columns"
        st.caption(
            both(
                f"{columns_hidden} that may hold secrets: not shown.",
                f"有 {hidden} 个字段可能含有机密，未显示。",
            )
        )


# Streamlit leaves arguments that begin with _ out of the cache's key
@st.cache_data(ttl=REMEMBERED, show_spinner=False, max_entries=100)
def _first_rows(
    home: str,
    source: str,
    table: str,
    read_at: float,
    _settings: Settings,
    _source: DataSource,
    _schema: Schema,
    _shown: list[str],
) -> tuple[list[str], list[list[Any]]]:
    """Through the guard, as any query."""
    few = _settings.model_copy(update={"query_rows": PREVIEWED})
    query = first_query(_schema, table, _shown)
    _, result = ask_database(query, _schema, _source, few)
    return result.columns, result.rows


def _describe(settings: Settings, source: DataSource, schema: Schema, table: TableSchema) -> None:
    whole = both("the whole table", "整张表")
    with st.expander(both("Say what it means", "补充说明"), icon=":material/edit_note:"):
        chosen = st.selectbox(
            both("Column", "字段"),
            [whole, *table.by_name],
            key=f"described-{source.name}-{table.name}",
        )
        item = table if chosen == whole else table.by_name[chosen]
        where = f"{source.name}-{table.name}-{chosen}"
        text = st.text_input(both("Meaning", "含义"), item.description, key=f"meaning-{where}")
        words = st.text_input(
            both("Other words for it, separated by commas", "同义词，用逗号分隔"),
            ", ".join(item.synonyms),
            key=f"words-{where}",
        )
        if not st.button(both("Save", "保存"), key=f"describe-{where}"):
            return
    parts = [word.strip() for word in words.replace("，", ",").split(",")]
    synonyms = [word for word in parts if word]
    what = table.name if chosen == whole else f"{table.name}.{chosen}"
    with shows_errors():
        describe(source, settings, schema, what, text, synonyms)
        announce(
            both(f"Described {what}", f"已说明 {what}"),
            undo=lambda: describe(
                source, settings, schema, what, item.description, list(item.synonyms)
            ),
        )
        st.rerun()

"""The Data page: the example, a source added by upload, a query and its refusal, notes, the log, both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from databases import make_sqlite
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest

from agents.data.introspect import load_schema
from agents.data.notes import load_notes
from agents.data.sources import add_source, list_sources, secrets_file
from workbench.settings import Settings

__all__ = ["page"]

PAGE = "agents/data_page.py"
POSTS = "id,account,likes\n1,北礁咖啡,10\n2,Oosterwal Tea,32\n3,北礁咖啡,5\n"


@pytest.fixture
def shop(settings: Settings, tmp_path: Path) -> Settings:
    load_schema(add_source(settings, "shop", str(make_sqlite(tmp_path / "shop.db"))), settings)
    return settings


def send(app: AppTest, label: str) -> AppTest:
    """Press the form's button of that label."""
    return drawn(next(button for button in app.button if button.label == label).click().run())


def ask(app: AppTest, sql: str, source: str = "shop") -> AppTest:
    app.text_area(key=f"sql-data-{source}").set_value(sql)
    return drawn(app.button(key=f"run-data-{source}").click().run())


def test_the_example_is_one_click(settings: Settings, page: Callable[..., AppTest]) -> None:
    app = page(PAGE, "zh")
    drawn(app.button(key="example").click().run())
    assert len(list_sources(settings)) == 1
    assert "已验证的问题" in [tab.label for tab in app.tabs]
    assert "SELECT" in texts(app)  # its verified questions


def test_an_uploaded_table_becomes_a_source_and_answers_a_query(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    app = page(PAGE)
    app.text_input(key="new_source").set_value("posts")
    app.file_uploader(key="new_tables").set_value(("posts.csv", POSTS.encode(), "text/csv"))
    send(app, "Add")
    assert [source.name for source in list_sources(settings)] == ["posts"]
    assert "1 table, 3 columns" in texts(app)
    ask(app, "select account, sum(likes) as likes from posts group by account order by likes desc", "posts")
    table = next(frame.value for frame in app.dataframe if "likes" in frame.value)
    assert list(table["likes"]) == [32, 15] and list(table["account"]) == ["Oosterwal Tea", "北礁咖啡"]
    assert {button.key for button in app.get("download_button")} == {"csv-data-posts", "xlsx-data-posts"}


def test_a_delete_is_refused_logged_and_changes_nothing(shop: Settings, page: Callable[..., AppTest]) -> None:
    app = ask(page(PAGE), "DELETE FROM users")
    assert "DELETE" in app.error[0].value
    ask(app, "SELECT count(*) AS n FROM users")
    assert not app.error
    log = next(frame.value for frame in app.dataframe if "Verdict" in frame.value)
    assert list(log["Verdict"]) == ["ran", "refused"] and log["SQL"][1] == "DELETE FROM users"


def test_an_invented_column_is_refused_with_the_near_one(shop: Settings, page: Callable[..., AppTest]) -> None:
    app = ask(page(PAGE), "SELECT nmae FROM users")
    assert "nmae" in texts(app) and "name" in app.error[0].value


def test_descriptions_and_pairs_are_kept(shop: Settings, page: Callable[..., AppTest]) -> None:
    app = page(PAGE)
    app.text_input(key="about_orders").set_value("what was bought")
    app.text_input(key="also_orders").set_value("sales、订单")
    send(app, "Save")
    source = list_sources(shop)[0]
    assert load_notes(source, shop).about["orders"] == {"description": "what was bought", "synonyms": ["sales", "订单"]}
    app.text_input(key="pair_question").set_value("How many users are there?")
    app.text_area(key="pair_sql").set_value("DROP TABLE users")
    send(app, "Keep")
    assert app.error and not load_notes(source, shop).pairs
    app.text_area(key="pair_sql").set_value("SELECT count(*) FROM users")
    send(app, "Keep")
    assert [pair["question"] for pair in load_notes(source, shop).pairs] == ["How many users are there?"]
    drawn(app.button(key="unpair-shop-0").click().run())
    assert not load_notes(source, shop).pairs


def test_a_server_that_is_not_there_leaves_no_source_and_no_password(
    settings: Settings, page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORKBENCH_SECRETS", str(tmp_path / "secrets.json"))
    app = page(PAGE)
    app.text_input(key="new_source").set_value("far")
    app.text_input(key="new_address").set_value("mysql://reader@127.0.0.1:9/shop")
    app.text_input(key="new_password_0").set_value("hunter2-long")
    send(app, "Add")
    assert "does not answer" in app.error[0].value and list_sources(settings) == []
    assert "hunter2-long" not in texts(app) + repr(app.session_state)
    assert not any(b"hunter2-long" in path.read_bytes() for path in settings.home.rglob("*") if path.is_file())
    assert "hunter2-long" not in secrets_file().read_text("utf-8")
    assert app.text_input(key="new_address").value  # to be corrected
    assert not app.text_input(key="new_password_1").value


def test_a_source_is_removed_only_when_sure(shop: Settings, page: Callable[..., AppTest]) -> None:
    app = page(PAGE)
    assert app.button(key="remove_source").disabled
    drawn(app.checkbox(key="sure_shop").check().run())
    drawn(app.button(key="remove_source").click().run())
    assert list_sources(shop) == []


def test_the_chinese_page_has_no_english_left(shop: Settings, page: Callable[..., AppTest]) -> None:
    app = page(PAGE, "zh")
    labels = [
        item.label for kind in (app.button, app.text_input, app.text_area, app.tabs, app.checkbox) for item in kind
    ]
    text = re.sub(r":[a-z_-]+(/[a-z_]+:)?|\S*/\S+", " ", "\n".join([texts(app), *labels]))
    assert set(re.findall(r"[A-Za-z]{2,}", text)) <= {
        "sqlite", "shop", "users", "user", "id", "SQL", "SELECT", "CSV", "XLSX", "Parquet", "SQLite", "DuckDB"
    }  # fmt: skip


def test_a_database_that_is_gone_is_said_and_can_still_be_removed(shop: Settings, page: Callable[..., AppTest]) -> None:
    Path(list_sources(shop)[0].file).unlink()
    app = page(PAGE)
    drawn(app.button(key="refresh").click().run())
    assert app.error and "remove_source" in {button.key for button in app.button}

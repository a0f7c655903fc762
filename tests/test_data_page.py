"""The Data page in both languages: the example, a query by hand, notes, and errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from databases import make_sqlite
from streamlit.testing.v1 import AppTest

from agents.databases.notes import load_notes
from agents.databases.sources import add_source, find_source, list_sources
from workbench.settings import Settings

PAGE = str(Path(__file__).resolve().parents[1] / "agents" / "databases" / "ui" / "data.py")


def open_page(language: str = "en") -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.session_state["language"] = language
    return page.run()


def button(page: AppTest, label: str) -> Any:
    return next(entry for entry in page.button if entry.label == label)


def texts(page: AppTest) -> str:
    return "\n".join(
        str(entry.value)
        for kind in ("markdown", "caption", "error", "info", "code")
        for entry in page.get(kind)
    )


@pytest.mark.parametrize(
    ("language", "title", "load"),
    [("en", "Data", "Load the example database"), ("zh", "数据", "加载示例数据库")],
)
def test_an_empty_page_loads_the_example_by_one_click(
    language: str, title: str, load: str, settings: Settings
) -> None:
    page = open_page(language)
    assert page.title[0].value == title and not page.exception
    button(page, load).click().run()
    assert not page.exception
    assert [source.name for source in list_sources(settings)] == ["advertising"]
    assert "sqlite" in texts(page) and page.selectbox(key="shown_source").value == "advertising"


@pytest.fixture
def shop(settings: Settings, tmp_path: Path) -> Settings:
    add_source(settings, "shop", str(make_sqlite(tmp_path / "shop.sqlite")))
    return settings


def test_a_query_by_hand_runs_through_the_guard(shop: Settings) -> None:
    page = open_page()
    page.text_area(key="sql-data-shop").set_value(
        "select name, price from users join orders on user_id = users.id"
    ).run()
    page.button(key="run-data-shop").click().run()
    assert not page.exception and not page.error
    shown = next(
        frame.value for frame in page.dataframe if list(frame.value.columns) == ["name", "price"]
    )
    assert len(shown) == 3 and "LIMIT 10" in texts(page)
    page.number_input(key="most-data-shop").set_value(2).run()
    page.button(key="run-data-shop").click().run()
    assert "LIMIT 2" in texts(page) and "first 2 rows" in texts(page)
    page.text_area(key="sql-data-shop").set_value("DROP TABLE users").run()
    page.button(key="run-data-shop").click().run()
    assert "Only a SELECT may run" in page.error[0].value


def test_descriptions_and_verified_answers_are_kept(shop: Settings) -> None:
    page = open_page()
    page.selectbox(key="table-shop").set_value("orders").run()
    page.selectbox(key="described-shop-orders").set_value("price").run()
    page.text_input(key="meaning-shop-orders-price").set_value("what was paid").run()
    page.text_input(key="words-shop-orders-price").set_value("cost，价格").run()
    page.button(key="describe-shop-orders-price").click().run()
    page.text_input(key="pair-question-shop-0").set_value("How many users?")
    page.text_area(key="pair-sql-shop-0").set_value("SELECT count(*) FROM users")
    button(page, "Keep").click().run()
    notes = load_notes(find_source(shop, "shop"), shop)
    assert notes.about == {
        "orders.price": {"description": "what was paid", "synonyms": ["cost", "价格"]}
    }
    assert notes.pairs == [{"question": "How many users?", "sql": "SELECT count(*) FROM users"}]


def test_a_source_that_is_gone_is_said_on_the_page(shop: Settings, tmp_path: Path) -> None:
    (tmp_path / "shop.sqlite").unlink()
    page = open_page("zh")
    assert not page.exception and "sqlite" in page.error[0].value


def test_an_address_that_does_not_answer_leaves_nothing_behind(settings: Settings) -> None:
    page = open_page()
    page.text_input(key="source_name-0").set_value("far")
    page.text_input(key="source_address-0").set_value("mysql://me@127.0.0.1:1/shop")
    page.text_input(key="source_password-0").set_value("hush-hush")
    button(page, "Add").click().run()
    assert "does not answer" in page.error[0].value and "hush" not in texts(page)
    assert list_sources(settings) == []


def test_a_source_is_removed_only_when_it_is_meant(shop: Settings) -> None:
    page = open_page()
    assert page.button(key="remove_source").disabled
    page.checkbox(key="sure-shop").check().run()
    page.button(key="remove_source").click().run()
    assert not page.exception and list_sources(shop) == []


def test_a_connection_is_tested_without_keeping_anything(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets.json"
    monkeypatch.setenv("WORKBENCH_SECRETS", str(secrets))
    page = open_page()
    place = make_sqlite(tmp_path / "shop.sqlite")
    page.text_input(key="source_address-0").set_value(f"sqlite:///{place}")
    button(page, "Test connection").click().run()
    assert "It answers and shows 2 tables" in page.success[0].value
    page.text_input(key="source_address-0").set_value("mysql://me@127.0.0.1:1/shop")
    page.text_input(key="source_password-0").set_value("hush-hush")
    button(page, "Test connection").click().run()
    assert "does not answer" in page.error[0].value and "hush" not in texts(page)
    assert list_sources(settings) == [] and not secrets.exists()


def test_a_table_shows_its_first_rows_and_no_secret(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "crew.csv").write_text("name,password\nSelka,s3cr3t\nYelan,0pen\n", "utf-8")
    add_source(settings, "crew", str(tmp_path / "crew.csv"))
    page = open_page()
    first_rows = page.dataframe[-1].value
    assert list(first_rows.columns) == ["name"] and list(first_rows["name"]) == ["Selka", "Yelan"]
    assert "2 rows" in texts(page) and "1 column that may hold secrets" in texts(page)


def test_a_verified_question_is_kept_from_a_result_edited_and_taken_back(shop: Settings) -> None:
    page = open_page()
    page.text_area(key="sql-data-shop").set_value("SELECT count(*) FROM users").run()
    page.text_input(key="verified-question-data-shop").set_value("How many users?")
    page.button(key="verify-now-data-shop").click().run()
    assert kept(shop) == {"How many users?": "SELECT count(*) FROM users"}
    key = "shop-How many users?"
    page.text_input(key=f"edit-question-{key}").set_value("How many people?")
    page.text_area(key=f"edit-sql-{key}").set_value("DROP TABLE users")
    page.button(key=f"edit-{key}").click().run()
    assert "Only a SELECT may run" in page.error[0].value and "How many users?" in kept(shop)
    page.text_area(key=f"edit-sql-{key}").set_value("SELECT count(id) FROM users")
    page.button(key=f"edit-{key}").click().run()
    assert kept(shop) == {"How many people?": "SELECT count(id) FROM users"}
    button(page, "Undo").click().run()
    assert kept(shop) == {"How many users?": "SELECT count(*) FROM users"}
    page.button(key=f"unpair-{key}").click().run()
    assert kept(shop) == {}
    button(page, "Undo").click().run()
    assert "How many users?" in kept(shop) and not page.exception


def kept(settings: Settings) -> dict[str, str]:
    """Question -> query of the source `shop`."""
    pairs = load_notes(find_source(settings, "shop"), settings).pairs
    return {pair["question"]: pair["sql"] for pair in pairs}


def test_what_was_added_is_selected_and_its_neighbour_after_it_is_removed(
    shop: Settings, tmp_path: Path
) -> None:
    page = open_page()
    page.text_input(key="source_name-0").set_value("annex")
    page.text_input(key="source_address-0").set_value(str(make_sqlite(tmp_path / "b.sqlite")))
    button(page, "Add").click().run()
    assert page.selectbox(key="shown_source").value == "annex"
    assert page.session_state["choices"]["source"] == "annex"
    assert page.text_input(key="source_name-1").value == ""
    assert page.session_state["add_source_form"] is False
    page.checkbox(key="sure-annex").check().run()
    page.button(key="remove_source").click().run()
    assert page.selectbox(key="shown_source").value == "shop"
    assert page.button(key="remove_source").disabled and not page.exception

"""Findings are computed, numbers as text are numbers, charts fit, no model's own number passes."""

from __future__ import annotations

import csv
import io
from typing import Any

import openpyxl
import pytest

from agents.data.wording import KnownNumbers, Result, only_about_the_result
from agents.databases.analyst import findings, markdown_table, outliers, shown
from agents.databases.charts import chart
from agents.databases.figures import as_number, read_columns
from agents.databases.values import plain_value
from workbench.chat.events import Notice, Thought, Token
from workbench.spreadsheet import as_csv, as_xlsx

SALES = [["North", 30.0], ["South", 50.0], ["East", 20.0], ["West", 100.0]]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("3,456", 3456),
        ("1.2万", 12000),
        ("10万+", 100000),
        ("2.5k", 2500),
        ("1.5亿", 1.5e8),
        ("12%", 0.12),
        ("-7", -7),
        ("￥", None),
        ("", None),
        ("12 apples", None),
        ("1-2", None),
        (True, None),
        (None, None),
        (3, 3),
        ("2025-01-01", None),
        ("1,23", None),
    ],
)
def test_numbers_kept_as_text_are_read(text: Any, number: float | None) -> None:
    assert as_number(text) == (None if number is None else pytest.approx(number))


def test_what_a_column_is_follows_from_its_values_and_its_name() -> None:
    columns = ["id", "day", "account", "star", "order_count", "year"]
    rows = [[n, f"2025-01-0{n}", f"account {n}", f"{n}.5万", n, 2020 + n] for n in range(1, 6)]
    found = read_columns(columns, rows)
    assert found.numeric == ("star", "order_count", "year")
    assert found.time == "day" and found.labels == ("id", "account")
    assert list(found.frame["star"]) == [15000, 25000, 35000, 45000, 55000]
    assert read_columns(["year", "n"], [["2021", 3], ["2022", 4]]).time == "year"
    assert read_columns(["price", "n"], [["2021", 3], ["2022", 4]]).time is None


def test_totals_shares_and_ranks_are_computed() -> None:
    text = "\n".join(findings(["region", "sales"], SALES, False, "en"))
    assert "highest for **West** with 100 (50% of the total), and lowest for East with 20" in text
    assert "adds up to 200, on average 50" in text
    assert "West, South, North together make up 90%" in text
    chinese = "\n".join(findings(["地区", "销量"], SALES, False, "zh"))
    assert "合计 200，平均 50" in chinese and "占总量 50%" in chinese


def test_nothing_is_said_about_the_whole_of_a_result_that_was_cut() -> None:
    text = "\n".join(findings(["region", "sales"], SALES, True, "en"))
    assert "total" not in text and "%" not in text and "these rows only" in text


@pytest.mark.parametrize("name", ["avg_price", "平均点赞", "rate", "占比"])
def test_averages_and_rates_are_never_added_up(name: str) -> None:
    text = "\n".join(findings(["region", name], SALES, False, "en"))
    assert "adds up" not in text and "total" not in text


def test_change_over_time_is_from_the_first_to_the_last_whatever_the_order() -> None:
    rows = [["2025-03", 150], ["2025-01", 100], ["2025-02", 90]]
    text = "\n".join(findings(["month", "sales"], rows, False, "en"))
    assert "rose from 100 (2025-01) to 150 (2025-03), by 50 (50%)" in text
    assert "下降" in "\n".join(
        findings(["月份", "销量"], [["2025-01", 100], ["2025-02", 60]], False, "zh")
    )


def test_outliers_are_those_far_from_the_median() -> None:
    import pandas

    values = pandas.Series([10, 11, 9, 10, 12, 10, 11, 95])
    assert outliers(values.astype(float)) == [7]
    assert outliers(pandas.Series([5.0] * 7 + [9.0])) == [] and outliers(values[:5]) == []


def test_nulls_blobs_and_odd_cells_break_nothing() -> None:
    rows = [[None, None], ["a|b\nc", "5"], ["x", None], ["y", "7"]]
    assert "a\\|b c" in markdown_table(["name", "n"], rows)
    assert findings(["name", "n"], rows, False, "en")
    assert findings(["name"], [[None], [None]], False, "en") == ["2 rows are shown."]
    assert chart(["name", "n"], [[None, None], [None, None]]) is None
    assert [plain_value(value) for value in (b"abc", float("nan"), 2**70, None)] == [
        "<3 bytes>",
        None,
        2**70,
        None,
    ]


def test_exact_decimals_stay_exact() -> None:
    from decimal import Decimal

    assert plain_value(Decimal("10.50")) == 10.5 and plain_value(Decimal("3.00")) == 3
    assert plain_value(Decimal("0.12345678901234567890")) == "0.12345678901234567890"
    assert [shown(value) for value in (1234567, 0.5, 12.3456, 0.000123)] == [
        "1,234,567",
        "0.5",
        "12.35",
        "0.000123",
    ]


@pytest.mark.parametrize(
    ("columns", "rows", "mark"),
    [
        (["region", "sales"], SALES, "bar"),
        (["month", "sales"], [["2025-01", 1], ["2025-02", 3]], "line"),
        (["height", "weight"], [[1, 2.5], [2, 3.5], [3, 9.5]], "point"),
        (["name"], [["a"], ["b"]], None),
        (["region", "sales"], SALES[:1], None),
        (["region", "sales"], [["North", 1], ["North", 2]], None),
        (["word", "n"], [[f"w{n}", n] for n in range(100)], None),
    ],
)
def test_the_chart_fits_the_result(
    columns: list[str], rows: list[list[Any]], mark: str | None
) -> None:
    drawn = chart(columns, rows)
    found = (
        drawn["mark"]["type"]
        if drawn and isinstance(drawn["mark"], dict)
        else drawn and drawn["mark"]
    )
    assert found == mark


def test_a_chart_holds_its_data_and_titles_whatever_the_columns_are_called() -> None:
    drawn = chart(["地区[1].a:b", "销量 (万)"], SALES)
    assert drawn and [row["y"] for row in drawn["data"]["values"]] == [30, 50, 20, 100]
    assert (
        drawn["encoding"]["x"]["title"] == "销量 (万)"
        and drawn["encoding"]["y"]["title"] == "地区[1].a:b"
    )


def test_a_line_for_each_group_over_time() -> None:
    rows = [
        [day, group, n]
        for n, (day, group) in enumerate((d, g) for d in ("2025-01-01", "2025-01-02") for g in "ab")
    ]
    drawn = chart(["day", "group", "n"], rows)
    assert drawn and drawn["encoding"]["color"]["title"] == "group"


KNOWN = KnownNumbers(
    "Top 3?",
    ["region", "sales"],
    [["North", 1234.567], ["South", 50], ["2025-01-02", 0.125]],
    ["33.33%"],
)
RESULT = Result([["North", 1234.567], ["South", 50], ["2025-01-02", 0.125]], ["33.33%"])


@pytest.mark.parametrize(
    "text",
    [
        "North has 1,234.567.",
        "North has about 1,234.57.",
        "It is about 1235.",
        "South: 50",
        "12.5% of it",
        "33.33% or 33.3%",
        "1. South leads",
        "2) then North",
        "The top 3 are these",
        "about 1.2k",
        "on 2025-01-02",
        "0.1万",
    ],
)
def test_numbers_of_the_result_also_rounded_may_be_said(text: str) -> None:
    assert KNOWN.cover(text)


@pytest.mark.parametrize(
    "text",
    [
        "It is 51.",
        "1,234.6 and 7",
        "It doubled.",
        "half of them",
        "增长了一倍半，约三成",
        "42%",
        "twelve of them",
        "两千",
        "33.4%",
        "5e3",
        "49.6",
        "1234.5",
    ],
)
def test_numbers_that_are_nowhere_are_found(text: str) -> None:
    assert not KNOWN.cover(text)


def test_sentences_are_judged_whole_however_the_stream_is_cut() -> None:
    text = "South has 50. North has 51. 南部为 50。北部为 52。\n- South 50\n- North 99\n"
    for size in (1, 3, 1000):
        pieces = [Token(text[start : start + size]) for start in range(0, len(text), size)]
        events = list(only_about_the_result([Thought("99"), *pieces], KNOWN, RESULT, "en"))
        said = "".join(event.text for event in events if isinstance(event, Token))
        assert "South has 50." in said and "南部为 50。" in said and "- South 50" in said
        assert not any(number in said for number in ("51", "52", "99"))
        assert isinstance(events[-1], Notice) and events[-1].text.endswith("in the result: 3.")


def test_downloads_hold_the_rows_and_no_formula() -> None:
    rows = [["=1+1", 5], ["@cmd", -3.5], ["-7", None], ["王芳\x01", "a,b"]]
    back = list(csv.reader(io.StringIO(as_csv(["name", "n"], rows).decode("utf-8-sig"))))
    assert (
        back[0] == ["name", "n"]
        and back[1] == ["'=1+1", "5"]
        and back[2] == ["'@cmd", "-3.5"]
        and back[3][0] == "-7"
    )
    sheet = openpyxl.load_workbook(io.BytesIO(as_xlsx(["name", "n"], rows))).active
    assert sheet is not None
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert cells[1] == ["'=1+1", 5] and cells[4] == ["王芳", "a,b"]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_wording_that_says_nothing_of_the_result_is_left_out() -> None:
    talk = "The result of a database query follows. The answer is list all accounts.\n"
    table = "| region | sales |\n| --- | --- |\n| South | 50 |\n-----\n"
    pieces = [Token(talk), Token(table), Token("- South is ahead.\n")]
    events = list(only_about_the_result(pieces, KNOWN, RESULT, "en"))
    said = "".join(event.text for event in events if isinstance(event, Token))
    assert said == "- South is ahead.\n"
    assert not any(isinstance(event, Notice) for event in events)

"""Tables become series: dates of any form, gaps, doubles, zones, groups, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy
import pandas
import pytest

from agents.forecast.asked import Ahead, is_about_future, plan_steps, read_ahead, read_each
from agents.forecast.places import find_place, read_place
from agents.forecast.rhythm import Rhythm, read_every
from agents.forecast.series import Wanted, read_series
from agents.forecast.times import read_moments
from agents.forecast.unusual import find_unusual
from workbench.errors import InvalidInput, NotFound
from workbench.settings import Settings

FORMS = [
    ("2025-01-01 10:00 - 11:00", "2025-01-01 11:00 - 12:00", "2025-01-01 10:00"),
    ("2025-01-01 10:00-11:00", "2025-01-01 11:00-12:00", "2025-01-01 10:00"),
    ("2025-01-01 ~ 2025-01-07", "2025-01-08 ~ 2025-01-14", "2025-01-01"),
    ("05-02-2010", "19-02-2010", "2010-02-05"),
    ("1/1/11 3", "1/13/11 4", "2011-01-01 03:00"),
    ("2025/1/5 8:05:01", "2025/1/5 9:05:01", "2025-01-05 08:05:01"),
    ("2025年1月5日10时", "2025年1月5日11时", "2025-01-05 10:00"),
    ("2025年1月", "2025年2月", "2025-01-01"),
    ("20250105", "20250106", "2025-01-05"),
    ("1735689600", "1735693200", "2025-01-01"),
    ("2025Q2", "2025Q3", "2025-04-01"),
    ("2025-W02", "2025-W03", "2025-01-06"),
    ("Jan 5, 2025", "Jan 6, 2025", "2025-01-05"),
]


@pytest.mark.parametrize(("first", "second", "moment"), FORMS)
def test_a_date_is_read_in_any_form(first: str, second: str, moment: str) -> None:
    read = read_moments(pandas.Series([first, second]))
    assert read is not None and not read.unread
    assert read.stamps[0] == pandas.Timestamp(moment)
    assert read.stamps[1] > read.stamps[0]


def test_the_whole_column_decides_whether_the_day_comes_first() -> None:
    early = [f"0{day}-02-2010" for day in range(1, 9)]
    alone = read_moments(pandas.Series([*early, "2010-02-30"]))
    assert alone is None or alone.stamps[0].day in (1, 2)
    read = read_moments(pandas.Series([*early, "19-02-2010"]))
    assert read is not None and read.stamps[3] == pandas.Timestamp("2010-02-04")


def test_several_zones_become_one_and_words_are_no_dates() -> None:
    read = read_moments(pandas.Series(["2025-01-01T10:00:00+08:00", "2025-01-01T10:00:00+01:00"]))
    assert read is not None and read.zone == "UTC"
    assert [stamp.hour for stamp in read.stamps] == [2, 9]
    same = read_moments(pandas.Series(["2025-01-01 10:00-05:00", "2025-01-01 11:00-05:00"]))
    assert same is not None and same.zone == "-05:00" and same.stamps[0].hour == 10
    assert read_moments(pandas.Series(["red", "green", "2025-01-01"])) is None


def hourly(values: list[float], begin: str = "2025-01-01") -> pandas.DataFrame:
    stamps = pandas.date_range(begin, periods=len(values), freq="h")
    return pandas.DataFrame({"when": stamps.astype(str), "sold": values})


def test_gaps_are_filled_from_the_past_alone_and_counted() -> None:
    values = [float(number) for number in range(72)]
    table = hourly(values).drop(index=[30, 31])
    series = read_series(table, Wanted())
    assert series.facts["gaps"] == 2 and series.rhythm == Rhythm("h", 24, (168,))
    assert list(series.frame["y"][30:32]) == [6.0, 7.0], "the same hours of the day before"
    zero = read_series(table, Wanted(gaps="zero"))
    assert list(zero.frame["y"][30:32]) == [0.0, 0.0]


def test_rows_of_one_moment_are_summed_or_averaged_and_counted() -> None:
    table = pandas.concat([hourly([1.0, 2.0, 3.0]), hourly([5.0])], ignore_index=True)
    summed = read_series(table, Wanted(target="sold"))
    assert summed.facts["repeats"] == 1 and list(summed.frame["y"]) == [6.0, 2.0, 3.0]
    assert list(read_series(table, Wanted(repeats="mean")).frame["y"]) == [3.0, 2.0, 3.0]


def test_longer_steps_and_groups_of_two_columns() -> None:
    table = hourly([1.0] * 48).assign(shop=["a", "b"] * 24, kind="x")
    series = read_series(table, Wanted(target="sold", group=("shop", "kind"), every="D"))
    assert series.groups == ["a · x", "b · x"] and series.rhythm.freq == "D"
    assert list(series.frame["y"]) == [12.0] * 4


@pytest.mark.parametrize(
    ("freq", "named", "season"),
    [
        ("7D", "W-WED", 52),
        ("MS", "MS", 12),
        ("ME", "MS", 12),
        ("15min", "15min", 96),
        ("D", "D", 7),
    ],
)
def test_the_rhythm_is_found(freq: str, named: str, season: int) -> None:
    stamps = pandas.date_range("2025-01-01", periods=40, freq=freq)
    table = pandas.DataFrame({"when": stamps, "sold": range(40)})
    series = read_series(table, Wanted())
    assert (series.rhythm.freq, series.rhythm.season) == (named, season)
    assert not series.facts["gaps"] and len(series.frame) == 40


def test_a_column_of_hours_beside_the_days_is_found_and_numbers_may_be_written() -> None:
    table = pandas.DataFrame(
        {
            "dteday": ["1/1/11"] * 24 + ["1/13/11"] * 24,
            "hr": [*range(24)] * 2,
            "cnt": ["1,234"] * 48,
        }
    )
    series = read_series(table, Wanted(target="cnt"))
    assert series.facts["time"] == "dteday+hr" and series.frame["y"][0] == 1234.0


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (Wanted(time="nothing"), "no column nothing"),
        (Wanted(time="word"), "No moments can be read"),
        (Wanted(target="word"), "does not hold numbers"),
        (Wanted(), "not clear which column"),
        (Wanted(target="sold", every="fortnight"), "no step of time"),
    ],
)
def test_what_cannot_be_read_is_said(wanted: Wanted, problem: str) -> None:
    table = hourly([1.0, 2.0, 3.0]).assign(word=["a", "b", "c"], other=[1, 2, 3])
    with pytest.raises(InvalidInput, match=problem):
        read_series(table, wanted)


def test_outliers_and_a_moved_level_are_marked() -> None:
    chance = numpy.random.default_rng(1)
    values = 10 + numpy.sin(numpy.arange(480) / 24 * 2 * numpy.pi) + chance.normal(0, 0.2, 480)
    values[100] += 30
    values[300:] += 8
    marks = find_unusual(read_series(hourly(list(values)), Wanted()))
    stamps = {mark["kind"]: str(mark["ds"]) for mark in reversed(marks)}
    assert stamps["outlier"].startswith("2025-01-05 04:00")
    moved = pandas.Timestamp(stamps["shift"]) - pandas.Timestamp("2025-01-13 12:00")
    assert abs(moved) <= pandas.Timedelta(hours=6)


def test_a_file_is_read_as_text_and_a_missing_one_is_named(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "sold.csv"
    hourly([1.0, 2.0]).to_csv(file, index=False)
    table = read_place(find_place(settings, str(file)), settings)
    assert list(table.columns) == ["when", "sold"] and table["sold"][0] == "1.0"
    with pytest.raises(NotFound):
        read_place(find_place(settings, str(tmp_path / "gone.csv")), settings)
    with pytest.raises(NotFound):
        read_place(find_place(settings, "nosource"), settings)


@pytest.mark.parametrize(
    ("question", "number", "unit"),
    [
        ("预测每个素材未来3小时的激活数", 3, "hour"),
        ("接下来十二个月的销售额", 12, "month"),
        ("下周的激活数会是多少？", 1, "week"),
        ("明天有多少订单", 1, "day"),
        ("Forecast sales for the next two weeks", 2, "week"),
        ("How many orders will come tomorrow?", 1, "day"),
        ("What happens in the next quarter?", 1, "quarter"),
    ],
)
def test_how_far_ahead_a_question_asks(question: str, number: int, unit: str) -> None:
    assert read_ahead(question) == Ahead(number, unit) and is_about_future(question)


@pytest.mark.parametrize(
    "question",
    ["Which account got the most likes?", "一天中哪个小时激活数最多？", "Trend of sales?"],
)
def test_a_question_about_the_past_is_none_about_the_future(question: str) -> None:
    assert not is_about_future(question)


def test_of_what_each_and_in_which_steps() -> None:
    assert read_each("预测每个素材未来3小时的激活数") == "素材"
    assert read_each("Forecast sales per shop for the next day").split()[0] == "shop"
    assert read_each("Forecast sales per hour") == ""
    hours = read_every("h")
    assert plan_steps(Ahead(3, "hour"), hours) == ("", 3)
    assert plan_steps(Ahead(1, "week"), hours) == ("D", 7)
    assert plan_steps(Ahead(), hours) == ("", 0)
    assert plan_steps(Ahead(2, "hour"), read_every("D")) == ("", 1)

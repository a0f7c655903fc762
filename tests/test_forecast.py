"""Forecasts from end to end: command, models without pickle, band, chat and page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest

from agents.answer import answer
from agents.api.app import make_app
from agents.databases.example import load_example
from agents.forecast import texts as words
from agents.forecast.features import see
from agents.forecast.intervals import measure_band
from agents.forecast.layout import make_layout
from agents.forecast.predicting import predict, predict_kept
from agents.forecast.presets import PRESETS, Preset
from agents.forecast.search import search_grid
from agents.forecast.series import Series, Wanted, read_series
from agents.forecast.shelf import find_forecast, list_forecasts, promote, versions_of
from agents.question import Question
from agents.router import route
from workbench.chat.conversations import Conversations, Turn
from workbench.chat.events import Chart, Done, Notice, Query, Table, Token
from workbench.chat.streams import STREAMS
from workbench.cli import workbench
from workbench.errors import NotFound
from workbench.jobs.job import list_jobs
from workbench.settings import Settings, load_settings

__all__ = ["page"]

WANTED = Wanted(time="hour", target="count", group=("user", "material"))
QUICK = PRESETS["quick"]
FAST = {**QUICK.parameters, "learning_rate": 0.3}
TINY = replace(QUICK, rounds=15, parameters=FAST, windows=14, fits=1)


def generated(hours: int, groups: int, begin: str = "2025-01-01") -> pandas.DataFrame:
    """Hourly counts with a daily wave; the hour is a range, as in an export of advertising."""
    chance = numpy.random.default_rng(3)
    stamps = pandas.date_range(begin, periods=hours, freq="h")
    wave = 20 + 10 * numpy.sin(stamps.hour.to_numpy() / 24 * 2 * numpy.pi)
    parts = []
    for number in range(groups):
        counts = chance.poisson(wave * (1 + number))
        names = [f"{at:%Y-%m-%d %H:00} - {at + pandas.Timedelta('1h'):%H:00}" for at in stamps]
        parts.append(
            pandas.DataFrame({"hour": names, "user": "u", "material": number, "count": counts})
        )
    return pandas.concat(parts, ignore_index=True)


def run(*arguments: str) -> list[dict[str, Any]]:
    """The JSON lines of a command that succeeds."""
    done = CliRunner().invoke(workbench, ["forecast", *arguments, "--json"])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def home(new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the example database and a forecast of a generated file, fitted once."""
    folder = tmp_path_factory.mktemp("forecast")
    place = new_workspace(folder)
    table = generated(200, 2)
    short = generated(5, 1).assign(user="new")
    table = pandas.concat([table.drop(index=[50, 51]), table.iloc[[7]], short])
    table.to_csv(folder / "counts.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(place))
        patch.setitem(PRESETS, "quick", TINY)
        load_example(load_settings())
        lines = run(
            *("fit", str(folder / "counts.csv"), "--time", "hour", "--target", "count"),
            *("--group", "user", "--group", "material", "--horizon", "3", "--name", "counts"),
        )
    (folder / "lines.json").write_text(json.dumps(lines), "utf-8")
    return place


@pytest.fixture
def assets(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    monkeypatch.setitem(PRESETS, "quick", TINY)
    return load_settings(model="none")


def test_a_fit_tells_its_progress_and_its_figures(home: Path) -> None:
    *progress, done = json.loads((home.parent / "lines.json").read_text("utf-8"))
    stages = list(dict.fromkeys(line["stage"] for line in progress))
    assert stages == ["Settings", "Back-test", "Baselines", "Fitting"]
    assert all({"done", "of", "seconds", "number", "stages"} <= line.keys() for line in progress)
    assert done["event"] == "done" and done["skipped_groups"] == 1
    assert [step["step"] for step in done["steps"]] == [1, 2, 3]
    assert all({"mae", "rmse", "r2", "mase", "smape"} <= step.keys() for step in done["steps"])
    naive = done["baselines"]["seasonal_naive"]
    assert done["all"]["mae"] < naive["mae"] and done["baselines"]["ets"]["mae"] > 0
    assert done["interval"]["values"] > 20 and 0.7 < done["interval"]["coverage"] <= 1


def test_a_kept_forecast_holds_no_pickle_and_says_what_was_done(assets: Settings) -> None:
    kept = find_forecast(assets, "counts")
    endings = {path.suffix for path in kept.folder.iterdir()}
    assert endings == {".txt", ".json", ".csv"}
    assert len(list(kept.folder.glob("step_*.txt"))) == 3
    facts = kept.card["facts"]
    assert (facts["gaps"], facts["repeats"], kept.card["skipped"]) == (2, 1, {"new · 0": 5})
    assert len(kept.card["important"]) == 10
    assert sum(one["share"] for one in kept.card["important"]) <= 1


def test_it_predicts_with_a_band_here_and_elsewhere(assets: Settings, tmp_path: Path) -> None:
    (line,) = run("predict", "counts")
    assert line["columns"][:6] == ["group", "time", "step", "forecast", "lower", "upper"]
    assert len(line["rows"]) == 6 and line["rows"][0][1] == "2025-01-09 08:00:00"
    for row in line["rows"]:
        assert 0 <= row[4] < row[3] < row[5]
    elsewhere = load_settings(home=tmp_path / "elsewhere")
    shutil.copytree(assets.home / "forecasts", elsewhere.home / "forecasts")
    file = assets.home.parent / "counts.csv"
    hidden = file.rename(tmp_path / "moved.csv")
    try:
        found = predict(find_forecast(elsewhere, "counts"), elsewhere)
    finally:
        hidden.rename(file)
    assert "counts.csv" in found.kept, "that its table is gone is said"
    assert [row[3] for row in found.rows()] == [row[3] for row in line["rows"]]


def test_the_api_forecasts_from_the_rows_that_it_is_sent(assets: Settings) -> None:
    (line,) = run("predict", "counts")
    table = pandas.read_csv(assets.home.parent / "counts.csv")
    rows = json.loads(table.to_json(orient="records"))
    with TestClient(make_app(assets), base_url="http://127.0.0.1") as client:
        by_rows = client.post("/forecast", json={"forecast": "counts", "rows": rows}).json()
        by_table = client.post("/forecast", json={"steps": 2}).json()
        wrong = [{"hour": "2025-01-01 10:00"}]
        refused = client.post("/forecast", json={"rows": wrong})
        short = client.post("/forecast", json={"rows": rows[:2]})
    assert [list(step.values()) for step in by_rows["steps"]] == line["rows"]
    assert by_rows["level"] == line["level"] and len(by_table["steps"]) == 4
    assert refused.status_code == 400 and "no column" in refused.json()["error"]["message"]
    assert short.status_code in (200, 400, 404), "too short a history is no failure of the server"


def test_versions_are_listed_promoted_and_removed(assets: Settings) -> None:
    shelf = assets.home / "forecasts"
    shutil.copytree(shelf / "counts", shelf / "copy")
    shutil.copytree(shelf / "copy" / "v1", shelf / "copy" / "v2")
    assert versions_of(assets, "copy") == [1, 2]
    assert promote(assets, "copy", 2).version == 2 == find_forecast(assets, "copy").version
    names = {line["name"]: line["version"] for line in run("list")}
    assert names == {"copy": 2, "counts": 1}
    run("promote", "copy", "1")
    run("remove", "copy", "--version", "1", "--yes")
    assert find_forecast(assets, "copy").version == 2
    (shelf / "copy" / "v2" / "step_2.txt").write_text("broken", "utf-8")
    broken = CliRunner().invoke(workbench, ["forecast", "predict", "copy", "--json"])
    assert broken.exit_code == 1 and "damaged" in broken.output
    run("remove", "copy", "--yes")
    with pytest.raises(NotFound):
        find_forecast(assets, "copy")


def test_nothing_is_seen_of_what_comes_later() -> None:
    table = generated(120, 2)
    changed = table.copy()
    later = changed["hour"] >= "2025-01-04"
    changed.loc[later, "count"] = 10_000
    seen = [_rows_before(read_series(one, WANTED)) for one in (table, changed)]
    first, second = seen
    assert len(first) > 100 and first.shape[1] > 30
    pandas.testing.assert_frame_equal(first, second)
    assert (table["count"] != changed["count"]).any()


def _rows_before(series: Series) -> pandas.DataFrame:
    """What is seen at every moment up to the first one that was changed."""
    layout = make_layout(series, PRESETS["quick"], 3)
    rows = see(series, layout).rows
    return rows[rows["ds"] <= "2025-01-04"].drop(columns="y").reset_index(drop=True)


def test_a_column_known_ahead_counts_at_its_own_time(assets: Settings) -> None:
    table = generated(120, 1)
    holiday = (numpy.arange(123) % 7 == 0).astype(float)
    ahead = generated(123, 1).tail(3).assign(count=numpy.nan)
    table = pandas.concat([table, ahead], ignore_index=True).assign(holiday=holiday)
    series = read_series(table, Wanted(target="count", known=("holiday",)))
    seen = see(series, make_layout(series, TINY, 3))
    assert list(seen.further["holiday"][-1]) == list(holiday[120:])
    assert list(seen.further["holiday"][10]) == list(holiday[10:13])


def test_the_band_holds_what_it_promises_also_where_errors_grow() -> None:
    chance = numpy.random.default_rng(5)
    windows = numpy.repeat(numpy.arange(60), 24)
    frame = pandas.DataFrame(
        {
            "window": windows,
            "begin": windows * 24,
            "end": windows * 24 + 23,
            "step": numpy.tile(numpy.arange(1, 25), 60),
            "forecast": 0.0,
            "size": 1.0,
        }
    )
    growing = (1 + frame["step"] / 10) * (1 + frame["window"] / 40)
    frame["y"] = chance.normal(0, growing)
    measured = measure_band(frame)
    assert measured["values"] == 30 * 24 and 0.85 <= measured["coverage"] <= 0.95


def test_the_preset_of_the_mission_searches_its_grid_in_folds() -> None:
    row = PRESETS["s3"]
    assert (row.window, row.horizon, row.folds) == (3, 3, 10)
    assert [len(values) for values in row.grid.values()] == [3, 3, 3]
    small = replace(row, grid={"num_leaves": (2, 31)}, folds=2, rounds=20, windows=12)
    series = read_series(generated(120, 1), WANTED)
    seen = see(series, make_layout(series, small, 3))
    told: list[tuple[str, float, float]] = []
    best: Preset = search_grid(seen, {"u · 0": 20.0}, small, lambda *one: told.append(one))
    assert best.parameters["num_leaves"] in (2, 31) and told[-1] == ("Settings", 4, 4)
    assert {f"lag{number}" for number in (1, 2, 3)} <= set(seen.rows.columns)


def figures(mae: float, naive: float, r2: float = 0.5) -> dict[str, Any]:
    ets = {"mase": None, "model_mase": None}
    return {
        "all": {"mae": mae, "mase": mae, "r2": r2},
        "baselines": {"seasonal_naive": {"mae": naive, "mase": naive}, "ets": ets},
        "usual": 10.0,
        "windows": 20,
        "interval": {"coverage": None, "level": 0.9, "values": 0},
    }


def test_where_the_naive_forecast_is_better_that_is_said() -> None:
    assert words.beats_naive(figures(1, 2)) and not words.beats_naive(figures(2, 1))
    assert "50% smaller" in words.verdict("en", figures(1, 2))
    assert "not better" in words.verdict("en", figures(2, 1))
    assert "不比" in words.verdict("zh", figures(2, 1)).replace("并不比", "不比")
    guess = figures(1, 2, r2=-0.1)
    assert words.is_doubtful(guess) and "as a guess" in words.verdict("en", guess)
    assert not words.is_doubtful(figures(1, 2)) and words.is_doubtful(figures(2, 1))
    heads = words.column_names("en", "shop", "day", naive=True)
    assert heads == ["day", "shop", "forecast", "lower", "upper", "as a season before"]


QUESTION = "Forecast activations of each material for the next 3 hours"
QUESTION_ZH = "预测每个素材未来3小时的激活数"


def test_a_question_about_the_future_is_routed_fitted_and_answered(assets: Settings) -> None:
    assert route(Question(QUESTION, [], assets)).mode == "forecast"
    assert route(Question(QUESTION_ZH, [], assets)).mode == "forecast"
    assert route(Question("How did activations develop day by day?", [], assets)).mode == "data"
    events = answer(QUESTION, [], assets, "forecast")
    for event in events:
        if isinstance(event, Notice):
            break
    next(events)  # a beat: it is being fitted
    (job,) = list_jobs(assets)
    assert job.state == "running"
    events.close()
    assert job.state == "cancelled", "stopping the answer stops the fit"
    assert [kept.name for kept in list_forecasts(assets)] == ["counts"]
    events = list(answer(QUESTION, [], assets, "forecast"))
    assert isinstance(events[-1], Done), events[-1]
    (query,) = [event for event in events if isinstance(event, Query)]
    assert "GROUP BY" in query.sql and "LIMIT" in query.sql, "as the guard printed it"
    (table,) = [event for event in events if isinstance(event, Table)]
    assert table.columns == ["hour", "material", "forecast", "lower", "upper"]
    assert len(table.rows) == 15
    (chart,) = [event for event in events if isinstance(event, Chart)]
    assert any(layer["mark"]["type"] == "area" for layer in chart.spec["layer"])
    said = "".join(event.text for event in events if isinstance(event, Token))
    assert "was forecast" in said and "smaller than" in said


@pytest.mark.parametrize(
    ("asked", "doubts", "longer"),
    [
        (QUESTION, "How good is that forecast?", "And for the next 2 hours?"),
        (QUESTION_ZH, "这个预测可信吗？", "未来两小时呢？"),
    ],
)
def test_follow_ups_stay_with_the_forecast(
    asked: str, doubts: str, longer: str, assets: Settings
) -> None:
    history = [Turn("user", asked), Turn("assistant", "15 rows", "forecast")]
    second = Question(doubts, history, assets)
    assert route(second).mode == "forecast"
    history += [Turn("user", doubts), Turn("assistant", "15 rows", "forecast")]
    third = Question(longer, history, assets)
    assert route(third).mode == "forecast"
    events = list(answer(longer, history, assets, "forecast"))
    (table,) = [event for event in events if isinstance(event, Table)]
    assert len(table.rows) == 10, "the series of the first question, the hours of the last"


def test_the_chat_shows_the_forecast_in_chinese(
    assets: Settings, page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(assets.home))
    app = page("agents/ui/chat.py", "zh")
    drawn(app.chat_input(key="question").set_value(f"/forecast {QUESTION_ZH}").run())
    conversations = Conversations(assets.database)
    newest = conversations.messages(conversations.recent()[0].id)[-1]
    stream = STREAMS.get(conversations, newest.id)
    assert stream is None or stream.ended.wait(120)
    drawn(app.run())
    shown = texts(app)
    assert "可信吗" in shown and "90% 区间" in shown
    frame = next(one.value for one in app.dataframe if "下限" in one.value.columns)
    assert list(frame.columns) == ["小时", "素材", "预测", "下限", "上限"] and len(frame) == 15


@pytest.mark.parametrize(("language", "tab"), [("en", "How good"), ("zh", "可信程度")])
def test_the_page_shows_a_forecast(
    language: str,
    tab: str,
    assets: Settings,
    page: Callable[..., AppTest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(assets.home))
    app = page("agents/forecast/ui/forecasts.py", language)
    drawn(app.selectbox(key="shown_forecast").set_value("counts").run())
    assert tab in [one.label for one in app.tabs]
    assert any("MASE" in one.value.columns for one in app.dataframe)


def test_an_empty_page_forecasts_the_example_by_one_click(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    app = page("agents/forecast/ui/forecasts.py", "zh")
    drawn(app.button(key="forecast_example").click().run())
    (job,) = list_jobs(settings)
    assert job.command[:3] == ["forecast", "fit", "advertising"]
    assert app.button(key="forecast_example").disabled
    job.cancel(grace=0)


def test_a_kept_history_is_enough(assets: Settings) -> None:
    kept = find_forecast(assets, "counts")
    assert predict_kept(kept).rows() == predict(kept, assets).rows()

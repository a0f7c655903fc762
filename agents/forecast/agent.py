"""A question about the future -> table, chart with band, and what the back-test says of them.

The series come by one query through the guard. A forecast that was kept for them answers; else one
is fitted as a job, with progress, which ends when the answer is stopped.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

from agents.databases.analyst import markdown_table
from agents.databases.introspect import load_schema
from agents.databases.runner import BEAT, Result, begin
from agents.databases.schema import Schema
from agents.databases.sources import DataSource, find_source
from agents.forecast import texts
from agents.forecast.asked import counted_in, plan_steps, read_ahead, read_each
from agents.forecast.features import PURPOSE
from agents.forecast.pictures import history_and_band
from agents.forecast.places import MOST_ROWS, SECONDS, Place, check_whole
from agents.forecast.predicting import Prediction, predict_series
from agents.forecast.rhythm import Uneven, moment_text
from agents.forecast.series import ALL, Series, Wanted, read_series
from agents.forecast.shelf import Kept, find_forecast, list_forecasts
from agents.forecast.targets import (
    Target,
    called,
    find_label,
    find_target,
    series_query,
    spoken_name,
)
from agents.question import Question
from workbench.chat.events import Beat, Chart, Declined, Done, Event, Notice, Query, Table, Token
from workbench.errors import WorkbenchError
from workbench.extras import check_extra
from workbench.jobs.ending import why_ended
from workbench.jobs.job import Job, start
from workbench.models.listing import NONE
from workbench.settings import Settings

ROUNDED = 4  # digits of the table's numbers
GRACE = 5.0  # seconds that a cancelled fit may take to end
LIBRARIES = ("mlforecast", "lightgbm", "statsforecast")


def answer_from_series(question: Question) -> Iterator[Event]:
    """Query, table, chart and words, then Done. Closing the iterator cancels query and job."""
    begun = time.monotonic()
    check_extra("forecast", LIBRARIES, PURPOSE)
    source = find_source(question.settings, question.settings.source)
    lineage = {"source": source.name, "dialect": source.dialect}
    schema = load_schema(source, question.settings)
    target = find_target(question.search_text, schema)
    if target is None:
        yield Declined(texts.no_series(question.language, source.name))
    else:
        kept = yield from _answer(question, source, schema, target)
        lineage["forecast"] = f"{kept.name}, version {kept.version}"
    yield Done(NONE, time.monotonic() - begun, 0, lineage)


def _answer(
    question: Question, source: DataSource, schema: Schema, target: Target
) -> Generator[Event, None, Kept]:
    """The events of one target; returns the forecast that answered."""
    each = read_each(question.text) or read_each(question.search_text)
    if each:
        target = replace(target, group=find_label(each, target, schema))
    if each and target.group is None:
        yield Notice(texts.no_label(question.language, each))
    query, groups = series_query(target, schema)
    result = yield from _fetch(query, schema, source, question.settings)
    wanted, series, steps = _read(question, target, groups, result)
    place = Place(source=source.name, query=query)
    kept = find_fitting(question.settings, place, wanted, steps)
    if kept is None:
        yield Notice(texts.fitting_now(question.language))
        kept = yield from _fit(question, target, place, wanted, steps)
    yield from _show(question, kept, predict_series(kept, series, steps), target)
    return kept


def _read(
    question: Question, target: Target, groups: tuple[str, ...], result: Result
) -> tuple[Wanted, Series, int]:
    """What is wanted of the rows, the series in the steps that the question asks, how many."""
    import pandas

    wanted = Wanted(
        time=target.time,
        target=target.column.name,
        group=groups,
        repeats="mean" if target.averaged else "sum",
    )
    table = pandas.DataFrame(result.rows, columns=result.columns)
    ahead = read_ahead(question.text)
    if not ahead.number:  # a follow-up may leave it to the question before
        ahead = read_ahead(question.search_text)
    try:
        series = read_series(table, wanted)
    except Uneven:  # rows of single events: a step without any has none, not those of before
        gaps = "past" if target.averaged else "zero"
        wanted = replace(wanted, every=counted_in(ahead), gaps=gaps)
        series = read_series(table, wanted)
    every, steps = plan_steps(ahead, series.rhythm)
    if every:
        wanted = replace(wanted, every=every)
        series = read_series(table, wanted)
    return wanted, series, steps


def find_fitting(settings: Settings, place: Place, wanted: Wanted, steps: int) -> Kept | None:
    """The kept forecast of just these series that looks far enough ahead."""
    for kept in list_forecasts(settings):
        same = kept.place == place and kept.wanted == wanted
        if same and kept.card["horizon"] >= steps:
            return kept
    return None


def _fetch(
    query: str, schema: Schema, source: DataSource, settings: Settings
) -> Generator[Event, None, Result]:
    """The rows of the series, through the guard; shown as it ran."""
    wide = settings.model_copy(update={"query_rows": MOST_ROWS, "query_seconds": SECONDS})
    running = begin(query, schema, source, wide)
    for _ in running.wait():
        yield Beat()
    result = running.result()
    check_whole(result)
    yield Query(running.verdict.sql, schema.dialect, source.name)
    return result


def _fit(
    question: Question, target: Target, place: Place, wanted: Wanted, steps: int
) -> Generator[Event, None, Kept]:
    """Fit by the command, as a job. Raises what went wrong with it."""
    name = _name(place, target, wanted, steps)
    command = ["forecast", "fit", place.source, "--query", place.query, "--name", name]
    command += ["--time", wanted.time, "--target", wanted.target, "--repeats", wanted.repeats]
    command += ["--gaps", wanted.gaps]
    for group in wanted.group:
        command += ["--group", group]
    if wanted.every:
        command += ["--every", wanted.every]
    if steps:
        command += ["--horizon", str(steps)]
    title = texts.job_title(question.language, spoken_name(target, question.language))
    job = start(question.settings, title, [*command, "--json"])
    yield from _await(job)
    if job.state != "done":
        problem, fix = why_ended(job)
        raise WorkbenchError(problem, fix)
    return find_forecast(question.settings, name)


def _await(job: Job) -> Iterator[Event]:
    """Beats until the job has ended; leaving them early cancels it."""
    try:
        while job.state == "running":
            time.sleep(BEAT)
            yield Beat()
    finally:
        if job.state == "running":
            job.cancel(GRACE)


def _name(place: Place, target: Target, wanted: Wanted, steps: int) -> str:
    parts = [place.source, target.table.name, wanted.target, *wanted.group, wanted.every]
    parts.append(str(steps) if steps else "")
    joined = "-".join(part for part in parts if part)
    return "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in joined)[:80]


def _show(question: Question, kept: Kept, found: Prediction, target: Target) -> Iterator[Event]:
    """Table and chart, then the words."""
    language = question.language
    figures = kept.card["backtest"]
    naive = texts.is_doubtful(figures)
    columns, rows = _table(found, target, language, naive)
    yield Token(markdown_table(columns, rows))
    yield Table(columns, rows)
    yield Chart(history_and_band(found, spoken_name(target, language), language, naive))
    yield Token("\n" + "\n".join(f"- {line}" for line in _words(kept, found, target, language)))
    for notice in _notices(kept, found, language):
        yield Notice(notice)


def _table(
    found: Prediction, target: Target, language: str, naive: bool
) -> tuple[list[str], list[list[Any]]]:
    many = bool(target.group)
    label = target.group.said if target.group else ""
    time_name = called(target.table.by_name[target.time], language)
    heads = texts.column_names(language, label, time_name, naive)
    rows = []
    for row in found.table.sort_values(["time", "group"]).itertuples():
        cells: list[Any] = [moment_text(row.time, found.series.rhythm)]
        if many:
            cells.append(row.group)
        numbers = [row.forecast, row.lower, row.upper]
        if naive:
            numbers.append(row.naive)
        rows.append([*cells, *(_rounded(number) for number in numbers)])
    return heads, rows


def _words(kept: Kept, found: Prediction, target: Target, language: str) -> list[str]:
    """The forecast and how good it is; each number is computed."""
    figures = kept.card["backtest"]
    rhythm = found.series.rhythm
    steps = texts.steps_words(language, int(found.table["step"].max()), rhythm)
    grouped = found.table.groupby("group")["forecast"]
    of_groups = grouped.mean() if target.averaged else grouped.sum()
    ordered = of_groups.sort_values(ascending=False)
    named = [("" if name == ALL else str(name), float(value)) for name, value in ordered.items()]
    says = texts.expected_means if target.averaged else texts.expected
    lines = [says(language, spoken_name(target, language), steps, named)]
    lines.append(texts.error_in_words(language, figures, rhythm))
    lines.append(texts.verdict(language, figures))
    lines.append(texts.ets_words(language, figures))
    lines.append(texts.band_words(language, figures))
    return [line for line in lines if line]


def _notices(kept: Kept, found: Prediction, language: str) -> Iterator[str]:
    card = kept.card
    if card["skipped_groups"]:
        names = list(card["skipped"])
        yield texts.short_groups(language, names, card["skipped_groups"], card["fewest"])
    mended = texts.mended(language, card["facts"], kept.wanted.gaps)
    if mended:
        yield mended
    if card["unusual"]:
        yield texts.unusual(language, card["unusual"], len(card["sizes"]) > 1)
    yield texts.fitted_on(language, kept.name, kept.version, card["created"][:10])


def _rounded(value: float) -> float | None:
    return None if value != value else float(f"{value:.{ROUNDED}g}")

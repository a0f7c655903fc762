"""A result -> findings that are computed: totals, shares, ranks, change over time, outliers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from agents.databases.figures import Columns, read_columns
from agents.databases.findings_text import Change, Sentences

if TYPE_CHECKING:
    import pandas

EMPTY = {"en": "No matching data", "zh": "没有查询到相关数据"}
SHOWN = 20  # rows of the Markdown table
MEASURES = 3  # columns that something is said about
LEADERS = 3  # rows whose common share is said
OUTLIERS = 3  # named for each column
OUTLYING = 3.5  # modified z-score (Iglewicz & Hoaglin 1993)
TO_DEVIATION = 0.6745  # makes the median absolute deviation a standard deviation, same source
ENOUGH = 8  # values before one can be called an outlier
# measures whose sum means nothing
NOT_SUMMED = re.compile(
    "avg|average|mean|rate|ratio|share|price|max|min|percent|age|rank|year"
    "|平均|均值|率|占比|单价|价格|最大|最小|最高|最低|年龄|排名|比例"
)


def markdown_table(columns: list[str], rows: list[list[Any]]) -> str:
    """The first rows as a Markdown table; a cell cannot end its row."""
    lines = [columns, ["---"] * len(columns), *rows[:SHOWN]]
    text = ""
    for line in lines:
        cells = [_cell(value) for value in line]
        text += f"| {' | '.join(cells)} |\n"
    return text


def findings(columns: list[str], rows: list[list[Any]], partial: bool, language: str) -> list[str]:
    """Sentences about a result, the most important first; every number is computed from its rows.

    Of a `partial` result, which a limit may have cut, nothing is said about the whole.
    """
    found = read_columns(columns, rows)
    sentences = Sentences(language)
    counted = sentences.rows(len(rows), partial)
    if not found.numeric:
        return [counted] if len(rows) > 1 or partial else []
    if len(rows) == 1:
        return [sentences.value(name, shown(found.frame[name].iloc[0])) for name in found.numeric]
    lines: list[str] = []
    for name in found.numeric[:MEASURES]:
        lines += _about(name, found, partial, sentences)
    if partial:
        lines.append(counted)
    return lines


def _about(name: str, found: Columns, partial: bool, sentences: Sentences) -> list[str]:
    """What can be said about one measure of two or more rows."""
    values = found.frame[name].dropna().astype(float)
    if values.empty:
        return []
    labels = _labels(found)
    total = float(values.sum())
    sums = not partial and not NOT_SUMMED.search(name.lower()) and bool((values >= 0).all())
    lines = []
    if found.time is not None and found.frame[found.time].is_unique and len(values) > 1:
        lines.append(sentences.change(name, _change(name, found.time, found)))
    top = values.idxmax()
    low = values.idxmin()
    if values[top] > values[low]:
        share = shown(values[top] / total * 100) if sums and total else ""
        most = shown(values[top])
        least = shown(values[low])
        lines.append(sentences.extremes(name, labels[top], most, share, labels[low], least))
    if len(values) > 1:
        mean = shown(values.mean())
        if sums:
            lines.append(sentences.total(name, shown(total), mean))
        else:
            lines.append(sentences.mean(name, mean, partial))
    if sums and len(values) > LEADERS and total:
        first = values.nlargest(LEADERS)
        names = [str(labels[row]) for row in first.index]
        lines.append(sentences.leaders(names, name, shown(first.sum() / total * 100)))
    for row in outliers(values)[:OUTLIERS]:
        lines.append(sentences.outlier(name, labels[row], shown(values[row])))
    return lines


def outliers(values: pandas.Series) -> list[Any]:
    """Index labels of values far from the median, in units of the median absolute deviation."""
    if len(values) < ENOUGH:
        return []
    distance = (values - values.median()).abs()
    spread = distance.median()
    if spread <= 0:
        return []
    return list(distance[TO_DEVIATION * distance / spread > OUTLYING].index)


def _change(name: str, time: str, found: Columns) -> Change:
    """From the first time to the last, whatever the order of the rows."""
    known = found.frame[[time, name]].dropna()
    ordered = known.sort_values(time, key=lambda column: column.map(str))
    first = ordered.iloc[0]
    last = ordered.iloc[-1]
    difference = float(last[name]) - float(first[name])
    share = ""
    if first[name]:
        share = shown(abs(difference) / abs(float(first[name])) * 100)
    return Change(
        start=first[time],
        first=shown(first[name]),
        end=last[time],
        last=shown(last[name]),
        difference=shown(abs(difference)),
        share=share,
        way=(difference > 0) - (difference < 0),
    )


def _labels(found: Columns) -> pandas.Series:
    """What each row is called: its time and labels, at most two of them, or its number."""
    names = [name for name in found.labels if found.frame[name].notna().any()][:2]
    if found.time is not None:
        names = [found.time, *names[:1]]
    if not names:
        return found.frame.index.to_series().map(lambda row: f"#{row + 1}")
    return found.frame[names].apply(_joined, axis=1)


def _joined(row: pandas.Series) -> str:
    return " / ".join("–" if value is None else str(value) for value in row)


def shown(number: Any) -> str:
    """A number as a person reads it: thousands apart, two decimals, three digits where small."""
    value = float(number)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) < 0.01:
        return f"{value:.3g}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return " ".join(text.split()).replace("|", "\\|")

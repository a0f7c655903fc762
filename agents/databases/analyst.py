"""A result -> findings that are computed, never guessed: totals, shares, ranks, change over time, outliers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents.databases.figures import Columns, read_columns

if TYPE_CHECKING:
    import pandas

EMPTY = {"en": "No matching data", "zh": "没有查询到相关数据"}
SHOWN = 20  # rows of the Markdown table
OUTLYING = 3.5  # modified z-score (Iglewicz & Hoaglin 1993)
ENOUGH = 8  # values before one can be called an outlier
ADDS_UP = (
    "avg",
    "average",
    "mean",
    "rate",
    "ratio",
    "share",
    "price",
    "max",
    "min",
    "percent",
    "age",
    "rank",
    "year",
    "平均",
    "均值",
    "率",
    "占比",
    "单价",
    "价格",
    "最大",
    "最小",
    "最高",
    "最低",
    "年龄",
    "排名",
    "比例",
)


def markdown_table(columns: list[str], rows: list[list[Any]]) -> str:
    """The first rows as a Markdown table; a cell cannot end its row."""
    lines = [columns, ["---"] * len(columns), *rows[:SHOWN]]
    return (
        "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines) + "\n"
    )


def findings(columns: list[str], rows: list[list[Any]], partial: bool, language: str) -> list[str]:
    """Sentences about a result, the most telling first; every number in them is computed from its rows.

    Of a `partial` result, which a limit may have cut, nothing is said about the whole.
    """
    found = read_columns(columns, rows)
    say = _English() if language == "en" else _Chinese()
    if not found.numeric:
        return [say.rows(len(rows), partial)] if len(rows) > 1 or partial else []
    if len(rows) == 1:
        return [say.value(name, shown(found.frame[name].iloc[0])) for name in found.numeric]
    lines: list[str] = []
    for name in found.numeric[:3]:
        lines += _about(name, found, partial, say)
    return [*lines, *([say.rows(len(rows), partial)] if partial else [])]


def _about(name: str, found: Columns, partial: bool, say: _English) -> list[str]:
    values = found.frame[name].dropna().astype(float)
    if values.empty:
        return []
    lines = []
    adds_up = (
        not partial and not any(word in name.lower() for word in ADDS_UP) and (values >= 0).all()
    )
    total = float(values.sum())
    labels = _labels(found)
    if found.time is not None and found.frame[found.time].is_unique and len(values) > 1:
        lines.append(_change(name, found, say))
    top, low = values.idxmax(), values.idxmin()
    if values[top] > values[low]:
        share = shown(values[top] / total * 100) if adds_up and total else ""
        lines.append(
            say.extremes(
                name, labels[top], shown(values[top]), share, labels[low], shown(values[low])
            )
        )
    if adds_up and len(values) > 1:
        lines.append(say.total(name, shown(total), shown(values.mean())))
    elif len(values) > 1:
        lines.append(say.mean(name, shown(values.mean()), partial))
    if adds_up and len(values) > 3 and total:
        first = values.nlargest(3)
        lines.append(
            say.leaders(
                [str(labels[row]) for row in first.index], name, shown(first.sum() / total * 100)
            )
        )
    lines += [say.outlier(name, labels[row], shown(values[row])) for row in outliers(values)[:3]]
    return lines


def outliers(values: pandas.Series) -> list[Any]:
    """Index labels of values far from the median, in units of the median absolute deviation."""
    if len(values) < ENOUGH:
        return []
    distance = (values - values.median()).abs()
    spread = distance.median()
    return list(distance[0.6745 * distance / spread > OUTLYING].index) if spread > 0 else []


def _change(name: str, found: Columns, say: _English) -> str:
    assert found.time is not None
    ordered = (
        found.frame[[found.time, name]]
        .dropna()
        .sort_values(found.time, key=lambda column: column.map(str))
    )
    first, last = ordered.iloc[0], ordered.iloc[-1]
    difference = float(last[name]) - float(first[name])
    share = shown(abs(difference) / abs(float(first[name])) * 100) if first[name] else ""
    return say.change(
        name,
        first[found.time],
        shown(first[name]),
        last[found.time],
        shown(last[name]),
        shown(abs(difference)),
        share,
        (difference > 0) - (difference < 0),
    )


def _labels(found: Columns) -> pandas.Series:
    """What each row is called: its labels, or its time, or its number."""
    names = [name for name in found.labels if found.frame[name].notna().any()][:2]
    if found.time is not None:
        names = [found.time, *names[:1]]
    if not names:
        return found.frame.index.to_series().map(lambda row: f"#{row + 1}")
    return found.frame[names].apply(
        lambda row: " / ".join("–" if value is None else str(value) for value in row), axis=1
    )


def shown(number: Any) -> str:
    """A number as a person reads it: thousands apart, at most two decimals, small ones with what tells."""
    value = float(number)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.01 else f"{value:.3g}"


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return " ".join(text.split()).replace("|", "\\|")


class _English:
    """The sentences; `_Chinese` has the same ones."""

    def rows(self, count: int, partial: bool) -> str:
        more = " There may be more; the figures are about these rows only." if partial else ""
        return f"{count} rows are shown.{more}"

    def value(self, name: str, value: str) -> str:
        return f"**{name}**: {value}"

    def extremes(self, name: str, top: Any, most: str, share: str, low: Any, least: str) -> str:
        of_all = f" ({share}% of the total)" if share else ""
        return f"**{name}** is highest for **{top}** with {most}{of_all}, and lowest for {low} with {least}."

    def total(self, name: str, total: str, mean: str) -> str:
        return f"**{name}** adds up to {total}, on average {mean}."

    def mean(self, name: str, mean: str, partial: bool) -> str:
        return f"The average of **{name}**{' in these rows' if partial else ''} is {mean}."

    def leaders(self, names: list[str], name: str, share: str) -> str:
        return f"{', '.join(names)} together make up {share}% of **{name}**."

    def change(
        self,
        name: str,
        start: Any,
        first: str,
        end: Any,
        last: str,
        difference: str,
        share: str,
        way: int,
    ) -> str:
        if not way:
            return f"**{name}** is {last} on {end}, the same as on {start}."
        percent = f" ({share}%)" if share else ""
        verb = "rose" if way > 0 else "fell"
        return (
            f"**{name}** {verb} from {first} ({start}) to {last} ({end}), by {difference}{percent}."
        )

    def outlier(self, name: str, label: Any, value: str) -> str:
        return f"**{label}** stands out in **{name}** with {value}."


class _Chinese(_English):
    def rows(self, count: int, partial: bool) -> str:
        return f"共显示 {count} 行。" + (
            "可能还有更多数据，以上指标仅针对这些行。" if partial else ""
        )

    def value(self, name: str, value: str) -> str:
        return f"**{name}**：{value}"

    def extremes(self, name: str, top: Any, most: str, share: str, low: Any, least: str) -> str:
        of_all = f"（占总量 {share}%）" if share else ""
        return f"**{name}** 最高的是 **{top}**，为 {most}{of_all}；最低的是 {low}，为 {least}。"

    def total(self, name: str, total: str, mean: str) -> str:
        return f"**{name}** 合计 {total}，平均 {mean}。"

    def mean(self, name: str, mean: str, partial: bool) -> str:
        return f"**{name}** {'在这些行中' if partial else ''}平均为 {mean}。"

    def leaders(self, names: list[str], name: str, share: str) -> str:
        return f"{'、'.join(names)} 合计占 **{name}** 的 {share}%。"

    def change(
        self,
        name: str,
        start: Any,
        first: str,
        end: Any,
        last: str,
        difference: str,
        share: str,
        way: int,
    ) -> str:
        if not way:
            return f"**{name}** 在 {end} 为 {last}，与 {start} 持平。"
        percent = f"（{share}%）" if share else ""
        verb = "上升" if way > 0 else "下降"
        return f"**{name}** 从 {first}（{start}）{verb}到 {last}（{end}），变化 {difference}{percent}。"

    def outlier(self, name: str, label: Any, value: str) -> str:
        return f"**{label}** 的 **{name}** 明显偏离其他值，为 {value}。"

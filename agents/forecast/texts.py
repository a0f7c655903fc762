"""What the forecast agent says of its own, in English and Chinese; every number is computed.

An answer is written in the language of its question, so these are not translated by a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agents.forecast.rhythm import Rhythm
from workbench.language import localized

LISTED = 5  # groups named in one line
SEASON_BEFORE = {
    # rhythm -> the moment that the seasonal naive forecast repeats
    "min": ("the same time of the day before", "前一天同一时刻的值"),
    "h": ("the same hour of the day before", "前一天同一小时的值"),
    "D": ("the same weekday of the week before", "前一周同一天的值"),
    "B": ("the same weekday of the week before", "前一周同一天的值"),
    "W": ("the same week of the year before", "前一年同一周的值"),
    "MS": ("the same month of the year before", "前一年同一月的值"),
    "QS": ("the same quarter of the year before", "前一年同一季度的值"),
    "YS": ("the year before", "前一年的值"),
}
STEPS = {
    "min": ("steps", "步"),
    "h": ("hours", "小时"),
    "D": ("days", "天"),
    "B": ("working days", "个工作日"),
    "W": ("weeks", "周"),
    "MS": ("months", "个月"),
    "QS": ("quarters", "个季度"),
    "YS": ("years", "年"),
}
FEATURES = {
    # kind of a feature -> its name; {n} is a number of steps
    "lag": ("value {n} steps before", "前第 {n} 步的值"),
    "season": ("same moment {n} steps before", "{n} 步之前同一时刻的值"),
    "seasons": ("mean of the same moment in the last seasons", "最近几个周期同一时刻的均值"),
    "mean": ("mean of the last {n} values", "最近 {n} 个值的均值"),
    "spread": ("spread of the last {n} values", "最近 {n} 个值的波动"),
    "hour": ("hour of the day", "小时"),
    "dayofweek": ("day of the week", "星期几"),
    "day": ("day of the month", "日"),
    "week": ("week of the year", "第几周"),
    "month": ("month", "月份"),
    "group": ("which group it is", "所属分组"),
    "column": ("{n}", "{n}"),
}


def rhythm_key(rhythm: Rhythm) -> str:
    """The row of the tables above."""
    name = rhythm.freq.lstrip("0123456789").split("-")[0]
    several = name != rhythm.freq.split("-")[0]
    return "min" if several and name in ("h", "D") else name


def feature_name(language: str, feature: str) -> str:
    """A feature as a person reads it."""
    kind, _, number = feature.partition(" ")
    if kind not in FEATURES:
        return feature
    if (kind, number) == ("lag", "1"):
        return localized(language, "newest value", "最新的值")
    return localized(language, *FEATURES[kind]).replace("{n}", number)


def steps_words(language: str, steps: int, rhythm: Rhythm) -> str:
    """3 hours."""
    unit = localized(language, *STEPS.get(rhythm_key(rhythm), STEPS["min"]))
    if language == "en" and steps == 1:
        unit = unit.removesuffix("s")
    return f"{steps} {unit}" if language == "en" else f"{steps} {unit}".replace(" ", "")


def season_before(language: str, rhythm: Rhythm) -> str:
    """What the seasonal naive forecast takes."""
    key = rhythm_key(rhythm)
    if rhythm.season < 2 or key not in SEASON_BEFORE:
        return localized(language, "the newest value", "最新的值")
    return localized(language, *SEASON_BEFORE[key])


def column_names(language: str, group: str, time: str, naive: bool) -> list[str]:
    """The heads of the table; `group` is empty where there is one series."""
    heads = [time, *([group] if group else [])]
    heads += [localized(language, "forecast", "预测")]
    heads += [localized(language, "lower", "下限"), localized(language, "upper", "上限")]
    if naive:
        heads.append(localized(language, "as a season before", "照搬上一周期"))
    return heads


def expected(language: str, target: str, steps: str, groups: Sequence[tuple[str, float]]) -> str:
    """The sums of the horizon, the largest first; one group has no name of its own."""
    if len(groups) == 1:
        value = shown(groups[0][1])
        return localized(
            language,
            f"Over the next {steps}, {target} is forecast at {value} in all.",
            f"未来{steps}，预计{target}合计 {value}。",
        )
    leaders = "; ".join(f"{name} {shown(value)}" for name, value in groups[:LISTED])
    total = shown(sum(value for _, value in groups))
    more = len(groups) - LISTED
    rest_en = f"; {more} more" if more > 0 else ""
    rest_zh = f"；另有 {more} 个" if more > 0 else ""
    return localized(
        language,
        f"Over the next {steps}, {target} is forecast at {total} in all: {leaders}{rest_en}.",
        f"未来{steps}，预计{target}合计 {total}：{leaders.replace('; ', '；')}{rest_zh}。",
    )


def expected_means(
    language: str, target: str, steps: str, groups: Sequence[tuple[str, float]]
) -> str:
    """The same of rates and prices, which have no sum."""
    named = "; ".join(f"{name} {shown(value)}" if name else shown(value) for name, value in groups)
    return localized(
        language,
        f"Over the next {steps}, {target} is forecast at this mean: {named}.",
        f"未来{steps}，预计{target}平均为：{named.replace('; ', '；')}。",
    )


def error_in_words(language: str, figures: Mapping[str, Any], rhythm: Rhythm) -> str:
    """How far the forecasts of the past were off, beside the same value a season before."""
    mae = figures["all"]["mae"]
    share = mae / figures["usual"] if figures["usual"] else 0.0
    windows = figures["windows"]
    before = season_before(language, rhythm)
    naive = figures["baselines"]["seasonal_naive"]["mae"]
    return localized(
        language,
        f"How sure is this? The past was forecast {windows} times in the same way: the forecast "
        f"was off by {shown(mae)} on average ({share:.0%} of a usual value), "
        f"{before} by {shown(naive)}.",
        f"可信吗？用同样的方法回测了过去的 {windows} 个时段：预测平均误差 {shown(mae)}"
        f"（约为通常数值的 {share:.0%}），直接用{before}则平均误差 {shown(naive)}。",
    )


def beats_naive(figures: Mapping[str, Any]) -> bool:
    """Whether the models were nearer than the seasonal naive forecast."""
    naive = figures["baselines"]["seasonal_naive"]
    ours = figures["all"]
    if ours["mase"] is None or naive["mase"] is None:
        return ours["mae"] < naive["mae"]
    return ours["mase"] < naive["mase"]


def explains_nothing(figures: Mapping[str, Any]) -> bool:
    """Whether the mean of the tested values would have been as near: R² says so at 0 and below."""
    r2 = figures["all"]["r2"]
    return r2 is not None and r2 <= 0


def is_doubtful(figures: Mapping[str, Any]) -> bool:
    """Whether the naive forecast belongs beside this one."""
    return explains_nothing(figures) or not beats_naive(figures)


def verdict(language: str, figures: Mapping[str, Any]) -> str:
    """Whether it is worth it."""
    naive = figures["baselines"]["seasonal_naive"]["mae"]
    ours = figures["all"]["mae"]
    if not beats_naive(figures):
        return localized(
            language,
            "So the forecast was not better than repeating the season before: both are shown, and "
            "neither should be relied on alone.",
            "因此这个预测并不比照搬上一周期更准：两者都已列出，请谨慎参考。",
        )
    if explains_nothing(figures):
        return localized(
            language,
            "It explains nothing of the ups and downs (R² is not above 0): these values have no "
            "pattern that could be learned. Take the numbers as a guess; repeating the season "
            "before is shown beside them.",
            "它没有解释任何涨跌（R² 不大于 0）：这些数值里没有可学的规律。请只当作粗略猜测；"
            "旁边列出了照搬上一周期的结果。",
        )
    less = 1 - ours / naive if naive else 0.0
    return localized(
        language,
        f"So its errors were {less:.0%} smaller than those of repeating the season before.",
        f"因此它的误差比照搬上一周期小 {less:.0%}。",
    )


def ets_words(language: str, figures: Mapping[str, Any]) -> str:
    """Beside exponential smoothing, on the groups that had it; empty where none had."""
    ets = figures["baselines"]["ets"]
    ours = ets.get("model_mase")
    if ets["mase"] is None or ours is None:
        return ""
    better = ours < ets["mase"]
    return localized(
        language,
        f"Exponential smoothing (ETS) was {'worse' if better else 'better'}: "
        f"scaled error {ets['mase']:.2f} against {ours:.2f}.",
        f"指数平滑（ETS）{'更差' if better else '更好'}：标准化误差 {ets['mase']:.2f}，"
        f"本模型 {ours:.2f}。",
    )


def band_words(language: str, figures: Mapping[str, Any]) -> str:
    """What the band is worth."""
    interval = figures["interval"]
    if interval["coverage"] is None:
        return localized(
            language,
            "The history is too short to test the band.",
            "历史数据太短，无法检验区间。",
        )
    return localized(
        language,
        f"The {interval['level']:.0%} band held {interval['coverage']:.0%} of "
        f"{interval['values']} past values that it was not made from.",
        f"{interval['level']:.0%} 区间覆盖了未参与校准的 {interval['values']} 个历史值中的 "
        f"{interval['coverage']:.0%}。",
    )


# Notices.


def short_groups(language: str, names: Sequence[str], count: int, fewest: int) -> str:
    listed = ", ".join(names[:LISTED]) + (" …" if count > LISTED else "")
    return localized(
        language,
        f"Left out, with fewer than {fewest} moments of history: {count} ({listed}).",
        f"因历史不足 {fewest} 个时刻而未预测：{count} 个（{listed}）。",
    )


def mended(language: str, facts: Mapping[str, Any], gaps_are: str) -> str:
    """Gaps and repeated moments of the table; empty where it has none."""
    gaps, unread = facts.get("gaps", 0), facts.get("unread", 0)
    parts_en, parts_zh = [], []
    if gaps:
        with_zero = gaps_are == "zero"
        how = "counted as 0" if with_zero else "filled from the past"
        parts_en.append(f"{gaps} missing moments were {how}")
        parts_zh.append(f"{gaps} 个缺失时刻{'按 0 计' if with_zero else '用过去的值补全'}")
    if unread:
        parts_en.append(f"{unread} rows without a readable moment were left out")
        parts_zh.append(f"忽略了 {unread} 行无法识别时间的数据")
    if not parts_en:
        return ""
    return localized(language, "; ".join(parts_en).capitalize() + ".", "；".join(parts_zh) + "。")


def unusual(language: str, marks: Sequence[Mapping[str, Any]], many: bool) -> str:
    """The most unusual values of the history."""
    parts = []
    for mark in marks[:3]:
        kind = ("the level moved", "水平发生变化") if mark["kind"] == "shift" else ("", "")
        group = f" {mark['group']}" if many else ""
        what = localized(language, *kind) or shown(mark["value"])
        parts.append(f"{str(mark['ds'])[:16]}{group}: {what}")
    listed = "; ".join(parts)
    return localized(
        language,
        f"Unusual in the history: {listed}.",
        f"历史中的异常：{listed.replace('; ', '；')}。",
    )


def fitting_now(language: str) -> str:
    return localized(
        language,
        "This was never forecast before, so models are fitted for it first, by a job in the list "
        "of jobs.",
        "此前没有预测过这组数据，因此先以后台任务拟合模型（见任务列表）。",
    )


def fitted_on(language: str, name: str, version: int, day: str) -> str:
    return localized(
        language,
        f"Forecast by {name}, version {version}, fitted on {day}.",
        f"由 {name} 第 {version} 版预测（拟合于 {day}）。",
    )


def no_series(language: str, source: str) -> str:
    return localized(
        language,
        f"No series of “{source}” is named in the question: name a column of numbers in a table "
        "with a column of dates.",
        f"问题没有提到“{source}”中的任何序列：请写明要预测的数值字段，其所在表需要有时间字段。",
    )


def no_label(language: str, name: str) -> str:
    return localized(
        language,
        f"No column tells series apart by “{name}”: all of them together are forecast.",
        f"没有可以区分“{name}”的字段，因此预测的是总和。",
    )


def job_title(language: str, target: str) -> str:
    return localized(language, f"Forecast {target}", f"预测{target}")


def shown(value: float) -> str:
    """A number with as many digits as a person reads."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"

"""Computed figures -> the sentences of the findings, in English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.language import localized


@dataclass(frozen=True)
class Change:
    """A measure at the first and the last time; numbers are written, `way` is 1, 0 or -1.

    `share` is empty where the first value is 0.
    """

    start: Any
    first: str
    end: Any
    last: str
    difference: str
    share: str
    way: int


@dataclass(frozen=True)
class Sentences:
    """The sentences in one language, `en` or `zh`. Numbers come as they are to be read."""

    language: str

    def _say(self, english: str, chinese: str) -> str:
        return localized(self.language, english, chinese)

    def rows(self, count: int, partial: bool) -> str:
        more = self._say(
            " There may be more; the figures are about these rows only.",
            "可能还有更多数据，以上指标仅针对这些行。",
        )
        said = self._say(f"{count} rows are shown.", f"共显示 {count} 行。")
        return said + more if partial else said

    def value(self, name: str, value: str) -> str:
        return self._say(f"**{name}**: {value}", f"**{name}**：{value}")

    def extremes(self, name: str, top: Any, most: str, share: str, low: Any, least: str) -> str:
        of_all = ""
        if share:
            of_all = self._say(f" ({share}% of the total)", f"（占总量 {share}%）")
        return self._say(
            f"**{name}** is highest for **{top}** with {most}{of_all}, "
            f"and lowest for {low} with {least}.",
            f"**{name}** 最高的是 **{top}**，为 {most}{of_all}；最低的是 {low}，为 {least}。",
        )

    def total(self, name: str, total: str, mean: str) -> str:
        return self._say(
            f"**{name}** adds up to {total}, on average {mean}.",
            f"**{name}** 合计 {total}，平均 {mean}。",
        )

    def mean(self, name: str, mean: str, partial: bool) -> str:
        if partial:
            return self._say(
                f"The average of **{name}** in these rows is {mean}.",
                f"**{name}** 在这些行中平均为 {mean}。",
            )
        return self._say(f"The average of **{name}** is {mean}.", f"**{name}** 平均为 {mean}。")

    def leaders(self, names: Sequence[str], name: str, share: str) -> str:
        return self._say(
            f"{', '.join(names)} together make up {share}% of **{name}**.",
            f"{'、'.join(names)} 合计占 **{name}** 的 {share}%。",
        )

    def change(self, name: str, found: Change) -> str:
        if not found.way:
            return self._say(
                f"**{name}** is {found.last} on {found.end}, the same as on {found.start}.",
                f"**{name}** 在 {found.end} 为 {found.last}，与 {found.start} 持平。",
            )
        percent = ""
        if found.share:
            percent = self._say(f" ({found.share}%)", f"（{found.share}%）")
        verb = self._say("fell", "下降")
        if found.way > 0:
            verb = self._say("rose", "上升")
        return self._say(
            f"**{name}** {verb} from {found.first} ({found.start}) "
            f"to {found.last} ({found.end}), by {found.difference}{percent}.",
            f"**{name}** 从 {found.first}（{found.start}）{verb}到 {found.last}（{found.end}），"
            f"变化 {found.difference}{percent}。",
        )

    def outlier(self, name: str, label: Any, value: str) -> str:
        return self._say(
            f"**{label}** stands out in **{name}** with {value}.",
            f"**{label}** 的 **{name}** 明显偏离其他值，为 {value}。",
        )

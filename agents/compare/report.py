"""A comparison -> one HTML page that needs nothing else: verdict, figures, chart, every answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from agents.compare.kept import Comparison
from agents.compare.matrix import Asked, rows_where
from agents.compare.wording import label
from workbench.contributions import chinese
from workbench.language import localized
from workbench.messages import say, translate

STYLE = Path(__file__).with_name("report.css")
WIDTH, ROW = 560, 34  # pixels of the chart, and of one arm in it
LEFT = 200  # pixels for the names
SHOWN = 60  # characters of a name or a digest
RESTS_ON = (
    ("model", "Model", "模型"),
    ("digest", "Digest", "摘要"),
    ("collection", "Documents", "文档"),
    ("revision", "Revision", "版本"),
    ("run", "Run", "训练"),
)
Row = dict[str, Any]


def html_report(comparison: Comparison, language: str) -> bytes:
    """The page in `en` or `zh`. Every text from elsewhere is escaped; nothing can run or load."""
    result = comparison.result
    page = _Page(comparison, language)
    parts = [page.head()]
    if result:
        parts += [page.verdict(result), page.figures(result), page.chart(result)]
    parts.append(page.settings())
    parts += [page.question(asked) for asked in rows_where(comparison)]
    return "\n".join([*parts, "</main></body></html>", ""]).encode()


class _Page:
    """The pieces of the page in one language."""

    def __init__(self, comparison: Comparison, language: str) -> None:
        self._comparison = comparison
        self._language = language

    def both(self, english: str, other: str) -> str:
        return localized(self._language, english, other)

    def words(self, text: str) -> str:
        """A message in the page's language, escaped."""
        return escape(translate(text, chinese()) if self._language == "zh" else text)

    def arm(self, name: str) -> str:
        return self.words(say("{arm}", arm=label(name)))

    def head(self) -> str:
        name = escape(self._comparison.name)
        made = datetime.fromtimestamp(self._comparison.card.get("created", 0)).astimezone()
        return (
            f'<!doctype html><html lang="{self._language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            "style-src 'unsafe-inline'\">"
            f"<title>{name}</title><style>{STYLE.read_text('utf-8')}</style></head><body><main>"
            f"<h1>{self.both('Comparison: ', '对比：')}{name}</h1>"
            f"<p class=quiet>{made:%Y-%m-%d %H:%M}</p>"
        )

    def verdict(self, result: Row) -> str:
        said = "".join(f"<li>{self.words(one)}</li>" for one in result["findings"])
        return f"<p class=verdict>{self.words(result['lead'])}</p><ul>{said}</ul>"

    def figures(self, result: Row) -> str:
        heads = [
            self.both("Arm", "回答方式"),
            self.both("Right", "正确"),
            self.both("95 % interval", "95% 区间"),
            self.both("Seconds", "秒"),
            self.both("Tokens", "词元"),
            self.both("Failed", "失败"),
        ]
        lines = []
        for name, arm in result["arms"].items():
            low, high = arm["interval"]
            lines.append(
                [
                    self.arm(name),
                    f"{arm['correct']} / {arm['n']}",
                    f"{low:.1%} – {high:.1%}",
                    f"{arm['seconds']:.1f}",
                    f"{arm['tokens']:.0f}",
                    str(arm["failed"]),
                ]
            )
        return _table(heads, lines)

    def chart(self, result: Row) -> str:
        """Each arm's share with its interval, as an image of lines and points."""
        height = ROW * len(result["arms"]) + 24
        parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img">']
        for percent in (0, 25, 50, 75, 100):
            x = _place(percent / 100)
            parts.append(f'<line class=grid x1="{x}" x2="{x}" y1="0" y2="{height - 20}"/>')
            parts.append(f'<text x="{x}" y="{height - 6}" class=axis>{percent} %</text>')
        for number, (name, arm) in enumerate(result["arms"].items()):
            low, high = (_place(bound) for bound in arm["interval"])
            middle = _place(arm["correct"] / arm["n"])
            y = ROW * number + ROW // 2
            parts.append(f'<text x="0" y="{y + 4}">{self.arm(name)}</text>')
            parts.append(f'<line class=interval x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>')
            parts.append(f'<circle cx="{middle}" cy="{y}" r="5"/>')
        return "".join([*parts, "</svg>"])

    def settings(self) -> str:
        """What each arm rests on, folded."""
        card = self._comparison.card
        lines = []
        for name, arm in card.get("arms", {}).items():
            facts = [str(arm[key]) for key, _, _ in RESTS_ON]
            lines.append([self.arm(name), *(escape(fact[:SHOWN]) for fact in facts)])
        heads = [self.both("Arm", "回答方式")]
        heads += [self.both(english, chinese_name) for _, english, chinese_name in RESTS_ON]
        sha = escape(str(card.get("questions_sha256", "")))
        measure = escape(str(card.get("measure", "")))
        title = self.both("What was compared", "对比的对象")
        measured = self.both(
            f"Measure: {measure}. Questions: {sha}", f"衡量方式：{measure}。问题：{sha}"
        )
        table = _table(heads, lines)
        return f"<details><summary>{title}</summary><p class=quiet>{measured}</p>{table}</details>"

    def question(self, asked: Asked) -> str:
        should = self.both("Should be", "参考答案")
        lines = []
        for name, answer in asked.answers.items():
            mark = "✓" if answer["correct"] else "✗"
            kind = "right" if answer["correct"] else "wrong"
            text = self.words(answer["failed"]) if answer["failed"] else escape(answer["text"])
            lines.append(
                f"<div class={kind}><h3>{mark} {self.arm(name)}</h3><div class=text>{text}</div>"
                f"{self.sources(answer['sources'])}</div>"
            )
        return (
            f"<section><h2>{escape(asked.question['question'])}</h2>"
            f"<p class=quiet>{should}: <span class=text>{escape(asked.question['answer'])}</span>"
            "</p>"
            f"<div class=answers>{''.join(lines)}</div></section>"
        )

    def sources(self, sources: Sequence[Row]) -> str:
        """The passages that were read, folded."""
        if not sources:
            return ""
        items = []
        for source in sources:
            place = f"[{source['number']}] {Path(source['source']).name} {source['locator']}"
            text = escape(source["text"])
            items.append(f"<h4>{escape(place)}</h4><div class=text>{text}</div>")
        count = len(sources)
        title = self.both(f"{count} passages", f"{count} 个段落")
        return f"<details><summary>{title}</summary>{''.join(items)}</details>"


def _table(heads: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """Heads and cells are HTML already."""
    top = "".join(f"<th>{head}</th>" for head in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
    return f"<div class=wide><table><tr>{top}</tr>{body}</table></div>"


def _place(share: float) -> int:
    """Pixels from the left of the chart."""
    return round(LEFT + (WIDTH - LEFT - 30) * share) + 8

"""A comparison -> a CSV table for a spreadsheet: one row for each question and arm."""

from __future__ import annotations

from agents.compare.kept import Comparison
from agents.compare.matrix import rows_where
from workbench.language import localized
from workbench.spreadsheet import as_csv

COLUMNS = (
    ("id", "编号"),
    ("question", "问题"),
    ("should be", "参考答案"),
    ("arm", "回答方式"),
    ("answer", "回答"),
    ("correct", "正确"),
    ("seconds", "秒"),
    ("tokens", "词元"),
    ("failed", "失败原因"),
)


def csv_table(comparison: Comparison, language: str) -> bytes:
    """UTF-8 with the mark that Excel needs; a cell that looks like a formula is text."""
    rows = rows_where(comparison)
    scores = sorted(
        {name for row in rows for one in row.answers.values() for name in one["scores"]}
    )
    columns = [localized(language, *names) for names in COLUMNS]
    lines = []
    for row in rows:
        asked = [row.question["id"], row.question["question"], row.question["answer"]]
        for arm, answer in row.answers.items():
            said = [arm, answer["text"], int(answer["correct"]), answer["seconds"]]
            figures = [answer["scores"].get(name, "") for name in scores]
            lines.append([*asked, *said, answer["tokens"], str(answer["failed"]), *figures])
    return as_csv([*columns, *scores], lines)

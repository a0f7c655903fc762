"""Hostile statements made by rule: `hostile_kinds.toml` times its spellings."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

KINDS = tomllib.loads(Path(__file__).with_name("hostile_kinds.toml").read_text("utf-8"))["kind"]
TWENTY = range(1, 21)


def nested(levels: int) -> str:
    """REPLACEs in each other, each of which makes the text ten times longer."""
    text = "'aaaaaaaaaa'"
    for _ in range(levels):
        text = f"replace({text}, 'a', 'aaaaaaaaaa')"
    return text


def filled(sql: str) -> str:
    """With its {HOLES}, which the table explains, written out."""
    written = {
        "{BIG}": f"replace({nested(5)}, 'a', 'aa')",
        "{HUGE}": nested(7),
        "{MANY}": ", ".join(f"users AS u{number}" for number in TWENTY),
        "{NAMES}": ", ".join(f"u{number}.name" for number in TWENTY),
        "{IDS}": ", ".join(f"u{number}.id" for number in TWENTY),
    }
    for hole, text in written.items():
        sql = sql.replace(hole, text)
    return sql


def hostile_kinds(dialect: str) -> Iterator[tuple[str, str]]:
    """(kind, statement) of every template with every spelling."""
    for kind in KINDS:
        if dialect not in kind["on"].split():
            continue
        for template in kind["templates"]:
            for spelling in kind["spellings"]:
                parts = spelling.split(" | ")
                sql = template
                for hole, part in zip(("{x}", "{y}", "{z}"), parts, strict=False):
                    sql = sql.replace(hole, part)
                yield kind["name"], filled(sql)

"""Hostile statements made by rule: `hostile_kinds.toml` times its spellings."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

KINDS = tomllib.loads(Path(__file__).with_name("hostile_kinds.toml").read_text("utf-8"))["kind"]


def nested(levels: int) -> str:
    """REPLACEs in each other, each of which makes the text ten times longer."""
    text = "'aaaaaaaaaa'"
    for _ in range(levels):
        text = f"replace({text}, 'a', 'aaaaaaaaaa')"
    return text


def filled(sql: str) -> str:
    """With {BIG}, two million characters, and {HUGE}, a hundred million, written out."""
    big = f"replace({nested(5)}, 'a', 'aa')"
    return sql.replace("{BIG}", big).replace("{HUGE}", nested(7))


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

"""Hostile statements of every kind write, lock, read and reveal nothing, and all end in time."""

from __future__ import annotations

from pathlib import Path

import pytest
from databases import KINDS, make_shop
from hostile_kinds import hostile_kinds
from hostile_run import run_hostile

from agents.databases.sources import add_source
from workbench.settings import Settings, load_settings

LIMIT = 0.3  # seconds
MOST_MEMORY = 512_000_000  # bytes
# of those that run until their limit; benchmarks/guard.py runs all
FEW = {"long": 2, "generated rows": 2}


def some_of_each_kind(dialect: str) -> list[str]:
    found = []
    seen: dict[str, int] = {}
    for kind, sql in hostile_kinds(dialect):
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= FEW.get(kind, 1000):
            found.append(sql)
    return found


@pytest.mark.parametrize("dialect", KINDS)
def test_a_hostile_statement_of_any_kind_does_no_harm(
    dialect: str, settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    source = add_source(settings, "shop", make_shop(dialect, tmp_path, request))
    outcome = run_hostile(source, load_settings(query_seconds=LIMIT), some_of_each_kind(dialect))
    assert outcome.judged >= 150 and outcome.ran >= 8
    assert outcome.unchanged
    assert outcome.revealed == 0
    assert outcome.slowest < LIMIT + 2, outcome.slowest_sql
    assert outcome.memory < MOST_MEMORY

"""Two processes make a file of the workspace at the same moment: both find it whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag.catalogue import Catalogue
from workbench.chat.database import STORE

LOOK = "pragma user_version"  # it tells the state of the file
MAKERS: list[Callable[[Path], object]] = [Catalogue, STORE.bring_up_to_date]


@pytest.mark.parametrize("make", MAKERS, ids=["index", "chats"])
def test_another_makes_the_file_just_after_it_was_looked_at(
    make: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one runs between the look and what follows from it, the worst of all moments."""
    path = tmp_path / "a.db"
    met: list[str] = []

    class Interrupted(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            found = super().execute(sql, *values)
            if sql == LOOK and not met:
                met.append(sql)
                make(path)
            return found

    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *place, **how: connect(*place, **how, factory=Interrupted)
    )
    make(path)
    assert met == [LOOK]
    make(path)

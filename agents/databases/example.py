"""The example's own text -> a small advertising database in the workspace, with its notes."""

from __future__ import annotations

import csv
import datetime
import json
import math
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from agents.databases.sources import DataSource, add_source, find_source, source_folder
from workbench.confined import check_may_change
from workbench.errors import NotFound
from workbench.files import write_json
from workbench.settings import Settings

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "advertising"
NAME = "advertising"
FIRST_DAY = datetime.datetime(2025, 3, 1)
DAYS = 21
USERS = 6
SEED = 7
NEW_USER_HOURS = 5  # of the last user, who has only begun
TABLES = """
CREATE TABLE ads_summary (
    id INTEGER PRIMARY KEY, update_time TEXT, "desc" TEXT, account TEXT, label TEXT, star TEXT,
    comment TEXT, collection TEXT, share TEXT, create_time TEXT
);
CREATE TABLE materials (id INTEGER PRIMARY KEY, name TEXT, kind TEXT);
CREATE TABLE activations (
    hour TEXT, user_id INTEGER, material_id INTEGER REFERENCES materials (id), count INTEGER,
    PRIMARY KEY (hour, user_id, material_id)
);
CREATE INDEX activations_by_material ON activations (material_id);
"""


def load_example(settings: Settings) -> DataSource:
    """The source `advertising`, made where it does not exist yet."""
    try:
        return find_source(settings, NAME)
    except NotFound:
        check_may_change(settings)
        path = settings.folder("data") / f"{NAME}.sqlite"
        path.unlink(missing_ok=True)
        make_database(path)
        source = add_source(settings, NAME, str(path))
        notes = json.loads((EXAMPLE / "notes.json").read_text("utf-8"))
        write_json(source_folder(settings, source) / "notes.json", notes)
        return source


def make_database(path: Path) -> None:
    """Write the SQLite file: posts and materials from the example's folder, activations by rule."""
    connection = sqlite3.connect(path)
    with connection:
        connection.executescript(TABLES)
        for table, file in (("ads_summary", "posts.csv"), ("materials", "materials.csv")):
            _, *rows = csv.reader((EXAMPLE / file).open(encoding="utf-8", newline=""))
            marks = ", ".join("?" * len(rows[0]))
            insert = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 – names from above
            connection.executemany(insert, rows)
        connection.executemany("INSERT INTO activations VALUES (?, ?, ?, ?)", activations())
    connection.close()


def activations() -> Iterator[tuple[str, int, int, int]]:
    """(hours, user, material, count): a daily wave, a quieter weekend, slow growth, some chance."""
    chance = random.Random(SEED)  # noqa: S311 – the same data on every machine
    for user in range(1, USERS + 1):
        for material in sorted({1 + user % 5, 1 + (2 * user) % 5}):
            level = 4 + 3 * user + 2 * material
            hours = NEW_USER_HOURS if user == USERS else 24 * DAYS
            for number in range(hours):
                begin = FIRST_DAY + datetime.timedelta(hours=number)
                wave = 1 + 0.7 * math.sin((begin.hour - 9) / 24 * 2 * math.pi)
                weekend = 0.7 if begin.weekday() >= 5 else 1.0
                expected = level * wave * weekend * (1 + 0.01 * number / 24)
                end = begin + datetime.timedelta(hours=1)
                yield (
                    f"{begin:%Y-%m-%d %H:%M} - {end:%H:%M}",
                    user,
                    material,
                    max(0, round(chance.gauss(expected, level / 6))),
                )

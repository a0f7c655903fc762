"""The workspace's own damaged files -> made again, or kept aside: conversations, JSON, TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from workbench.chat.database import STORE, TABLES
from workbench.errors import WorkbenchError
from workbench.files import read_json
from workbench.settings import Settings
from workbench.sqlite_file import transaction
from workbench.sqlite_recovery import Recovered, free_name, problem_of, recover
from workbench.start.finding import Finding, Mended
from workbench.storage.place import Schema

# what the program learns or notes by itself, and makes again without it
MADE_AGAIN = ("last_choices.json", "learned_routes.json", "routing.json")
CARDS = ("*.json", "data/*/*.json", "runs/*/*.json", "models/*/card.json", "jobs/*/job.json",
         "deploy/*/*/*.json", "forecasts/*/*.json", "forecasts/*/*/card.json",
         "comparisons/*/card.json", "loop/*.json", "loop/*/*.json")  # fmt: skip
RUN_FILES = ("runs/*/run.toml",)


def check_stores(settings: Settings) -> Iterator[Finding]:
    """A finding for the conversations, and one for each file that is damaged."""
    place = settings.database
    if isinstance(place, Schema):
        yield _check_server(place)
    elif place.exists():
        yield _check_file(place)
    for path in damaged_files(settings):
        name = str(path.relative_to(settings.home))
        yield Finding("File", "broken", f"{name} is damaged", "Run: workbench repair")


def _check_file(path: Path) -> Finding:
    problem = problem_of(path, TABLES, STORE.newest)
    if problem:
        return Finding("Conversations", "broken", problem, "Run: workbench repair")
    return Finding("Conversations", "ok", path.name)


def _check_server(place: Schema) -> Finding:
    try:
        STORE.version_of(place)
    except WorkbenchError as error:
        return Finding("Conversations", "broken", error.problem, error.fix)
    return Finding("Conversations", "ok", str(place))


def mend_conversations(settings: Settings) -> Iterator[Mended]:
    """Make workbench.db again of the rows that can be read, also where a row itself is damaged."""
    path = settings.database
    if isinstance(path, Schema):  # the server mends its own files
        return
    if problem_of(path, TABLES, STORE.newest):
        found = recover(path, STORE.make, TABLES)
        yield from told(path, found, "messages and chats")
        STORE.bring_up_to_date(path)
    if path.exists():
        count = _mend_rows(path)
        if count:
            yield Mended(f"{path.name}: what {count} messages had besides their text", lost=True)


def told(path: Path, found: Recovered, rows: str) -> Iterator[Mended]:
    """What became of a file that was recovered."""
    yield Mended(f"{path.name}: {found.kept} {rows} kept; the damaged file is {found.aside.name}")
    for table in found.incomplete:
        yield Mended(f"{path.name}: some of {table}; they are in {found.aside.name}", lost=True)


def _mend_rows(path: Path) -> int:
    """Empty the fields that are no JSON any more; returns in how many messages."""
    broken = "not json_valid(events) or not json_valid(settings)"
    with transaction(path) as database:
        database.execute("update conversations set settings = '{}' where not json_valid(settings)")
        count = database.execute(
            f"select count(*) from messages where {broken}"  # noqa: S608 – a constant
        ).fetchone()[0]
        database.execute("update messages set events = '[]' where not json_valid(events)")
        database.execute("update messages set settings = '{}' where not json_valid(settings)")
    return int(count)


def damaged_files(settings: Settings) -> list[Path]:
    """The workspace's files of JSON and TOML that cannot be read."""
    home = settings.folder()
    files = [path for pattern in CARDS for path in home.glob(pattern)]
    found = [path for path in files if not _is_json(path)]
    found += [path for pattern in RUN_FILES for path in home.glob(pattern) if not _is_toml(path)]
    return sorted(found)


def mend_files(settings: Settings) -> Iterator[Mended]:
    """Keep each damaged file aside, so that its place can be filled again."""
    for path in damaged_files(settings):
        aside = free_name(path)
        path.rename(aside)
        name = path.relative_to(settings.home)
        made_again = path.parent == settings.home and path.name in MADE_AGAIN
        yield Mended(f"{name}: kept as {aside.name}", lost=not made_again)


def _is_json(path: Path) -> bool:
    try:
        read_json(path)
    except ValueError:
        return False
    return True


def _is_toml(path: Path) -> bool:
    try:
        tomllib.loads(path.read_text("utf-8"))
    except ValueError:
        return False
    return True

"""Hostile statements on real, writable databases: what passes the guard is run, and what it did.

benchmarks/guard.py prints it as its second table: how many statements were judged and how many
ran, the longest time of one, the most memory that the client and its children held, whether the
tables are as they were, and how many answers held an account's name.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agents.databases.sources import DataSource, add_source
from workbench.settings import Settings

SECONDS = 3.0  # that a query may take here
HEADS = ("judged", "ran", "longest s", "most MB", "unchanged", "revealed")


@contextmanager
def databases(settings: Settings, folder: Path) -> Iterator[list[DataSource]]:
    """The shop in the four kinds of database, each writable by whoever reaches it."""
    from database_servers import mariadb, postgresql
    from databases import fill_of, make_duckdb, make_sqlite

    with ExitStack() as stack:
        maria, postgres = stack.enter_context(mariadb()), stack.enter_context(postgresql())
        maria.run("USE shop", *fill_of("mysql"))
        postgres.run(*fill_of("postgres"))
        duck = make_duckdb(folder / "shop.duckdb")
        lite = make_sqlite(folder / "shop.sqlite")
        places = {"maria": maria.url, "postgres": postgres.url, "lite": lite, "duck": duck}
        yield [add_source(settings, name, str(place)) for name, place in places.items()]


def print_stops() -> None:
    from hostile_kinds import hostile_kinds
    from hostile_run import run_hostile
    from hostile_sql import hostile

    print(f"{'run':<18}" + "".join(f"{head:>11}" for head in HEADS))
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(home=Path(name) / "home", query_seconds=SECONDS)
        with databases(settings, Path(name)) as sources:
            for source in sources:
                made = [sql for _, sql in hostile_kinds(source.dialect)]
                outcome = run_hostile(source, settings, [*hostile(source.dialect), *made])
                facts = (
                    outcome.judged,
                    outcome.ran,
                    round(outcome.slowest, 2),
                    outcome.memory // 1_000_000,
                    "yes" if outcome.unchanged else "NO",
                    outcome.revealed,
                )
                print(f"{source.dialect:<18}" + "".join(f"{fact:>11}" for fact in facts))
                print(f"{'':<18}longest: {outcome.slowest_sql[:60]}")

"""What `workbench doctor` and `repair` look at where people sign in: accounts, and each space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workbench.accounts.database import STORE, TABLES, has_accounts, place_of
from workbench.accounts.groups import list_groups
from workbench.accounts.people import list_people
from workbench.accounts.spaces import homes_in
from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.sqlite_recovery import problem_of, recover
from workbench.start.finding import Finding, Mended
from workbench.start.mending import check_stores, told
from workbench.storage.place import Schema


def check_accounts(settings: Settings) -> Iterator[Finding]:
    """Nothing where nobody signs in."""
    try:
        if not has_accounts(settings):
            return
        yield _check(settings)
    except WorkbenchError as error:  # of a server
        yield Finding("Accounts", "broken", error.problem, error.fix)
    for name, there in spaces_below(settings).items():
        for finding in check_stores(there):
            if finding.state == "broken":
                yield replace(finding, detail=f"{name}: {finding.detail}")


def _check(settings: Settings) -> Finding:
    place = place_of(settings)
    problem = "" if isinstance(place, Schema) else problem_of(place, TABLES, STORE.newest)
    if problem:
        return Finding("Accounts", "broken", problem, "Run: workbench repair")
    people, groups = len(list_people(settings)), len(list_groups(settings))
    return Finding("Accounts", "ok", f"{people} people, {groups} groups")


def mend_accounts(settings: Settings) -> Iterator[Mended]:
    """Make accounts.db again of the rows that can be read: nothing is open meanwhile."""
    path = settings.home / STORE.name
    if problem_of(path, TABLES, STORE.newest):
        yield from told(path, recover(path, STORE.make, TABLES), "people, groups and notes")
        STORE.bring_up_to_date(path)


def spaces_below(settings: Settings) -> dict[str, Settings]:
    """Path of each space and of each person's part of a shared one -> the settings there."""
    _, *inner = homes_in(settings.home)
    return {
        home.relative_to(settings.home).as_posix(): settings.model_copy(update={"home": home})
        for home in inner
    }

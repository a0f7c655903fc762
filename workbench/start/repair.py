"""`workbench repair`: runs the repairs of all packages -> what was made again, what is lost."""

from __future__ import annotations

from dataclasses import replace

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.contributions import contributions, load_place
from workbench.settings import Settings, load_settings
from workbench.start.finding import Mended
from workbench.start.spaces import spaces_below


def mend(settings: Settings) -> list[Mended]:
    """Everything that was damaged, package by package, then in each space of people and groups.

    Nothing is deleted that exists once.
    """
    places = [place for contribution in contributions() for place in contribution.repairs]
    repairs = [load_place(place) for place in places]
    found = [mended for repair in repairs for mended in repair(settings)]
    for name, there in spaces_below(settings).items():
        inside = [mended for repair in repairs for mended in repair(there)]
        found += [replace(mended, what=f"{name}: {mended.what}") for mended in inside]
    return found


@click.command()
@json_option
@reports_errors
def repair(as_json: bool) -> None:
    """Make damaged files of the workspace again, as far as they can be.

    Chats and documents are copied row by row into a new file, and indexes are built again. The
    damaged file is kept under its name with the date. Close the app first.

    \b
    Example:
      workbench repair
    """
    mended = mend(load_settings())
    repaired = [one.what for one in mended if not one.lost]
    lost = [one.what for one in mended if one.lost]
    if as_json:
        print_json({"event": "done", "repaired": repaired, "lost": lost})
        return
    for what in repaired:
        click.echo(f"Repaired  {what}")
    for what in lost:
        click.echo(f"Lost      {what}")
    if not mended:
        click.echo("Nothing is damaged.")

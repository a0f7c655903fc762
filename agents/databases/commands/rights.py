"""`workbench data rights`: what the account of a source may do, and how to make a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.settings import load_settings

if TYPE_CHECKING:
    from agents.databases.rights import Rights


@click.command()
@click.argument("name")
@json_option
@reports_errors
def rights(name: str, as_json: bool) -> None:
    """Say what the account of a source may do; where it can write, how to make one that reads.

    Nothing is written to find out: the server's own catalogue is asked.

    \b
    Example:
      workbench data rights shop
    """
    from agents.databases.rights import note_rights
    from agents.databases.sources import find_source

    settings = load_settings()
    found = note_rights(find_source(settings, name), settings)
    if as_json:
        print_json({"event": "done"} | facts_of(found))
    else:
        show_rights(found)


def facts_of(rights: Rights) -> dict[str, Any]:
    """What a program should know of it; `can_write` is null where the server did not tell."""
    return {
        "can_write": rights.can_write,
        "powers": list(rights.powers),
        "reader": list(rights.reader),
    }


def show_rights(rights: Rights) -> None:
    """The sentence, and below it the statements for an administrator."""
    from agents.databases.rights import sentence

    click.echo(sentence(rights))
    if rights.reader:
        click.echo("An administrator makes a reader so:")
    for statement in rights.reader:
        click.echo(f"  {statement}")

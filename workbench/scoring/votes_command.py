"""`workbench models votes`: how strong each arm is by people's votes on answers side by side."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.contributions import mode_name
from workbench.settings import load_settings

NOTHING = "No votes yet. Ask in the mode Side by side, then say which answer is better."


@click.command()
@json_option
@reports_errors
def votes(as_json: bool) -> None:
    """The strengths of models and sources, by the votes on answers side by side.

    The chance is how likely the answer is preferred to that of an average arm (Bradley-Terry),
    with its 95 % interval.

    \b
    Example:
      workbench models votes
    """
    from workbench.chat.conversations import Conversations
    from workbench.scoring.votes import count_votes

    table = count_votes(Conversations(load_settings().database))
    rows = table.rows()
    if as_json:
        print_json(
            {
                "event": "done",
                "votes": table.votes,
                "left_out": table.left_out,
                "groups": table.groups,
                "arms": rows,
            }
        )
        return
    for row in rows:
        click.echo(_line(row))
    if not rows:
        click.echo(NOTHING)
    if table.groups > 1:
        click.echo(f"{table.groups} groups were never compared with each other.")


def _line(row: dict[str, Any]) -> str:
    low, high = row["interval"]
    name = mode_name(row["mode"], "en")
    arm = " · ".join(part for part in (name, row["model"], row["reads"]) if part)
    counted = f"{row['won']} won, {row['tied'] + row['both_bad']} tied, {row['lost']} lost"
    return f"{row['chance']:>4.0%} ({low:.0%} to {high:.0%})  {arm}  {counted}"

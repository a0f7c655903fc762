"""`workbench doctor`: runs the checks of all packages -> what works, what is missing, each fix."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.contributions import contributions, load_place
from workbench.settings import Settings, load_settings
from workbench.start.finding import Finding

MARKS = {"ok": ("✓", "green"), "missing": ("–", "yellow"), "broken": ("✗", "red")}
WIDTH = 22  # of the column that names what was checked


def examine(settings: Settings) -> list[Finding]:
    """Every finding, package by package. Checks run side by side: some wait for a server."""
    places = [place for contribution in contributions() for place in contribution.checks]

    def check(place: str) -> list[Finding]:
        return list(load_place(place)(settings))

    with ThreadPoolExecutor(len(places)) as pool:
        results = pool.map(check, places)
    return [finding for result in results for finding in result]


@click.command()
@json_option
@reports_errors
def doctor(as_json: bool) -> None:
    """List what works and what is missing, with the fix for each.

    \b
    Example:
      workbench doctor
    """
    findings = examine(load_settings())
    for finding in findings:
        if as_json:
            print_json(asdict(finding))
        else:
            _show(finding)
    broken = any(finding.state == "broken" for finding in findings)
    sys.exit(1 if broken else 0)


def _show(finding: Finding) -> None:
    mark, color = MARKS[finding.state]
    click.echo(f"{click.style(mark, fg=color)} {finding.what:<{WIDTH}} {finding.detail}")
    if finding.fix and finding.state != "ok":
        click.echo(f"  {'':<{WIDTH}} {finding.fix}")

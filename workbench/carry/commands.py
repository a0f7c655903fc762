"""`workbench artefacts push` and `pull`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from workbench.backup.commands import PLACE
from workbench.carry.pulling import pull as pull_from
from workbench.carry.pushing import push as push_to
from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import Stopped
from workbench.settings import load_settings
from workbench.stopping import stops_cleanly
from workbench.terminal import reporting

MB = 1_000_000
NOT_PUSHED = Stopped("Stopped: nothing was written.", "Run it again; it begins from the start.")
NOT_PULLED = Stopped("Stopped.", "Run it again; what came whole is kept.")


@click.group()
def artefacts() -> None:
    """Carry runs, models and collections to other workspaces by object storage."""


@artefacts.command()
@click.argument("names", nargs=-1, required=True)
@click.argument("url", type=PLACE)
@click.option("--replace", is_flag=True, help="Write over what is at the URL.")
@json_option
@reports_errors
def push(names: tuple[str, ...], url: Path | str, replace: bool, as_json: bool) -> None:
    """Write runs, models and collections to one archive at a URL, or in a file.

    NAMES are theirs, where several kinds have one run:NAME, model:NAME or collection:NAME. Keys of
    the storage come from the environment, as its own programs take them.

    \b
    Example:
      workbench artefacts push support-v2 handbook s3://team/support.zip
    """
    with stops_cleanly(NOT_PUSHED, as_json):
        with reporting(as_json) as report:
            done = push_to(load_settings(), names, url, replace=replace, report=report)
        told = done.manifest.told()
        facts = {"url": done.place, "bytes": done.manifest.size, "files": len(done.manifest.files)}
        if as_json:
            carried = done.manifest.carried
            print_json({"event": "done", **facts, "carried": carried, "left_out": told})
            return
        _echo(told, done.manifest.carried)
        click.echo(f"{facts['files']} files, {done.manifest.size / MB:.1f} MB: {url}")


@artefacts.command()
@click.argument("url", type=PLACE)
@click.option("--replace", is_flag=True, help="Put them in the place of those of the same names.")
@json_option
@reports_errors
def pull(url: Path | str, replace: bool, as_json: bool) -> None:
    """Bring what was pushed to a URL into this workspace, whole or not at all.

    Every file is checked against its sum. Pull only what you or your team have pushed.

    \b
    Example:
      workbench artefacts pull s3://team/support.zip
    """
    with stops_cleanly(NOT_PULLED, as_json):
        with reporting(as_json) as report:
            done = pull_from(load_settings(), url, replace=replace, report=report)
        if as_json:
            files = len(done.manifest.files)
            facts = {"carried": done.carried, "files": files, "told": done.told}
            print_json({"event": "done", **facts})
            return
        _echo(done.told, done.carried)


def _echo(told: Sequence[str], carried: Mapping[str, Sequence[str]]) -> None:
    for line in told:
        click.echo(line, err=True)
    for word, names in carried.items():
        for name in names:
            click.echo(f"{word} {name}")

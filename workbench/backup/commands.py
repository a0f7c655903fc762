"""`workbench backup`, `restore` and `upgrade`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from workbench.backup.contents import WITHOUT
from workbench.backup.making import make_backup
from workbench.backup.restoring import restore_backup
from workbench.backup.upgrading import upgrade_workspace
from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import Stopped
from workbench.remote_file import is_url
from workbench.settings import load_settings
from workbench.stopping import stops_cleanly
from workbench.terminal import reporting

MB = 1_000_000


class Place(click.Path):
    """A path, or the URL of a file in object storage, which stays text."""

    name = "path or url"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return value if is_url(str(value)) else super().convert(value, param, ctx)


PLACE = Place(path_type=Path)
NO_BACKUP = Stopped("Stopped: no backup was written.", "Run it again; it begins from the start.")
NOT_RESTORED = Stopped(
    "Stopped.",
    "Run it again, unless the workspace exists by now; its indexes mend themselves.",
)
NOT_UPGRADED = Stopped("Stopped.", "Run it again; a database is changed whole or not at all.")


@click.command()
@click.argument("file", type=PLACE)
@click.option(
    "--without",
    type=click.Choice(list(WITHOUT)),
    multiple=True,
    help="Leave large weights out: models, whole tuned models, checkpoints. Adapters stay.",
)
@click.option("--replace", is_flag=True, help="Write over an existing file.")
@json_option
@reports_errors
def backup(file: Path | str, without: tuple[str, ...], replace: bool, as_json: bool) -> None:
    """Write the workspace to one zip file that only you can read, while it is in use.

    Chats, documents, runs and models are in it; running jobs and trainings are not, nor are
    passwords and keys, which lie outside of the workspace. FILE may be the URL of an object storage
    (s3://bucket/monday.zip), whose keys come from the environment.

    \b
    Example:
      workbench backup ~/backups/monday.zip
    """
    with stops_cleanly(NO_BACKUP, as_json):
        with reporting(as_json) as report:
            made = make_backup(
                load_settings(), file, without=without, replace=replace, report=report
            )
        manifest = made.manifest
        told = [*made.damaged, *manifest.told()]
        if as_json:
            print_json(
                {
                    "event": "done",
                    "file": made.place,
                    "bytes": made.size,
                    "files": len(manifest.files),
                    "databases": manifest.databases,
                    "without": manifest.without,
                    "damaged": made.damaged,
                    "left_out": manifest.told(),
                }
            )
            return
        _print_lines(told)
        click.echo(f"{len(manifest.files)} files, {made.size / MB:.1f} MB: {made.place}")


@click.command()
@click.argument("file", type=PLACE)
@click.option("--into", type=click.Path(path_type=Path), help="Folder; else the workspace's own.")
@click.option("--replace", is_flag=True, help="Keep what is in the folder aside.")
@json_option
@reports_errors
def restore(file: Path | str, into: Path | None, replace: bool, as_json: bool) -> None:
    """Make a workspace from a backup, whole or not at all. Close the app before.

    Every file is checked against its sum. A backup may name programs to run, so restore only one
    of your own.

    \b
    Example:
      workbench restore ~/backups/monday.zip --into ./workspace
    """
    with stops_cleanly(NOT_RESTORED, as_json):
        with reporting(as_json) as report:
            done = restore_backup(load_settings(), file, into, replace=replace, report=report)
        aside = str(done.aside or "")
        if as_json:
            print_json(
                {
                    "event": "done",
                    "folder": str(done.folder),
                    "files": len(done.manifest.files),
                    "aside": aside,
                    "without": done.manifest.without,
                    "told": done.told,
                }
            )
            return
        _print_lines(done.told)
        if aside:
            click.echo(f"The workspace of before is now {aside}")
        click.echo(f"{len(done.manifest.files)} files: {done.folder}")


@click.command()
@click.option(
    "--backup",
    type=click.Path(path_type=Path),
    help="Where the backup before is written; else beside the workspace.",
)
@json_option
@reports_errors
def upgrade(backup: Path | None, as_json: bool) -> None:
    """Bring the databases of an older workspace up to date. Close the app before.

    The workspace is backed up before, which is the way back: workbench restore FILE --replace

    \b
    Example:
      workbench upgrade
    """
    with stops_cleanly(NOT_UPGRADED, as_json):
        with reporting(as_json) as report:
            done, file = upgrade_workspace(load_settings(), backup, report=report)
        if as_json:
            rows = [asdict(one) for one in done]
            print_json({"event": "done", "databases": rows, "backup": str(file or "")})
            return
        for one in done:
            what = "up to date" if one.before == one.now else f"version {one.before} -> {one.now}"
            click.echo(f"{one.name}  {what}")
        if file:
            click.echo(f"The way back: workbench restore {file} --replace")
        if not done:
            click.echo("There is nothing to upgrade.")


def _print_lines(lines: list) -> None:
    for line in lines:
        click.echo(line, err=True)

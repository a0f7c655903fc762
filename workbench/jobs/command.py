"""`workbench jobs`: background jobs on the command line."""

from __future__ import annotations

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.jobs.job import find_job, list_jobs
from workbench.settings import load_settings


@click.group()
def jobs() -> None:
    """List, follow and cancel background jobs."""


@jobs.command("list")
@json_option
@reports_errors
def list_command(as_json: bool) -> None:
    """All jobs, newest first. Example: workbench jobs list"""
    for job in list_jobs(load_settings()):
        if as_json:
            print_json({"id": job.id, "title": job.title, "state": job.state, "last": job.last()})
        else:
            click.echo(f"{job.id}  {job.state:<11}  {job.title}")


@jobs.command()
@click.argument("name")
@reports_errors
def log(name: str) -> None:
    """What a job wrote. Example: workbench jobs log 20261101-120000-ab12"""
    click.echo(find_job(load_settings(), name).log())


@jobs.command()
@click.argument("name")
@reports_errors
def cancel(name: str) -> None:
    """Stop a job. Example: workbench jobs cancel 20261101-120000-ab12"""
    find_job(load_settings(), name).cancel()


@jobs.command()
@click.argument("name")
@reports_errors
def resume(name: str) -> None:
    """Run an ended job again. Example: workbench jobs resume 20261101-120000-ab12"""
    find_job(load_settings(), name).resume()

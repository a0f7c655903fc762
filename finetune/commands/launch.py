"""`workbench finetune launch --print`: the commands of a training on several machines, as text."""

from __future__ import annotations

import click

from workbench.cli import json_option, print_json, reports_errors


@click.command()
@click.argument("run_file", metavar="RUN.toml|RUN", default="roles.toml")
@click.option("--print", "prints", is_flag=True, default=True, help="Print; nothing is started.")
@click.option(
    "--nodes", default=2, show_default=True, type=click.IntRange(1), help="Machines that train."
)
@click.option(
    "--processes",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="Processes of each machine, one a GPU.",
)
@click.option("--rendezvous", default="10.0.0.5:29500", show_default=True, help="HOST:PORT.")
@click.option("--slurm", is_flag=True, help="A script for sbatch instead.")
@json_option
@reports_errors
def launch(
    run_file: str,
    prints: bool,
    nodes: int,
    processes: int,
    rendezvous: str,
    slurm: bool,
    as_json: bool,
) -> None:
    """Print what starts a training on several machines: a command for each, or a Slurm script.

    \b
    Examples:
      workbench finetune launch roles.toml --print --nodes 2 --processes 2
      workbench finetune launch roles.toml --print --slurm > roles.sbatch
    """
    from finetune.run.launch_text import commands, slurm_script

    if slurm:
        text = slurm_script(run_file, nodes, processes)
    else:
        text = commands(run_file, nodes, processes, rendezvous)
    if as_json:
        print_json({"event": "done", "text": text})
    else:
        click.echo(text)

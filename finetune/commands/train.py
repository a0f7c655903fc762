"""`workbench finetune train`: a run file -> a trained run, on one process or many."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.confined import inside
from workbench.errors import InvalidInput, Stopped, Unavailable
from workbench.messages import say

if TYPE_CHECKING:
    from finetune.run.config import RunConfig
    from finetune.run.runs import Run
    from finetune.train.cluster import Cluster
    from workbench.settings import Settings

CANCELLED = 143  # what a shell reports for a command ended by SIGTERM


@dataclass(frozen=True)
class Wish:
    """What a person asks for, and how this command speaks with the person."""

    run_file: str
    name: str
    resume: bool
    replace: bool
    settings: Settings
    report: Callable[[dict[str, Any]], None]
    stopped: Callable[[], bool]

    @property
    def named(self) -> bool:
        """Whether `run_file` is the name of a run."""
        return not Path(self.run_file).is_file()


@click.command()
@click.argument("run_file", metavar="RUN.toml|RUN")
@click.option(
    "--resume", is_flag=True, help="Go on from the last checkpoint; a finished run stays as it is."
)
@click.option("--name", default="", help="Name of the run, instead of the one in the file.")
@click.option("--replace", is_flag=True, help="Delete a run of that name first.")
@click.option(
    "--processes",
    type=click.IntRange(1),
    help="Processes of this machine, whatever the file says; the steps and their rows stay.",
)
@click.option("--nodes", default=1, type=click.IntRange(1), help="Machines that train together.")
@click.option("--rank", default=0, type=click.IntRange(0), help="Number of this machine, from 0.")
@click.option("--rendezvous", default="", help="HOST:PORT of machine 0, where all of them meet.")
@click.option(
    "--on",
    "cluster_address",
    default="",
    help="A Ray cluster, ray://HOST:PORT or http://HOST:PORT.",
)
@click.option(
    "--gpus", default=0, type=click.IntRange(0), help="GPUs that the Ray cluster reserves for it."
)
@json_option
@reports_errors
def train(
    run_file: str,
    resume: bool,
    name: str,
    replace: bool,
    processes: int | None,
    nodes: int,
    rank: int,
    rendezvous: str,
    cluster_address: str,
    gpus: int,
    as_json: bool,
) -> None:
    """Train a run file; the same command again goes on where it was broken off.

    \b
    Examples:
      workbench finetune train roles.toml
      workbench finetune train roles.toml --processes 2
    """
    from finetune.train.cluster import Cluster
    from finetune.train.processes import is_first
    from workbench.settings import load_settings

    report = print_json if as_json else _show
    if not is_first():
        report = _say_nothing
    wish = Wish(run_file, name, resume, replace, load_settings(), report, _stops_on_signal())
    run, config = _find(wish)
    cluster = Cluster(processes or 0, nodes, rank, rendezvous).filled(config.training.processes)
    cluster.check()
    try:
        if cluster_address:
            _submit(wish, run, cluster, cluster_address, gpus)
        elif rank:
            _join(wish, run, cluster)
        else:
            _train(wish, run, config, cluster)
    except Stopped as stop:
        _end_as_cancelled(run, stop, as_json)
    if not is_first():
        return
    if as_json:
        print_json({"event": "done", "run": str(run.folder)})
    else:
        click.echo(f'Done: {run.folder}\nAsk it: workbench ask "…" --model local:{run.name}')


def _train(wish: Wish, run: Run, config: RunConfig, cluster: Cluster) -> None:
    """Open the run and train it under its lock."""
    from finetune.train.lock import only_training
    from finetune.train.processes import await_run, is_first, is_launched
    from finetune.train.training import train as run_training

    with only_training(run):
        if is_first():
            _open(wish, run, config)
        elif not is_launched() and (wish.replace or not wish.named):
            await_run(run)
        if not run.finished:
            run_training(run, config, wish.settings, wish.report, wish.stopped, cluster)


def _submit(wish: Wish, run: Run, cluster: Cluster, address: str, gpus: int) -> None:
    """Train on a Ray cluster, by the same command there."""
    from finetune.train.ray_job import train_on_ray

    if cluster.nodes > 1:
        raise InvalidInput(
            "A Ray job starts on one machine.", "Leave --nodes out, or --on for machines of yours."
        )
    words = [run.name]
    if not wish.named:
        words = [str(Path(wish.run_file).absolute()), "--name", run.name]
    words += ["--processes", str(cluster.processes), "--json"]
    if wish.resume:
        words.append("--resume")
    if wish.replace:
        words.append("--replace")
    train_on_ray(address, words, gpus, wish.report, wish.stopped)


def _join(wish: Wish, run: Run, cluster: Cluster) -> None:
    """Train on another machine than the first, which opens the run in the shared workspace."""
    from finetune.train.launch import launch

    if run.finished and not wish.replace:
        return
    wish.report({"event": "waiting", "rendezvous": cluster.rendezvous})
    cluster.await_first(wish.stopped)
    if not run.run_file.exists():
        raise Unavailable(
            say("The first machine's run is not in {folder}.", folder=run.folder),
            "Let WORKBENCH_HOME be one folder that all machines share.",
        )
    launch(run, cluster, wish.report, wish.stopped)


def _find(wish: Wish) -> tuple[Run, RunConfig]:
    """The run that the person means, whether it exists yet or not, and its settings."""
    from finetune.run.config import load_config
    from finetune.run.reach import check_reach
    from finetune.run.runs import find_run, run_at

    if not wish.named:
        config = load_config(inside(wish.run_file, wish.settings), name=wish.name)
        check_reach(config, wish.settings)
        return run_at(wish.settings, config.name), config
    if wish.name:
        raise InvalidInput(
            "--name needs a run file; a run keeps its own name.",
            "Give the run file instead: workbench finetune train RUN.toml --name NAME",
        )
    run = find_run(wish.run_file, wish.settings)
    config = run.config()
    check_reach(config, wish.settings)
    return run, config


def _open(wish: Wish, run: Run, config: RunConfig) -> None:
    """Make the run's folder, or take it up again."""
    from finetune.run.runs import open_run, reopen_run

    if wish.named:
        reopen_run(run, wish.resume, wish.replace)
    else:
        open_run(Path(wish.run_file), config, wish.settings, wish.resume, wish.replace)


def _end_as_cancelled(run: Run, stop: Stopped, as_json: bool) -> None:
    """End the command as one that a signal ends."""
    if as_json:
        event = {"event": "cancelled", "run": str(run.folder)}
        print_json(event | {"problem": stop.problem, "fix": stop.fix})
    else:
        click.echo(f"{stop.problem}\n{stop.fix}", err=True)
    sys.exit(CANCELLED)


def _stops_on_signal() -> Callable[[], bool]:
    """SIGTERM and Ctrl-C ask the training to save and stop; a second one ends it at once."""
    from finetune.train.processes import is_launched, launcher_is_gone

    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        # who stops a whole family of processes asks a worker twice, and it has to save first
        if asked and not is_launched():
            sys.exit(CANCELLED)
        asked.append(number)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return lambda: bool(asked) or launcher_is_gone()


def _say_nothing(event: dict[str, Any]) -> None:
    """One of several processes speaks for all."""


def _show(event: dict[str, Any]) -> None:
    from finetune.train.speed import speed_words

    kind = event["event"]
    if kind == "progress":
        words = [f"step {event['step']}/{event['steps']}"]
        if "loss" in event:
            words.append(f"loss {event['loss']:.4f}")
        if "eval_loss" in event:
            words.append(f"held out {event['eval_loss']:.4f}")
        if "eval_margin" in event:
            words.append(f"margin {event['eval_margin']:.4f}")
            words.append(f"accuracy {event['eval_accuracy']:.3f}")
        words += speed_words(event)
        words.append(f"{event['left']:.0f} s left")
        click.echo("  ".join(words), err=True)
    elif kind == "tokenizing":
        click.echo(f"tokenized {event['done'] / event['of']:.0%} of the corpus", err=True)
    elif kind == "sample":
        click.echo(f"  ? {event['question']}\n  > {event['answer']}", err=True)
    elif kind == "warning":
        click.secho(f"Warning: {event['text']}", fg="yellow", err=True)
    elif kind == "waiting":
        click.echo(f"Waiting for the first machine at {event['rendezvous']}", err=True)
    elif kind == "submitted":
        click.echo(f"Job {event['job']} of {event['cluster']}", err=True)
    elif kind == "attention":
        click.echo(f"Attention: {event['chosen']}, of {event['milliseconds']} ms a pass", err=True)

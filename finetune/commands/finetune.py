"""`workbench finetune …`: check a run file, train it, score the run, list the runs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from workbench.cli import LazyCommands, json_option, print_json, reports_errors
from workbench.errors import Stopped

MORE = {
    "check": (
        "finetune.commands.check:check",
        "Report every problem of a run file at once, before anything loads.",
    ),
    "score": (
        "finetune.commands.score:score",
        "Measure a run on a data file: exact answers, or letters of options.",
    ),
    "make-base": (
        "finetune.commands.base:make_base",
        "Make a small base model where none can be downloaded.",
    ),
    "data": (
        "finetune.commands.data:data",
        "Look at data files: what they hold, and what is wrong in them.",
    ),
    "augment": ("finetune.commands.data:augment", "Turn records into questions and answers."),
}
CANCELLED = 143  # what a shell says of a command ended by SIGTERM


@click.group(cls=LazyCommands, commands_by_name=MORE)
def finetune() -> None:
    """Tune a model on your own data: check, train, score."""


@finetune.command()
@click.argument("run_file", metavar="RUN.toml|RUN")
@click.option(
    "--resume", is_flag=True, help="Go on from the last checkpoint; a finished run stays as it is."
)
@click.option("--name", default="", help="Name of the run, instead of the one in the file.")
@click.option("--replace", is_flag=True, help="Delete a run of that name first.")
@json_option
@reports_errors
def train(run_file: str, resume: bool, name: str, replace: bool, as_json: bool) -> None:
    """Train an adapter; the same command again goes on where it was broken off.

    \b
    Example:
      workbench finetune train roles.toml
    """
    from finetune.run.config import load_config
    from finetune.run.runs import find_run, open_run, reopen_run, run_at
    from finetune.train.launch import await_run, is_first, only_training
    from workbench.settings import load_settings

    settings = load_settings()
    stopped = _stops_on_signal()
    path = Path(run_file)
    found = None if path.is_file() else find_run(run_file, settings)
    config = found.config() if found else load_config(path, name=name)
    run = found or run_at(settings, config.name)
    with only_training(run):
        if not is_first():
            run = run if found and not replace else await_run(run)
        elif found:
            run = reopen_run(found, resume, replace)
        else:
            run = open_run(path, config, settings, resume, replace)
        if not run.finished:
            _train(run, config, settings, stopped, as_json)
    if not is_first():
        return
    if as_json:
        print_json({"event": "done", "run": str(run.folder)})
    else:
        click.echo(f'Done: {run.folder}\nAsk it: workbench ask "…" --model local:{run.name}')


def _train(
    run: Any, config: Any, settings: Any, stopped: Callable[[], bool], as_json: bool
) -> None:
    from finetune.train.launch import is_first
    from finetune.train.sft import train as run_training

    report = (print_json if as_json else _show) if is_first() else _say_nothing
    try:
        run_training(run, config, settings, report, stopped)
    except Stopped as stop:
        if as_json:
            print_json(
                {
                    "event": "cancelled",
                    "run": str(run.folder),
                    "problem": stop.problem,
                    "fix": stop.fix,
                }
            )
        else:
            click.echo(f"{stop.problem}\n{stop.fix}", err=True)
        sys.exit(CANCELLED)


@finetune.command()
@json_option
@reports_errors
def runs(as_json: bool) -> None:
    """The runs of the workspace, newest first. Example: workbench finetune runs"""
    from finetune.run.runs import list_runs
    from workbench.settings import load_settings

    for run in list_runs(load_settings()):
        card = run.card
        facts = {
            "run": run.name,
            "finished": run.finished,
            "step": card.get("step"),
            "steps": card.get("steps"),
            "loss": card.get("loss"),
            "base": card.get("base"),
            "scores": card.get("scores", {}),
        }
        if as_json:
            print_json(facts)
        else:
            state = (
                "finished"
                if run.finished
                else f"step {facts['step'] or 0} of {facts['steps'] or '?'}"
            )
            click.echo(f"{run.name:<30} {state:<18} loss {facts['loss']}  base {facts['base']}")


def _stops_on_signal() -> Callable[[], bool]:
    """SIGTERM and Ctrl-C ask the training to save and stop; a second one ends it at once."""
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        if asked:
            sys.exit(CANCELLED)
        asked.append(number)

    from finetune.train.launch import launcher_is_gone

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return lambda: bool(asked) or launcher_is_gone()


def _say_nothing(event: dict[str, Any]) -> None:
    """One of several processes speaks for all."""


def _show(event: dict[str, Any]) -> None:
    kind = event["event"]
    if kind == "progress":
        held_out = f"  held out {event['eval_loss']:.4f}" if "eval_loss" in event else ""
        loss = f"  loss {event['loss']:.4f}" if "loss" in event else ""
        click.echo(
            f"step {event['step']}/{event['steps']}{loss}{held_out}  {event['left']:.0f} s left",
            err=True,
        )
    elif kind == "sample":
        click.echo(f"  ? {event['question']}\n  > {event['answer']}", err=True)
    elif kind == "warning":
        click.secho(f"Warning: {event['text']}", fg="yellow", err=True)

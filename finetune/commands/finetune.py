"""`workbench finetune …`: train a run file, list the runs; the other commands by name."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import LazyCommands, json_option, print_json, reports_errors
from workbench.errors import InvalidInput, Stopped

if TYPE_CHECKING:
    from finetune.run.config import RunConfig
    from finetune.run.runs import Run
    from workbench.settings import Settings

MORE = {
    "check": (
        "finetune.commands.check:check",
        "Report every problem of a run file at once, before anything loads.",
    ),
    "score": (
        "finetune.commands.score:score",
        "Measure a run on a data file: exact answers, or letters of options.",
    ),
    "compare": (
        "finetune.commands.compare:compare",
        "Show the settings in which runs differ, and what came of each.",
    ),
    "make-base": (
        "finetune.commands.base:make_base",
        "Make a small base model where none can be downloaded.",
    ),
    "vocabulary": (
        "finetune.commands.vocabulary:vocabulary",
        "Add the words of a corpus to a base's vocabulary.",
    ),
    "data": (
        "finetune.commands.data:data",
        "Look at data files: what they hold, and what is wrong in them.",
    ),
    "samples": (
        "finetune.commands.samples:samples",
        "Sample how base and run go on from the same words, with both perplexities.",
    ),
    "augment": ("finetune.commands.augment:augment", "Turn records into questions and answers."),
}
CANCELLED = 143  # what a shell reports for a command ended by SIGTERM


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
    from finetune.train.processes import is_first
    from workbench.settings import load_settings

    settings = load_settings()
    stopped = _stops_on_signal()
    run = _train(run_file, settings, stopped, resume, name, replace, as_json)
    if not is_first():
        return
    if as_json:
        print_json({"event": "done", "run": str(run.folder)})
    else:
        click.echo(f'Done: {run.folder}\nAsk it: workbench ask "…" --model local:{run.name}')


def _train(
    run_file: str,
    settings: Settings,
    stopped: Callable[[], bool],
    resume: bool,
    name: str,
    replace: bool,
    as_json: bool,
) -> Run:
    """Open the run of that file, or of that name, and train it under its lock."""
    from finetune.run.config import load_config
    from finetune.run.runs import find_run, open_run, reopen_run, run_at
    from finetune.train.lock import only_training
    from finetune.train.processes import await_run, is_first

    path = Path(run_file)
    named = not path.is_file()
    if named:
        if name:
            raise InvalidInput(
                "--name needs a run file; a run keeps its own name.",
                "Give the run file instead: workbench finetune train RUN.toml --name NAME",
            )
        run = find_run(run_file, settings)
        config = run.config()
    else:
        config = load_config(path, name=name)
        run = run_at(settings, config.name)
    with only_training(run):
        if is_first():
            if named:
                run = reopen_run(run, resume, replace)
            else:
                run = open_run(path, config, settings, resume, replace)
        elif replace or not named:
            run = await_run(run)
        _carry_out(run, config, settings, stopped, as_json)
    return run


def _carry_out(
    run: Run, config: RunConfig, settings: Settings, stopped: Callable[[], bool], as_json: bool
) -> None:
    """Train, unless the run is finished; a cancelled training ends the command with CANCELLED."""
    from finetune.train.processes import is_first
    from finetune.train.training import train as run_training

    if run.finished:
        return
    report = print_json if as_json else _show
    if not is_first():
        report = _say_nothing
    try:
        run_training(run, config, settings, report, stopped)
    except Stopped as stop:
        if as_json:
            event = {"event": "cancelled", "run": str(run.folder)}
            print_json(event | {"problem": stop.problem, "fix": stop.fix})
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
            continue
        state = f"step {facts['step'] or 0} of {facts['steps'] or '?'}"
        if run.finished:
            state = "finished"
        click.echo(f"{run.name:<30} {state:<18} loss {facts['loss']}  base {facts['base']}")


def _stops_on_signal() -> Callable[[], bool]:
    """SIGTERM and Ctrl-C ask the training to save and stop; a second one ends it at once."""
    from finetune.train.processes import launcher_is_gone

    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        if asked:
            sys.exit(CANCELLED)
        asked.append(number)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return lambda: bool(asked) or launcher_is_gone()


def _say_nothing(event: dict[str, Any]) -> None:
    """One of several processes speaks for all."""


def _show(event: dict[str, Any]) -> None:
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
        words.append(f"{event['left']:.0f} s left")
        click.echo("  ".join(words), err=True)
    elif kind == "tokenizing":
        click.echo(f"tokenized {event['done'] / event['of']:.0%} of the corpus", err=True)
    elif kind == "sample":
        click.echo(f"  ? {event['question']}\n  > {event['answer']}", err=True)
    elif kind == "warning":
        click.secho(f"Warning: {event['text']}", fg="yellow", err=True)

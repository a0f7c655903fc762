"""`workbench finetune …`: list the runs; the other commands by name."""

from __future__ import annotations

import click

from workbench.cli import LazyCommands, json_option, print_json, reports_errors

MORE = {
    "train": (
        "finetune.commands.train:train",
        "Train a run file; the same command again goes on where it was broken off.",
    ),
    "check": (
        "finetune.commands.check:check",
        "Report every problem of a run file at once, before anything loads.",
    ),
    "launch": (
        "finetune.commands.launch:launch",
        "Print what starts a training on several machines.",
    ),
    "score": (
        "finetune.commands.score:score",
        "Measure a run on a data file: exact answers, or letters of options.",
    ),
    "benchmark": (
        "finetune.commands.benchmark:benchmark",
        "Measure a model on C-Eval, CMMLU and other benchmarks.",
    ),
    "benchmarks": (
        "finetune.commands.benchmarks:benchmarks",
        "List what was measured so, or show two models side by side.",
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


@click.group(cls=LazyCommands, commands_by_name=MORE)
def finetune() -> None:
    """Tune a model on your own data: check, train, score."""


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

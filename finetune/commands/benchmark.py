"""`workbench finetune benchmark`: accuracies of a model on C-Eval, CMMLU and other benchmarks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import Stopped
from workbench.stopping import stops_cleanly

STOPPED = Stopped(
    "Cancelled; the tasks that were finished are kept.",
    "Run the same command again: it goes on with the next task.",
)


@click.command()
@click.argument("model")
@click.option(
    "--tasks",
    multiple=True,
    required=True,
    metavar="TASK[,TASK…]",
    help="ceval, ceval:SUBJECT, cmmlu, a task of lm-evaluation-harness, or a file of questions.",
)
@click.option(
    "--folder",
    default="",
    help="Where C-Eval or CMMLU lies: a folder, an archive, OWNER/NAME on the hub, or "
    "modelscope:OWNER/NAME; without it, its own place on the hub.",
)
@click.option(
    "--limit", default=0, type=click.IntRange(0), help="Ask only the first questions of each task."
)
@click.option(
    "--shots",
    type=click.IntRange(0),
    help="Solved questions before each; without it as many as the task says, which is mostly 0.",
)
@click.option(
    "--template",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "chat", "plain"]),
    help="Ask by the chat template, or with the bare text; auto: by the template if it has one.",
)
@click.option(
    "--written",
    is_flag=True,
    help="Let the model write its answer; else the likeliest letter counts.",
)
@click.option("--base", is_flag=True, help="Measure the base of the run, without the adapter.")
@click.option(
    "--batch", default=4, show_default=True, type=click.IntRange(1), help="Questions at once."
)
@click.option("--seed", default=1234, show_default=True, help="Chooses the solved questions.")
@click.option("--replace", is_flag=True, help="Measure again what was measured so before.")
@json_option
@reports_errors
def benchmark(
    model: str,
    tasks: tuple[str, ...],
    folder: str,
    limit: int,
    shots: int | None,
    template: str,
    written: bool,
    base: bool,
    batch: int,
    seed: int,
    replace: bool,
    as_json: bool,
) -> None:
    """Measure a run, a base or a served model by lm-evaluation-harness.

    Each task is kept when it is measured: a cancelled command goes on with the next one.

    \b
    Example:
      workbench finetune benchmark exam --tasks ceval:law,cmmlu:arts --folder ./ceval
    """
    names = [name.strip() for group in tasks for name in group.split(",") if name.strip()]
    of_files = all(Path(name).is_file() for name in names)
    if of_files or (folder and Path(folder).expanduser().exists()):  # before a library reads them
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_DATASETS_OFFLINE"] = "1"
    os.environ.setdefault("TQDM_DISABLE", "1")
    from finetune.benchmark.measure import Wish
    from finetune.benchmark.measure import benchmark as measure
    from finetune.benchmark.results import results_of
    from workbench.settings import load_settings
    from workbench.terminal import reporting, warning_note

    wish = Wish(model, names, folder, limit, shots, template, written, base, batch, seed, replace)
    with stops_cleanly(STOPPED, as_json), reporting(as_json, warning_note) as report:
        found = measure(wish, load_settings(), report)
    results = results_of(found)
    if as_json:
        print_json({"event": "done", "model": model, "results": results})
    else:
        _print(results)


def _print(results: dict[str, dict[str, Any]]) -> None:
    width = max(len(name) for name in results)
    for name, result in results.items():
        stderr = "" if result["stderr"] is None else f" ± {result['stderr']:.4f}"
        words = f"{name:<{width}}  {result['acc']:.4f}{stderr}  {result['n']} questions"
        if result["leak"]:
            words += f", {result['leak']} trained on"
        click.echo(words)

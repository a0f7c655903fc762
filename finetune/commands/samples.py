"""`workbench finetune samples`: how base and run go on from the same words, side by side."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors


@click.command()
@click.argument("run")
@click.option("--prompt", required=True, help="Words to go on from.")
@click.option(
    "-n", "count", default=5, show_default=True, type=click.IntRange(1, 50), help="Continuations."
)
@click.option(
    "--tokens", default=64, show_default=True, type=click.IntRange(1, 4096), help="Of each."
)
@click.option("--base", default="", help="Another base to compare with: a folder or packaged:NAME.")
@click.option(
    "--characters",
    default=50_000,
    show_default=True,
    type=click.IntRange(0),
    help="Held-out text to measure the perplexity on.",
)
@click.option("--seed", default=42, show_default=True, help="The same seed, the same samples.")
@json_option
@reports_errors
def samples(
    run: str,
    prompt: str,
    count: int,
    tokens: int,
    base: str,
    characters: int,
    seed: int,
    as_json: bool,
) -> None:
    """Sample continuations by the base (before) and by the run (after), and both perplexities.

    The perplexity is that of the text that the run has held out, for each token; for each character
    where the run has other tokens than the base.

    \b
    Example:
      workbench finetune samples novel --prompt "At dawn" -n 5
    """
    from finetune.evaluate.continuations import Asked, continue_both
    from finetune.run.runs import find_run
    from workbench.settings import load_settings
    from workbench.terminal import reporting

    settings = load_settings()
    asked = Asked(prompt, count, tokens, characters, seed)
    with reporting(as_json) as report:
        found = continue_both(find_run(run, settings), settings, asked, base, report).result
    if as_json:
        print_json({"event": "done", "run": run, **found})
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    for title, side in (("Before", "before"), ("After", "after")):
        click.secho(title, bold=True)
        score = found[f"perplexity_{side}"]
        if score is not None:
            click.echo(f"  perplexity for each {found['per']}: {score:.2f}")
        for number, text in enumerate(found[side], 1):
            click.echo(f"  {number}. {text.strip()}")

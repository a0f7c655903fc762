"""`workbench finetune vocabulary`: a base whose vocabulary has the words of a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from finetune.vocabulary.words import WHICH, Which
from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import Stopped
from workbench.stopping import stops_cleanly

STOPPED = Stopped("Cancelled; nothing was left behind.", "Run the same command again.")


@click.command()
@click.argument("corpus", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--base", required=True, help="Folder, packaged:NAME, or a name on a hub, of the base."
)
@click.option("--size", required=True, type=click.IntRange(1), help="How many tokens to add.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to make.")
@click.option(
    "--held-out",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0, 0.9, min_open=True),
    help="Share of the lines, the last ones, that is only measured.",
)
@click.option(
    "--eval",
    "measured",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Measure on this file instead, and learn from the whole corpus.",
)
@click.option(
    "--words",
    "which",
    default="auto",
    show_default=True,
    type=click.Choice(WHICH),
    help="Learn all words, or only those with other letters than A to Z; auto goes by the corpus.",
)
@click.option("--replace", is_flag=True, help="Write over an extended base.")
@json_option
@reports_errors
def vocabulary(
    corpus: tuple[Path, ...],
    base: str,
    size: int,
    out: Path,
    held_out: float,
    measured: tuple[Path, ...],
    which: Which,
    replace: bool,
    as_json: bool,
) -> None:
    """Add the words of text files, folders or JSON lines to a base's vocabulary.

    No token of the base moves. The result is a base to train on: its new tokens begin as the mean
    of what they were written in before.

    \b
    Example:
      workbench finetune vocabulary novel.txt --base ./llama --size 4000 --out ./llama-zh
    """
    from finetune.vocabulary.make import Wanted, make_vocabulary
    from workbench.settings import load_settings

    wanted = Wanted(corpus, base, size, out, held_out, measured, which, replace)
    report = print_json if as_json else _show
    with stops_cleanly(STOPPED, as_json):
        figures = make_vocabulary(wanted, load_settings(), report)
    if as_json:
        print_json({"event": "done", "folder": str(out.absolute()), **figures})
    else:
        _print(figures, out)


def _show(event: dict[str, Any]) -> None:
    if event["event"] == "warning":
        click.secho(f"Warning: {event['text']}", fg="yellow", err=True)
    elif event["done"] == event["of"] or not event["done"]:
        click.echo(f"{event['number']}/{event['stages']} {event['stage']}", err=True)


def _print(figures: dict[str, Any], out: Path) -> None:
    before, after = figures["chars_per_token_before"], figures["chars_per_token_after"]
    click.echo(
        f"{figures['added']} tokens added ({figures['kind']}): {before:.3f} characters a token "
        f"before, {after:.3f} after ({after / before:.2f} x) on {figures['held_out_lines']} lines "
        f"held out.\n"
        f"{figures['covered']:.0%} of the corpus is written in new tokens; "
        f"{figures['changed_lines']} of {figures['lines']} lines do not come back exactly.\n"
        f"Logits of the old tokens differ by {figures['logits_difference']:.1e}.\n"
        f"The base is in {out}; its new tokens are listed in {out / 'new_tokens.jsonl'}."
    )

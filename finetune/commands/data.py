"""`workbench finetune data check | split | preview`: look at a data set, and divide it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from finetune.commands.data_report import as_json_object, free_path, print_report
from finetune.data.dataset import (
    Overlap,
    Problem,
    load_examples,
    load_rows,
    overlap,
    split,
    write_examples,
)
from finetune.data.examples import Example
from finetune.data.splits import HoldOut
from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import InvalidInput
from workbench.messages import say

files_argument = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
only_option = click.option(
    "--only", multiple=True, metavar="COLUMN=VALUE", help="Take only rows with this value."
)
length_option = click.option(
    "--max-length", default=2048, show_default=True, type=click.IntRange(8), help="Tokens that fit."
)


@click.group()
def data() -> None:
    """Look at data sets and divide them.

    \b
    Example:
      workbench finetune data check dialogues.jsonl --test exam.jsonl
      workbench finetune data split dialogues.jsonl --out parts --share 0.1
    """


@data.command()
@files_argument
@click.option(
    "--test",
    "tests",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A test set: is it taught here?",
)
@click.option("--tokenizer", help="Folder, hub name or packaged:NAME of the base.")
@length_option
@only_option
@json_option
@reports_errors
def check(
    files: tuple[Path, ...],
    tests: tuple[Path, ...],
    tokenizer: str | None,
    max_length: int,
    only: tuple[str, ...],
    as_json: bool,
) -> None:
    """Report the kind of a data set, its problems, and questions that a test set shares with it.

    The kind (dialogues, preference pairs, rated answers, plain text) decides which task can train
    on it. Exit status 1 where there is a problem; with a tokenizer, a cut answer is one too.

    \b
    Example:
      workbench finetune data check dialogues.jsonl --test exam.jsonl --tokenizer ./qwen2.5-3b
    """
    loaded = load_rows(files, parse_only(only))
    problems = list(loaded.problems)
    tokens: dict[str, int] = {}
    if tokenizer:
        too_long, tokens = _measure(loaded.examples, tokenizer, max_length)
        problems += too_long
    shared: list[Overlap] = []
    if tests:
        tested = load_examples(tests, parse_only(only))
        problems += tested.problems
        shared = overlap(loaded.examples, tested.examples)
    if as_json:
        found = as_json_object(loaded, problems)
        same = [{"train": one.train, "test": one.test, "kind": one.kind} for one in shared]
        print_json({"event": "done", **found, "tokens": tokens, "overlap": same})
    else:
        print_report(loaded, problems)
        _print_tokens(tokens)
        _print_overlap(shared)
    sys.exit(1 if problems else 0)


@data.command("split")
@files_argument
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder for train.jsonl and eval.jsonl.",
)
@click.option("--share", default=0.1, show_default=True, help="Share that is held out.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same parts.")
@click.option(
    "--hold-out",
    default="facts",
    show_default=True,
    type=click.Choice(["facts", "paraphrases"]),
    help="Whole facts, or some wordings of every fact.",
)
@click.option("--replace", is_flag=True, help="Write over parts that exist.")
@only_option
@json_option
@reports_errors
def split_command(
    files: tuple[Path, ...],
    out: Path,
    share: float,
    seed: int,
    hold_out: HoldOut,
    replace: bool,
    only: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write train.jsonl and eval.jsonl. All wordings of a fact stay together.

    Rows with a problem are in neither.

    \b
    Example:
      workbench finetune data split dialogues.jsonl --out parts --share 0.1 --seed 7
    """
    loaded = load_examples(files, parse_only(only))
    train, held_out = split(loaded.examples, share, seed, hold_out)
    # both are looked at before either is written
    train_file = free_path(out / "train.jsonl", replace)
    eval_file = free_path(out / "eval.jsonl", replace)
    written = {"train": _write(train_file, train), "eval": _write(eval_file, held_out)}
    if as_json:
        print_json({"event": "done", **as_json_object(loaded, loaded.problems), **written})
        return
    print_report(loaded, loaded.problems)
    for part in written.values():
        click.echo("{examples:>7} examples in {file}  sha256 {sha256}".format(**part))


@data.command("preview")
@files_argument
@click.option("--tokenizer", required=True, help="Folder or hub name of the base model.")
@click.option("--row", default=1, show_default=True, type=click.IntRange(1), help="Which example.")
@length_option
@json_option
@reports_errors
def preview_command(
    files: tuple[Path, ...], tokenizer: str, row: int, max_length: int, as_json: bool
) -> None:
    """Show each token of an example with its label: what is learned, and what is masked.

    \b
    Example:
      workbench finetune data preview dialogues.jsonl --tokenizer ./qwen2.5-3b --row 3
    """
    from finetune.encoding.chat_template import load_tokenizer
    from finetune.encoding.masking import encode, preview

    loaded = load_examples(files)
    if row > len(loaded.examples):
        raise InvalidInput(
            say("There are {examples} examples.", examples=len(loaded.examples)),
            "See: workbench finetune data check FILE",
        )
    words = load_tokenizer(tokenizer)
    encoded = encode(loaded.examples[row - 1], words, max_length)
    for text, label, learned in preview(encoded, words):
        if as_json:
            print_json({"token": text, "label": label, "learned": learned})
        else:
            color = "green" if learned else None
            click.secho(f"{label:>8}  {text!r}", fg=color, dim=not learned)
    if not as_json:
        tokens = len(encoded.input_ids)
        click.echo(f"{encoded.learned} of {tokens} tokens are learned: {encoded.where}")


def parse_only(conditions: Sequence[str]) -> dict[str, str]:
    """COLUMN=VALUE texts -> dict; raises InvalidInput."""
    pairs: dict[str, str] = {}
    for condition in conditions:
        column, equals, value = condition.partition("=")
        if not equals:
            raise InvalidInput(
                say("--only {condition} cannot be used.", condition=condition),
                "Write COLUMN=VALUE, as in --only subject=law.",
            )
        pairs[column] = value
    return pairs


def _write(path: Path, examples: Sequence[Example]) -> dict[str, Any]:
    sha256 = write_examples(path, examples)
    return {"file": str(path), "examples": len(examples), "sha256": sha256}


def _measure(
    examples: Sequence[Example], tokenizer: str, max_length: int
) -> tuple[list[Problem], dict[str, int]]:
    """Examples that are too long or that the template cannot say, and the numbers of tokens."""
    from finetune.encoding.chat_template import load_tokenizer
    from finetune.encoding.masking import check_lengths
    from workbench.models.packaged import resolve_base
    from workbench.settings import load_settings

    folder = resolve_base(tokenizer, load_settings())
    return check_lengths(examples, load_tokenizer(folder), max_length)


def _print_tokens(tokens: dict[str, int]) -> None:
    if tokens:
        text = "{all} tokens, {learned} of them learned; the longest example has {longest}"
        click.echo(text.format(**tokens))


def _print_overlap(shared: Sequence[Overlap]) -> None:
    if shared:
        first = shared[0].test
        click.echo(f"{len(shared)} questions of the test set are taught here, such as {first}")

"""`workbench finetune data check | split | preview` and `augment`: look at a data set, divide it, make one of records."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import click

from finetune.data.dataset import (
    Loaded,
    Overlap,
    Problem,
    load_examples,
    overlap,
    split,
    write_examples,
)
from finetune.data.examples import Example
from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import Conflict, InvalidInput
from workbench.messages import say

SHOWN = 20  # problems and rows left out that are listed on a terminal; --json lists all

files_argument = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
only_option = click.option(
    "--only", multiple=True, metavar="COLUMN=VALUE", help="Take only rows with this value."
)
tokenizer_option = click.option("--tokenizer", help="Folder or hub name of the base model.")


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
@tokenizer_option
@click.option(
    "--max-length", default=2048, show_default=True, type=click.IntRange(8), help="Tokens that fit."
)
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
    """Report every problem of a data set, what is left out, and questions that a test set shares with it.

    Exit status 1 where there is a problem. With a tokenizer, answers that are cut off are problems too.

    \b
    Example:
      workbench finetune data check dialogues.jsonl records.csv --test exam.jsonl --tokenizer ./qwen2.5-3b
    """
    loaded = load_examples(files, parse_only(only))
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
        print_json(
            {
                "event": "done",
                **as_json_object(loaded, problems),
                "tokens": tokens,
                "overlap": [
                    {"train": one.train, "test": one.test, "kind": one.kind} for one in shared
                ],
            }
        )
    else:
        print_report(loaded, problems)
        if tokens:
            click.echo(
                "{all} tokens, {learned} of them learned; the longest example has {longest}".format(
                    **tokens
                )
            )
        if shared:
            click.echo(
                f"{len(shared)} questions of the test set are taught here, such as {shared[0].test}"
            )
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
@click.option("--replace", is_flag=True, help="Write over parts that are there.")
@only_option
@json_option
@reports_errors
def split_command(
    files: tuple[Path, ...],
    out: Path,
    share: float,
    seed: int,
    hold_out: Literal["facts", "paraphrases"],
    replace: bool,
    only: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write train.jsonl and eval.jsonl. Rows with a problem are in neither; all wordings of a fact stay together.

    \b
    Example:
      workbench finetune data split dialogues.jsonl --out parts --share 0.1 --seed 7
    """
    loaded = load_examples(files, parse_only(only))
    train, held_out = split(loaded.examples, share, seed, hold_out)
    parts = {}
    for name, examples in (("train", train), ("eval", held_out)):
        path = _free(out / f"{name}.jsonl", replace)
        parts[name] = (path, examples)
    out.mkdir(parents=True, exist_ok=True)
    written = {
        name: {
            "file": str(path),
            "examples": len(examples),
            "sha256": write_examples(path, examples),
        }
        for name, (path, examples) in parts.items()
    }
    if as_json:
        print_json({"event": "done", **as_json_object(loaded, loaded.problems), **written})
    else:
        print_report(loaded, loaded.problems)
        for part in written.values():
            click.echo("{examples:>7} examples in {file}  sha256 {sha256}".format(**part))


@data.command("preview")
@files_argument
@click.option("--tokenizer", required=True, help="Folder or hub name of the base model.")
@click.option("--row", default=1, show_default=True, type=click.IntRange(1), help="Which example.")
@click.option(
    "--max-length", default=2048, show_default=True, type=click.IntRange(8), help="Tokens that fit."
)
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
            click.secho(f"{label:>8}  {text!r}", fg="green" if learned else None, dim=not learned)
    if not as_json:
        click.echo(
            f"{encoded.learned} of {len(encoded.input_ids)} tokens are learned: {encoded.where}"
        )


@click.command()
@click.argument("records", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="JSON lines to write; without it, only a preview.",
)
@click.option(
    "--per-fact",
    default=0,
    type=click.IntRange(0),
    help="Wordings of each fact; 0 takes every pattern.",
)
@click.option(
    "--answer", default="", help='Answer pattern, such as "{value}" for the shortest answer.'
)
@click.option(
    "--patterns", type=click.Path(path_type=Path), help="TOML file of your own question patterns."
)
@click.option("--system", default="", help="System prompt of every example.")
@click.option(
    "--paraphrase",
    default=0,
    type=click.IntRange(0),
    help="Further wordings a fact, by a chat model.",
)
@click.option("--model", help="That chat model; without it, the one in the settings.")
@click.option(
    "--seed", default=0, show_default=True, help="Chooses the wordings where there are more."
)
@click.option("--replace", is_flag=True, help="Write over the file.")
@json_option
@reports_errors
def augment(
    records: Path,
    out: Path | None,
    per_fact: int,
    answer: str,
    patterns: Path | None,
    system: str,
    paraphrase: int,
    model: str | None,
    seed: int,
    replace: bool,
    as_json: bool,
) -> None:
    """Turn a table of entities and attributes (CSV, JSON, XLSX) into questions and answers to train on.

    \b
    Example:
      workbench finetune augment characters.csv --out characters.jsonl --per-fact 15
    """
    from finetune.data.augment import augment as ask_in_many_wordings
    from finetune.data.augment import load_patterns
    from finetune.data.records import load_records

    out = _free(out, replace) if out else None
    found = load_records(records)
    examples = ask_in_many_wordings(
        found.facts,
        load_patterns(patterns),
        per_fact=per_fact,
        answer=answer,
        system=system,
        seed=seed,
    )
    refused: list[tuple[str, str]] = []
    if paraphrase:
        from finetune.data.paraphrase import paraphrase as reword

        more = reword(examples, found.facts, _asking(model), paraphrase)
        examples, refused = examples + more.examples, more.refused
    sha256 = write_examples(out, examples) if out else ""
    if as_json:
        print_json(
            {
                "event": "done",
                "entities": len(found.entities),
                "facts": len(found.facts),
                "examples": len(examples),
                "empty": found.empty,
                "problems": [_shown(one) for one in found.problems],
                "file": str(out or ""),
                "refused": [
                    {"question": question, "reason": reason} for question, reason in refused
                ],
                "sha256": sha256,
            }
        )
    else:
        _print_problems(found.problems)
        for example in examples[:SHOWN] if not out else examples[:3]:
            click.echo(f"  {example.questions[0]}  →  {example.answer}")
        for question, reason in refused[:SHOWN]:
            click.echo(f"  refused: {question}  ({reason})")
        click.echo(
            f"{len(found.entities)} entities, {len(found.facts)} facts ({found.empty} cells say nothing), "
            f"{len(examples)} examples"
            + (f" in {out}  sha256 {sha256}" if out else "; --out FILE writes them")
        )
    sys.exit(1 if found.problems else 0)


def parse_only(conditions: Sequence[str]) -> dict[str, str]:
    """COLUMN=VALUE texts -> dict; raises InvalidInput."""
    pairs = dict(condition.partition("=")[::2] for condition in conditions)
    for condition in conditions:
        if "=" not in condition:
            raise InvalidInput(
                say("--only {condition} cannot be used.", condition=condition),
                "Write COLUMN=VALUE, as in --only subject=law.",
            )
    return pairs


def as_json_object(loaded: Loaded, problems: Sequence[Problem]) -> dict[str, Any]:
    """What was loaded, for --json: counts, and every problem and row left out."""
    return {
        "examples": len(loaded.examples),
        "sha256": loaded.sha256,
        "formats": loaded.formats,
        "notes": loaded.notes,
        "problems": [_shown(problem) for problem in problems],
        "dropped": [
            {"where": f"{row.file}:{row.line}", "reason": row.reason} for row in loaded.dropped
        ],
    }


def print_report(loaded: Loaded, problems: Sequence[Problem]) -> None:
    """The same for a terminal, long lists cut short."""
    _print_problems(problems)
    for row in loaded.dropped[:SHOWN]:
        click.echo(f"left out {row.file}:{row.line}: {row.reason}")
    if len(loaded.dropped) > SHOWN:
        click.echo(f"… and {len(loaded.dropped) - SHOWN} more; --json lists all")
    for note in loaded.notes:
        click.echo(f"note: {note}")
    shapes = (
        ", ".join(f"{count} {name}" for name, count in loaded.formats.items()) or "nothing known"
    )
    click.echo(
        f"{len(loaded.examples)} examples, {len(problems)} problems, {len(loaded.dropped)} left out "
        f"({shapes})  sha256 {loaded.sha256}"
    )


def _print_problems(problems: Sequence[Problem]) -> None:
    for problem in problems[:SHOWN]:
        click.echo(f"{problem.where}: {problem.problem}\n  {problem.fix}", err=True)
    if len(problems) > SHOWN:
        click.echo(f"… and {len(problems) - SHOWN} more problems; --json lists all", err=True)


def _shown(problem: Problem) -> dict[str, str]:
    return {"where": problem.where, "problem": problem.problem, "fix": problem.fix}


def _measure(
    examples: Sequence[Example], tokenizer: str, max_length: int
) -> tuple[list[Problem], dict[str, int]]:
    """The examples that are too long or that the template cannot say, and how many tokens there are."""
    from finetune.encoding.chat_template import load_tokenizer
    from finetune.encoding.masking import check_lengths

    return check_lengths(examples, load_tokenizer(tokenizer), max_length)


def _asking(model: str | None) -> Callable[[str], str]:
    """The connected chat model as a function from prompt to reply."""
    from workbench.models.names import load_chat_model, maps_model_errors, pick_model
    from workbench.settings import load_settings

    settings = load_settings(**({"model": model} if model else {}))
    name = pick_model(settings)
    chat = load_chat_model(name, settings)

    def ask(prompt: str) -> str:
        with maps_model_errors(name, settings):
            return "".join(str(piece.text) for piece in chat.stream(prompt))

    return ask


def _free(path: Path, replace: bool) -> Path:
    if path.exists() and not replace:
        raise Conflict(
            say("{path} is there already.", path=path), "Give another name, or --replace."
        )
    return path

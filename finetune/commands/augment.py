"""`workbench finetune augment`: a table of entities and attributes -> questions and answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finetune.commands.data_report import SHOWN, free_path, print_problems, problem_object
from finetune.data.examples import Example, write_examples
from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import Unavailable

if TYPE_CHECKING:
    from finetune.data.records import Records

Refused = list[tuple[str, str]]  # question, reason
EXAMPLES_OF_A_FILE = 3  # shown where all are written to a file


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
    """Turn a table of entities and attributes (CSV, JSON, XLSX) into questions and answers.

    \b
    Example:
      workbench finetune augment characters.csv --out characters.jsonl --per-fact 15
    """
    from finetune.data.augment import augment as ask_in_many_wordings
    from finetune.data.augment import load_patterns
    from finetune.data.records import load_records

    if out:
        free_path(out, replace)
    found = load_records(records)
    examples = ask_in_many_wordings(
        found.facts,
        load_patterns(patterns),
        per_fact=per_fact,
        answer=answer,
        system=system,
        seed=seed,
    )
    refused: Refused = []
    if paraphrase:
        from finetune.data.paraphrase import paraphrase as reword

        more = reword(examples, found.facts, _asking(model), paraphrase)
        examples += more.examples
        refused = more.refused
    sha256 = write_examples(out, examples) if out else ""
    if as_json:
        print_json(_as_json_object(found, examples, refused, out, sha256))
    else:
        _print(found, examples, refused, out, sha256)
    sys.exit(1 if found.problems else 0)


def _as_json_object(
    found: Records, examples: list[Example], refused: Refused, out: Path | None, sha256: str
) -> dict[str, Any]:
    return {
        "event": "done",
        "entities": len(found.entities),
        "facts": len(found.facts),
        "examples": len(examples),
        "empty": found.empty,
        "problems": [problem_object(problem) for problem in found.problems],
        "file": str(out or ""),
        "refused": [{"question": question, "reason": reason} for question, reason in refused],
        "sha256": sha256,
    }


def _print(
    found: Records, examples: list[Example], refused: Refused, out: Path | None, sha256: str
) -> None:
    print_problems(found.problems)
    shown = EXAMPLES_OF_A_FILE if out else SHOWN
    for example in examples[:shown]:
        click.echo(f"  {example.questions[0]}  →  {example.answer}")
    for question, reason in refused[:SHOWN]:
        click.echo(f"  refused: {question}  ({reason})")
    written = f" in {out}  sha256 {sha256}" if out else "; --out FILE writes them"
    click.echo(
        f"{len(found.entities)} entities, {len(found.facts)} facts"
        f" ({found.empty} cells say nothing), {len(examples)} examples{written}"
    )


def _asking(model: str | None) -> Callable[[str], str]:
    """The connected chat model as a function from prompt to reply."""
    from workbench.models.chosen import choose
    from workbench.models.listing import CONNECT
    from workbench.models.reasoning import answer_only
    from workbench.settings import load_settings

    settings = load_settings(model=model) if model else load_settings()
    chosen = choose(settings)
    if chosen is None:
        raise Unavailable("No chat model is connected.", CONNECT)

    def ask(prompt: str) -> str:
        return answer_only("".join(chosen.stream([("user", prompt)])))

    return ask

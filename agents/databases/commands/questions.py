"""`workbench data questions | writer`: pairs to tune a small model on, and the tuned model."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import Conflict
from workbench.messages import say
from workbench.settings import load_settings


@click.command()
@click.argument("name")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="JSON lines of messages to write."
)
@click.option(
    "--held-out",
    type=click.Path(path_type=Path),
    help="A second file, of wordings that the first has not.",
)
@click.option(
    "--count",
    default=8000,
    show_default=True,
    type=click.IntRange(1, 1_000_000),
    help="Pairs to teach.",
)
@click.option(
    "--held-out-count",
    default=200,
    show_default=True,
    type=click.IntRange(1),
    help="Pairs of the second file.",
)
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same pairs.")
@click.option("--replace", is_flag=True, help="Write over the files.")
@json_option
@reports_errors
def questions(
    name: str,
    out: Path,
    held_out: Path | None,
    count: int,
    held_out_count: int,
    seed: int,
    replace: bool,
    as_json: bool,
) -> None:
    """Write simple questions about a source with their queries, to tune a small model on.

    They are English and Chinese, made by rule of the schema, the descriptions and synonyms, and
    the values of short lists. Each query has passed the guard and has been run.

    \b
    Example:
      workbench data questions shop --out pairs.jsonl --held-out eval.jsonl
      workbench finetune data check pairs.jsonl
    """
    from agents.databases.sources import find_source
    from agents.databases.teaching.questions import make_pairs, write_pairs

    settings = load_settings()
    source = find_source(settings, name)
    for path in (out, held_out):
        if path is not None and path.exists() and not replace:
            raise Conflict(
                say("{path} already exists.", path=path), "Give another name, or --replace."
            )
    pairs = make_pairs(source, settings, count, held_out_count if held_out else 0, seed)
    taught = [pair for pair in pairs if not pair.held_out]
    write_pairs(out, taught)
    if held_out:
        write_pairs(held_out, [pair for pair in pairs if pair.held_out])
    facts = {
        "pairs": len(taught),
        "held_out": len(pairs) - len(taught),
        "queries": len({pair.sql for pair in pairs}),
        "file": str(out),
    }
    if as_json:
        print_json({"event": "done", **facts})
        return
    text = "{pairs} pairs ({held_out} held out) over {queries} queries in {file}"
    click.echo(text.format(**facts))


@click.command()
@click.argument("name")
@click.argument("model", metavar="local:RUN|ollama:NAME|none")
@json_option
@reports_errors
def writer(name: str, model: str, as_json: bool) -> None:
    """Name the tuned model that writes a source's queries.

    It is asked before a connected chat model, with the prompt that it was trained with and the
    question alone. Other questions are left to the chat model, where one is connected.

    \b
    Example:
      workbench data writer shop local:shop-sql
    """
    from agents.databases.notes import set_writer
    from agents.databases.sources import find_source

    settings = load_settings()
    set_writer(find_source(settings, name), settings, model)
    named = "" if model == "none" else model
    if as_json:
        print_json({"name": name, "writer": named})
    elif named:
        click.echo(f"{model} writes the queries of {name}")
    else:
        click.echo(f"{name} has no writer of its own")

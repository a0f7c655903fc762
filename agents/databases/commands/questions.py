"""`workbench data questions | writer | score`: pairs to tune a small model on, the model that writes, how often it is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    """Write simple questions about a source with their queries, in English and Chinese, to tune a small model on.

    They are made by rule of the schema, the descriptions and synonyms, and the values of short lists. Each query has
    passed the guard and has been run.

    \b
    Example:
      workbench data questions shop --out pairs.jsonl --held-out eval.jsonl
      workbench finetune data check pairs.jsonl
    """
    from agents.databases.sources import find_source
    from agents.databases.teaching.questions import make_pairs, write_pairs

    settings = load_settings()
    source = find_source(settings, name)
    for path in filter(None, (out, held_out)):
        if path.exists() and not replace:
            raise Conflict(
                say("{path} is there already.", path=path), "Give another name, or --replace."
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
    else:
        click.echo(
            "{pairs} pairs ({held_out} held out) over {queries} queries in {file}".format(**facts)
        )


@click.command()
@click.argument("name")
@click.argument("model", metavar="local:RUN|ollama:NAME|none")
@json_option
@reports_errors
def writer(name: str, model: str, as_json: bool) -> None:
    """Name the tuned model that writes a source's queries. It is asked before a connected chat model is.

    It gets the prompt that it was trained with and the question alone. What it was not made for is left to the chat
    model, where one is connected.

    \b
    Example:
      workbench data writer shop local:shop-sql
    """
    from agents.databases.notes import set_writer
    from agents.databases.sources import find_source

    settings = load_settings()
    set_writer(find_source(settings, name), settings, model)
    print_json(
        {"name": name, "writer": "" if model == "none" else model}
    ) if as_json else click.echo(
        f"{name} has no writer of its own"
        if model == "none"
        else f"{model} writes the queries of {name}"
    )


@click.command()
@click.argument("name")
@click.option(
    "--data",
    "file",
    required=True,
    type=click.Path(path_type=Path),
    help="Pairs as `questions` writes them.",
)
@json_option
@reports_errors
def score(name: str, file: Path, as_json: bool) -> None:
    """Ask a source's writer every question of a file, and count results that equal those of the right query.

    \b
    Example:
      workbench data score shop --data eval.jsonl
    """
    from agents.data.accuracy import measure, read_questions
    from agents.databases.sources import find_source

    settings = load_settings()
    source = find_source(settings, name)
    rows = list(measure(read_questions(file), source, settings))
    counts: dict[str, Any] = {
        verdict: sum(row.verdict == verdict for row in rows)
        for verdict in ("right", "declined", "wrong")
    }
    result = {
        "questions": len(rows),
        **counts,
        "exact": round(counts["right"] / (len(rows) or 1), 4),
    }
    for row in rows:
        if row.verdict != "right":
            told = {
                "event": "answer",
                "question": row.question,
                "verdict": row.verdict,
                "sql": row.sql,
                "reason": row.reason,
            }
            print_json(told) if as_json else click.echo(
                f"{row.verdict}: {row.question}\n  {row.sql or row.reason}"
            )
    if as_json:
        print_json({"event": "done", **result})
    else:
        click.echo(
            "{questions} questions: {right} right, {declined} declined, {wrong} wrong".format(
                **result
            )
        )

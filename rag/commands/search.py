"""`workbench rag search | evaluate | calibration`: ask a collection and measure retrieval."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.settings import load_settings

if TYPE_CHECKING:
    from rag.passages import Hit

FILTERS = ("source", "type", "page", "sheet")
LEGS = ("dense", "lexical", "rrf", "fused")
SHOWN = 400  # characters of a passage on the terminal

collection_option = click.option(
    "--collection",
    "-c",
    help="Collections to ask, with commas between them; without it, those in the settings.",
)


@click.command()
@click.argument("question")
@collection_option
@click.option(
    "--k", default=5, show_default=True, type=click.IntRange(1, 100), help="How many passages."
)
@click.option(
    "--where",
    multiple=True,
    metavar="KEY=VALUE",
    help=f"Only passages with this: {', '.join(FILTERS)}.",
)
@json_option
@reports_errors
def search(
    question: str, collection: str | None, k: int, where: tuple[str, ...], as_json: bool
) -> None:
    """Show the passages that answer a question best, with both legs' scores.

    \b
    Example:
      workbench rag search "How long is the warranty?" --collection handbook --where type=pdf
    """
    from rag.pool import open_pool

    settings = load_settings(**({"collection": collection} if collection else {}))
    pool = open_pool(settings, settings.collections)
    hits = pool.retrieve(question, settings, k, parse_where(where))
    for rank, hit in enumerate(hits, 1):
        if as_json:
            print_json(_hit_facts(rank, hit))
        else:
            _print_hit(rank, hit)
    if as_json:
        return
    if not hits:
        click.echo("Nothing found.")
    elif not any(hit.relevant for hit in hits):
        click.echo("No passage answers this; these are the nearest.")


def _hit_facts(rank: int, hit: Hit) -> dict[str, Any]:
    return {
        "rank": rank,
        **_scores(hit),
        "relevant": hit.relevant,
        "text": hit.passage.text,
        "source": hit.passage.source,
        "collection": hit.collection,
        "locator": str(hit.passage.locator),
    }


def _print_hit(rank: int, hit: Hit) -> None:
    scores = [f"{name} {score:.3f}" for name, score in _scores(hit).items()]
    one_line = " ".join(hit.passage.text.split())
    click.secho(f"{rank}. {hit.passage.source} {hit.passage.locator}".rstrip(), bold=True)
    click.echo(f"   {' · '.join(scores)}")
    click.echo(f"   {one_line[:SHOWN]}\n")


def _scores(hit: Hit) -> dict[str, float]:
    return {
        "score": round(hit.score, 4),
        "dense": round(hit.dense, 4),
        "lexical": round(hit.lexical, 4),
    }


@click.command()
@click.option(
    "--passages",
    required=True,
    type=click.Path(path_type=Path),
    help='JSON lines of {"id", "text"}.',
)
@click.option(
    "--queries",
    required=True,
    type=click.Path(path_type=Path),
    help='JSON lines of {"question", "passage_id"}.',
)
@click.option(
    "--distractors",
    type=click.Path(path_type=Path),
    help="More passages, which answer no question.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first questions.")
@click.option(
    "--embedder",
    "embedders",
    multiple=True,
    help="The embedder to measure, else that of the settings; several are compared.",
)
@json_option
@reports_errors
def evaluate(
    passages: Path,
    queries: Path,
    distractors: Path | None,
    limit: int | None,
    embedders: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure recall and MRR of each leg and of the fusion on questions with a known passage.

    Passages stay whole and are indexed in a workspace of their own.

    \b
    Example:
      workbench rag evaluate --passages passages.jsonl --queries queries.jsonl --limit 1000
      workbench rag evaluate --passages passages.jsonl --queries queries.jsonl \\
        --embedder multilingual-e5-small --embedder all-MiniLM-L6-v2
    """
    from rag.evaluate import evaluate as measure
    from rag.question_sets import read_passages, read_questions

    texts = read_passages(passages, *([distractors] if distractors else []))
    questions = read_questions(queries, texts)[:limit]
    settings = load_settings()
    results: dict[str, dict[str, Any]] = {}
    for name in embedders or (settings.embedder,):
        chosen = settings.model_copy(update={"embedder": name})
        results[name] = measure(texts, questions, chosen, _show_progress)
    alone = len(results) == 1
    if as_json:
        for name, result in results.items():
            print_json(result if alone else {"embedder": name, **result})
    elif alone:
        _print_measures(results.popitem()[1])
    else:
        _print_comparison(results)


def _print_comparison(results: dict[str, dict[str, Any]]) -> None:
    """Recall at rank 1 of each embedder in a row of its own."""
    first = next(iter(results.values()))
    click.echo(f"{first['questions']} questions, {first['passages']} passages, recall@1")
    width = max(len(name) for name in results)
    header = "".join(f"{leg:>12}" for leg in (*LEGS, "best fixed"))
    click.echo(f"{'':<{width}}{header}")
    for name, result in results.items():
        figures = [result[leg]["recall@1"] for leg in LEGS] + [result["best_fixed"]["recall@1"]]
        click.echo(f"{name:<{width}}" + "".join(f"{figure:>12.3f}" for figure in figures))


@click.command()
@click.argument("collection", required=False)
@click.option("--again", is_flag=True, help="Learn again from the collection as it is now.")
@json_option
@reports_errors
def calibration(collection: str | None, again: bool, as_json: bool) -> None:
    """Show the weights that a collection has taught for its two legs.

    \b
    Example:
      workbench rag calibration handbook --again
    """
    from rag.calibration import calibrate, load_calibration
    from rag.pool import open_pool

    settings = load_settings()
    names = [collection] if collection else settings.collections
    [opened] = open_pool(settings, names[:1]).collections
    found = calibrate(opened, settings) if again else load_calibration(opened)
    if as_json:
        print_json({"collection": opened.name, **found.facts()})
        return
    click.echo(f"{opened.name}: {found.passages} passages when calibrated, {opened.count()} now")
    for name, weight in found.weights.items():
        ranks = f"dense {weight.dense:.3f}, lexical {weight.lexical:.3f}, fused {weight.fused:.3f}"
        source = f"from {weight.questions} questions (MRR {ranks})"
        click.echo(f"  {name}: share {weight.share:.2f} of meaning, {source}")
    for name, floor in found.floors.items():
        click.echo(f"  {name}: relevant from {floor.score:.3f}")
    if not found.weights:
        click.echo("  Nothing learned yet, or too little text: the default weight is used.")


def parse_where(conditions: tuple[str, ...]) -> dict[str, Any] | None:
    """KEY=VALUE texts -> Chroma's filter, all of which must hold; raises InvalidInput."""
    found: list[dict[str, Any]] = []
    for condition in conditions:
        key, equals, value = condition.partition("=")
        usable = equals and key in FILTERS and (key != "page" or value.isdecimal())
        if not usable:
            raise InvalidInput(
                say("--where {condition} cannot be used.", condition=condition),
                say(
                    "Write KEY=VALUE with KEY one of {filters}, "
                    "as in --where type=pdf or --where page=3.",
                    filters=", ".join(FILTERS),
                ),
            )
        found.append({key: int(value) if key == "page" else value})
    if not found:
        return None
    return {"$and": found} if len(found) > 1 else found[0]


def _show_progress(step: str, done: int, total: int) -> None:
    """One line on stderr, overwritten on a terminal."""
    line = f"{step} {done}/{total}" if total > 1 else step
    if sys.stderr.isatty():
        click.echo(f"\r{line:<40}", err=True, nl=False)
    else:
        click.echo(line, err=True)


def _print_measures(result: dict[str, Any]) -> None:
    click.echo(f"{result['questions']} questions, {result['passages']} passages")
    names = list(result["fused"])
    header = "".join(f"{name:>11}" for name in names)
    click.echo(f"{'':<10}{header}")
    for leg in LEGS:
        figures = "".join(f"{result[leg][name]:>11.3f}" for name in names)
        click.echo(f"{leg:<10}{figures}")
    click.echo("\nFixed weight on dense, recall@1 (the best is known only in hindsight):")
    sweep = [f"{row['weight']:.1f}: {row['recall@1']:.3f}" for row in result["sweep"]]
    click.echo(f"  {'  '.join(sweep)}")
    learned = ", ".join(f"{name} {weight:.2f}" for name, weight in result["calibrated"].items())
    click.echo(f"Learned weights: {learned or 'none, too little text'}")

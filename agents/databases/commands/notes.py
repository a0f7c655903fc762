"""`workbench data link | describe | pair | example`: the prompt's tables, and a person's notes."""

from __future__ import annotations

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import InvalidInput
from workbench.settings import load_settings


@click.command()
@click.argument("name")
@click.argument("question")
@json_option
@reports_errors
def link(name: str, question: str, as_json: bool) -> None:
    """Show the tables and columns of a source that would go into the prompt for a question.

    \b
    Example:
      workbench data link shop "Which customers spent most?" --json
    """
    from agents.databases.introspect import load_schema
    from agents.databases.linking import link as find
    from agents.databases.sources import find_source, source_folder

    settings = load_settings()
    source = find_source(settings, name)
    schema = load_schema(source, settings)
    linked = find(question, schema, settings, source_folder(settings, source))
    columns = [
        f"{table.name}.{column.name}" for table in linked.schema.tables for column in table.columns
    ]
    if as_json:
        print_json(
            {
                "tables": list(linked.schema.by_name),
                "columns": columns,
                "whole": linked.whole,
                "spans": linked.spans,
            }
        )
        return
    for table in linked.schema.tables:
        click.echo(f"{table.name}: {', '.join(table.by_name)}")
    if not linked.spans:
        click.echo(
            "Question and schema share no language, and the embedder does not span them: "
            "nothing was chosen.",
            err=True,
        )


@click.command()
@click.argument("name")
@click.argument("what", metavar="TABLE[.COLUMN]")
@click.option("--text", help="What it means, in a sentence.")
@click.option(
    "--synonym",
    "synonyms",
    multiple=True,
    help="Another word that people use for it; can be repeated.",
)
@json_option
@reports_errors
def describe(
    name: str, what: str, text: str | None, synonyms: tuple[str, ...], as_json: bool
) -> None:
    """Describe a table or a column, or give its synonyms, so that questions find it.

    \b
    Example:
      workbench data describe shop orders.price --text "what was paid, in euros" --synonym 价格
    """
    from agents.databases.introspect import load_schema
    from agents.databases.notes import describe as keep
    from agents.databases.sources import find_source

    if text is None and not synonyms:
        raise InvalidInput("There is nothing to keep.", "Give --text, --synonym, or both.")
    settings = load_settings()
    source = find_source(settings, name)
    keep(source, settings, load_schema(source, settings), what, text, list(synonyms) or None)
    if as_json:
        print_json({"described": what})
    else:
        click.echo(f"Kept for {what}")


@click.command()
@click.argument("name")
@click.argument("question")
@click.option(
    "--sql", help="The query that answers it; it is checked first. Without it, the pair is removed."
)
@json_option
@reports_errors
def pair(name: str, question: str, sql: str | None, as_json: bool) -> None:
    """Keep a verified question–query pair: an example for the model, and an answer without one.

    \b
    Example:
      workbench data pair shop "How many orders are there?" --sql "SELECT count(*) FROM orders"
    """
    from agents.databases.guard.guard import judge
    from agents.databases.introspect import load_schema
    from agents.databases.notes import add_pair, remove_pair
    from agents.databases.sources import find_source

    settings = load_settings()
    source = find_source(settings, name)
    if sql is None:
        remove_pair(source, settings, question)
    else:
        judge(sql, load_schema(source, settings))
        add_pair(source, settings, question, sql)
    if as_json:
        print_json({"question": question, "sql": sql})
    else:
        click.echo("Removed" if sql is None else "Kept")


@click.command()
@json_option
@reports_errors
def example(as_json: bool) -> None:
    """Make the example database: advertising posts with likes, and hourly activations.

    \b
    Example:
      workbench data example
      workbench ask "Which account has the most likes in total?" --mode data --source advertising
    """
    from agents.databases.example import load_example

    source = load_example(load_settings())
    if as_json:
        print_json({"name": source.name})
    else:
        click.echo(f"The source {source.name} is ready")

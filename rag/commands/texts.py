"""`workbench rag texts`: the documents of a collection as JSON lines."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli import json_option, print_json, reports_errors


@click.command()
@click.argument("collection")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option("--replace", is_flag=True, help="Write over a file of that name.")
@json_option
@reports_errors
def texts(collection: str, out: Path, replace: bool, as_json: bool) -> None:
    """Write the text of each document as a line of JSON, to continue a model's training on them.

    \b
    Example:
      workbench rag texts papers --out papers.jsonl
    """
    from rag.store import open_collection
    from rag.texts import write_texts
    from workbench.settings import load_settings

    count = write_texts(open_collection(load_settings(), collection), out, replace=replace)
    if as_json:
        print_json({"event": "done", "file": str(out.absolute()), "documents": count})
    else:
        click.echo(f"{count} documents are in {out}.")

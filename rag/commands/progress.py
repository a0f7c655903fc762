"""Progress events of an ingest -> JSON lines, or a bar on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.progress import Report
from workbench.cli import print_json

NAMES = {
    "waiting": "Waiting for another job",
    "calibrating": "Learning how to weigh words and meaning",
    "embedding": "Embedding",
}
WIDEST = 40  # characters of a file's name beside the bar


@contextmanager
def reporting(as_json: bool) -> Iterator[Report]:
    """A function that shows each event, as JSON on stdout or as a bar on stderr."""
    if as_json:
        yield print_json
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading", total=None)

        def show(event: dict[str, Any]) -> None:
            file = event.get("file")
            name = Path(file).name if file else NAMES[event["stage"]]
            if event["event"] != "progress":  # the bar stays where it is
                bar.update(task, description=name)
                return
            bar.update(task, description=name[:WIDEST], completed=event["done"], total=event["of"])

        yield show

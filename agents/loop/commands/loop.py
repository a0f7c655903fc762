"""`workbench loop`: review what people said of answers, see each batch, do its next step."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import InvalidInput, Stopped
from workbench.settings import load_settings

if TYPE_CHECKING:
    from agents.loop.review import Reviewed
    from workbench.artefacts.batch import Batch

ALL = "all"  # in place of ids: every item that `can_be_taken_unseen`
KINDS = ("sft", "preferences", "sql")


@click.group()
def loop() -> None:
    """Review what people said of answers, and let a model learn it."""


@loop.command()
@click.option("--list", "listed", is_flag=True, help="Show the items; the newest come first.")
@click.option("--state", default="", help="With --list: open, accepted, edited or rejected.")
@click.option("--accept", "accepted", multiple=True, metavar="ID", help="Accept; `all` takes all.")
@click.option("--reject", "rejected", multiple=True, metavar="ID", help="Keep out of training.")
@click.option("--reason", default="", help="With --reject: why.")
@click.option("--edit", type=(str, str), metavar="ID TEXT", help="Accept with a text of your own.")
@click.option("--undo", "undone", is_flag=True, help="Take the newest action back.")
@click.option(
    "--export",
    "exported",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what is accepted, each row with its provenance.",
)
@click.option("--kind", type=click.Choice(KINDS), default="sft", show_default=True)
@click.option("--replace", is_flag=True, help="With --export: replace the file.")
@click.argument("more", nargs=-1, metavar="[ID]…")
@json_option
@reports_errors
def review(
    listed: bool,
    state: str,
    accepted: tuple[str, ...],
    rejected: tuple[str, ...],
    reason: str,
    edit: tuple[str, str] | None,
    undone: bool,
    exported: Path | None,
    kind: str,
    replace: bool,
    more: tuple[str, ...],
    as_json: bool,
) -> None:
    """Judge the rated, corrected and voted answers of the chats before a model learns them.

    \b
    Examples:
      workbench loop review --list
      workbench loop review --accept 12 15 18
      workbench loop review --edit 21 "The warranty is 36 months."
      workbench loop review --reject 30 --reason "about a customer"
      workbench loop review --export rows.jsonl
    """
    from agents.loop import review as decisions

    settings = load_settings()
    if more and not (accepted or rejected):
        raise InvalidInput("These ids have no action.", "Say --accept ID… or --reject ID…")
    changed: list[str] = []
    if accepted:
        ids = [*accepted, *(() if rejected else more)]
        changed += decisions.accept(_ids(ids), settings)
    if rejected:
        changed += decisions.reject(_ids([*rejected, *more]), settings, reason)
    if edit:
        changed += decisions.edit(*edit, settings)
    if undone:
        changed += decisions.undo(settings)
    if exported:
        _export(exported, kind, replace, as_json)
    elif accepted or rejected or edit or undone:
        _say_changed(changed, as_json)
    elif listed:
        _list(state, as_json)
    else:
        raise InvalidInput("There is nothing to do.", "Say --list, --accept ID… or --export FILE.")


@loop.command()
@json_option
@reports_errors
def status(as_json: bool) -> None:
    """What waits for a review, and where each batch stands. Example: workbench loop status"""
    from agents.loop.batches import waiting
    from agents.loop.review import STATES, read_review
    from agents.loop.steps import next_step
    from workbench.artefacts.batch import list_batches

    settings = load_settings()
    found = read_review(settings)
    counts: dict[str, int] = {}
    for state in STATES:
        counts[state] = sum(one.state == state for one in found)
    counts["in no batch"] = len(waiting(settings))
    batches = list_batches(settings)
    if as_json:
        rows = [_as_row(batch) for batch in batches]
        print_json({"event": "status", "review": counts, "batches": rows})
        return
    click.echo("  ".join(f"{count} {state}" for state, count in counts.items()))
    for batch in batches:
        step = next_step(batch)
        then = f"next: {step.title[0]}" if step else str(batch.facts.get("reason", ""))
        click.echo(f"{batch.name:<20} {batch.state:<10} {_rows(batch)}  {then}")
        if batch.facts.get("problem"):
            click.echo(f"  Problem: {batch.facts['problem']}\n  Fix:     {batch.facts['fix']}")


@loop.command("next")
@click.argument("batch", default="")
@json_option
@reports_errors
def next_command(batch: str, as_json: bool) -> None:
    """Do a batch's next step: train, compare, publish, promote.

    Without a name it is the oldest batch that has not ended; where there is none, what is accepted
    becomes one.

    \b
    Example:
      workbench loop next
    """
    from agents.loop.batches import find_batch, freeze
    from agents.loop.steps import CANCELLED, do_next, open_batch
    from workbench.terminal import reporting

    settings = load_settings()
    found = find_batch(settings, batch) if batch else open_batch(settings)
    if found is None:
        found = freeze(settings)
    else:
        try:
            with reporting(as_json, _note) as report:
                do_next(found, settings, report)
        except Stopped as stop:
            _say_stopped(stop, as_json)
            sys.exit(CANCELLED)
    _say_batch(found, as_json)


def _ids(given: Sequence[str]) -> list[str]:
    """The ids, given one by one or with commas; `all` is what needs no look of its own."""
    from agents.loop.review import read_review

    ids = [part for text in given for part in text.split(",") if part]
    if ids != [ALL]:
        return ids
    return [one.id for one in read_review(load_settings()) if one.can_be_taken_unseen]


def _export(path: Path, kind: str, replace: bool, as_json: bool) -> None:
    from agents.loop.batches import export

    rows, digest = export(load_settings(), path, kind, replace=replace)
    if as_json:
        print_json({"event": "exported", "file": str(path), "rows": rows, "sha256": digest})
    else:
        click.echo(f"{rows} rows in {path}")


def _say_changed(changed: Sequence[str], as_json: bool) -> None:
    if as_json:
        print_json({"event": "reviewed", "changed": list(changed)})
    else:
        click.echo(
            f"{len(changed)} changed: {', '.join(changed)}" if changed else "Nothing changed"
        )


def _list(state: str, as_json: bool) -> None:
    from agents.loop.personal import find_personal
    from agents.loop.review import read_review

    for one in read_review(load_settings()):
        if state and one.state != state:
            continue
        if as_json:
            print_json(_as_item(one))
            continue
        marks = sorted({span.kind for span in find_personal(f"{one.item.question}\n{one.text}")})
        note = f"  personal data: {', '.join(marks)}" if marks else ""
        click.echo(f"{one.id:>6}  {one.state:<8} {one.item.signal:<10} {one.item.kind}{note}")
        click.echo(f"        ? {_line(one.item.question)}")
        click.echo(f"        - {_line(one.item.answer)}")
        click.echo(f"        + {_line(one.text)}")


def _as_item(one: Reviewed) -> dict[str, Any]:
    from agents.loop.personal import find_personal

    item = one.item
    spans = {"question": find_personal(item.question), "text": find_personal(one.text)}
    return {
        "id": one.id,
        "state": one.state,
        "kind": item.kind,
        "signal": item.signal,
        "question": item.question,
        "answer": item.answer,
        "text": one.text,
        "worse": list(item.worse),
        "provenance": item.provenance,
        "batch": one.decision.batch,
        "reason": one.decision.reason,
        "personal": {
            name: [[span.begin, span.end, span.kind] for span in found]
            for name, found in spans.items()
        },
    }


def _as_row(batch: Batch) -> dict[str, Any]:
    from agents.loop.steps import next_step

    step = next_step(batch)
    return batch.facts | {"next": step.title[0] if step else ""}


def _rows(batch: Batch) -> str:
    counts = batch.facts.get("rows", {})
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def _say_batch(batch: Batch, as_json: bool) -> None:
    if as_json:
        print_json({"event": "done", "batch": batch.name, **_as_row(batch)})
        return
    row = _as_row(batch)
    click.echo(f"{batch.name}: {batch.state} ({_rows(batch)})")
    if row.get("reason"):
        click.echo(row["reason"])
    for number, reason in row.get("left_out", []):
        click.echo(f"Left out {number}: {reason}")
    click.echo(f"Next: {row['next']}  (workbench loop next {batch.name})" if row["next"] else "")


def _say_stopped(stop: Stopped, as_json: bool) -> None:
    if as_json:
        print_json({"event": "cancelled", "problem": stop.problem, "fix": stop.fix})
    else:
        click.echo(f"{stop.problem}\n{stop.fix}", err=True)


def _note(event: dict[str, Any]) -> str:
    return click.style(f"$ {event['command']}", fg="cyan") if event["event"] == "step" else ""


def _line(text: str) -> str:
    return " ".join(text.split())[:100]

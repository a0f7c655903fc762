"""Accepted items -> rows with their provenance: exported to a file, or frozen as a batch."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agents.loop.grouping import group_surely
from agents.loop.in_use import model_in_use, run_in_use
from agents.loop.leakage import Leak, find_leaks, measured_questions
from agents.loop.review import Reviewed, mark_frozen, read_review
from workbench.artefacts.batch import FOLDER, FROZEN, Batch, list_batches
from workbench.artefacts.data_set import write_lines
from workbench.confined import check_may_change
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.files import locked
from workbench.messages import say
from workbench.settings import Settings

Row = dict[str, Any]
HELD_OUT = 5  # one group of so many is held out
FEWEST = 10  # groups; of fewer all are taught, and the comparison asks what a run held out
NAME = re.compile(r"\w[\w-]{0,39}")


def sft_rows(reviewed: Reviewed) -> Iterator[Row]:
    """The dialogue with what is right as its last turn."""
    answer = {"role": "assistant", "content": reviewed.text}
    yield {"messages": [*reviewed.item.turns, answer], **_about(reviewed)}


def preference_rows(reviewed: Reviewed) -> Iterator[Row]:
    """A pair for each answer that what is right is preferred to."""
    prompt = [{"role": turn["role"], "content": turn["content"]} for turn in reviewed.item.turns]
    for worse in reviewed.item.worse:
        if worse != reviewed.text:
            chosen = [{"role": "assistant", "content": reviewed.text}]
            rejected = [{"role": "assistant", "content": worse}]
            yield {"prompt": prompt, "chosen": chosen, "rejected": rejected, **_about(reviewed)}


def sql_rows(reviewed: Reviewed) -> Iterator[Row]:
    """The verified question with its query."""
    item = reviewed.item
    pair = {"question": item.question, "sql": reviewed.text, "source": item.database}
    yield pair | _about(reviewed)


# kind of export -> (kind of the items it takes, their rows)
KINDS: dict[str, tuple[str, Callable[[Reviewed], Iterator[Row]]]] = {
    "sft": ("answer", sft_rows),
    "preferences": ("answer", preference_rows),
    "sql": ("sql", sql_rows),
}


def rows_of(found: Sequence[Reviewed], kind: str) -> list[Row]:
    """The rows of the accepted ones."""
    wanted, make = KINDS[kind]
    rows: list[Row] = []
    for reviewed in found:
        if reviewed.taken and reviewed.item.kind == wanted:
            rows += make(reviewed)
    return rows


def export(settings: Settings, path: Path, kind: str, *, replace: bool = False) -> tuple[int, str]:
    """Write all accepted rows of that kind; returns how many, and the file's sha256.

    Raises Conflict where the file exists, InvalidInput where nothing is accepted.
    """
    if path.exists() and not replace:
        raise Conflict(
            say("{path} exists already.", path=path), "Name another file, or add --replace."
        )
    rows = rows_of(list(reversed(read_review(settings))), kind)
    if not rows:
        raise InvalidInput(
            say("Nothing of the kind {kind} is accepted yet.", kind=kind),
            "Accept items first: workbench loop review --accept ID",
        )
    return len(rows), write_lines(path, _lines(rows))


def waiting(settings: Settings) -> list[Reviewed]:
    """What is accepted and in no batch yet, the oldest first."""
    found = reversed(read_review(settings))
    return [one for one in found if one.taken and not one.decision.batch and _is_answer(one)]


def freeze(settings: Settings, name: str = "") -> Batch:
    """Make a batch of what is accepted and in none; its rows never change again.

    Questions that something is measured by are left out, and said. Raises InvalidInput where
    nothing is left or the name cannot be used, Conflict where a batch has it.
    """
    check_may_change(settings)
    folder = settings.folder(FOLDER)
    with locked(folder / "batches"):
        found = waiting(settings)
        if not found:
            raise InvalidInput(
                "Nothing is accepted that is in no batch yet.",
                "Accept items first: workbench loop review --list",
            )
        batch = Batch(folder / (name or _free_name(folder)))
        _check_name(batch)
        kept, left_out = _without_leaks(found, settings)
        _write(batch, kept, left_out, settings)
        model = model_in_use(settings)
        batch.update(in_use=model, in_use_run=run_in_use(model, settings))
        leaked = {one.id: leak.reason() for one, leak in left_out}
        mark_frozen([one.id for one in kept], batch.name, leaked, settings)
    return batch


def find_batch(settings: Settings, name: str) -> Batch:
    """The batch of that name. Raises NotFound."""
    for batch in list_batches(settings):
        if batch.name == name:
            return batch
    raise NotFound(
        say("There is no batch {name}.", name=name), "List them with: workbench loop status"
    )


def _without_leaks(
    found: Sequence[Reviewed], settings: Settings
) -> tuple[list[Reviewed], list[tuple[Reviewed, Leak]]]:
    questions = [one.item.question for one in found]
    leaks = find_leaks(questions, measured_questions(settings), settings)
    kept: list[Reviewed] = []
    left_out: list[tuple[Reviewed, Leak]] = []
    for one, leak in zip(found, leaks, strict=True):
        if leak is None:
            kept.append(one)
        else:
            left_out.append((one, leak))
    if not kept:
        raise InvalidInput(
            say("All {count} accepted rows are questions of a comparison.", count=len(found)),
            "Questions that measure stay out of training: accept others, or delete the comparison.",
        )
    return kept, left_out


def _write(
    batch: Batch,
    kept: Sequence[Reviewed],
    left_out: Sequence[tuple[Reviewed, Leak]],
    settings: Settings,
) -> None:
    held_out = _held_out(kept, settings)
    taught = [one for one in kept if one.id not in held_out]
    measured = [one for one in kept if one.id in held_out]
    files = {
        batch.taught: rows_of(taught, "sft"),
        batch.pairs: rows_of(taught, "preferences"),
        batch.held_out: rows_of(measured, "sft"),
    }
    hashes: dict[str, str] = {}
    for path, rows in files.items():
        if rows:
            hashes[path.name] = write_lines(path, _lines(rows))
    batch.update(
        name=batch.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        state=FROZEN,
        rows={path.stem: len(rows) for path, rows in files.items()},
        items=[one.id for one in kept],
        left_out=[[one.id, leak.reason()] for one, leak in left_out],
        sha256=hashes,
        history=[],
    )


def _held_out(kept: Sequence[Reviewed], settings: Settings) -> set[str]:
    """The ids of about one in five, with all near duplicates of each; none of too few."""
    groups = group_surely([one.item.question for one in kept], settings)
    firsts = sorted(set(groups))
    if len(firsts) < FEWEST:
        return set()
    # by a hash of the question: whoever freezes the same rows again holds the same ones out
    firsts.sort(key=lambda first: hashlib.sha256(kept[first].item.question.encode()).digest())
    chosen = set(firsts[: len(firsts) // HELD_OUT])
    return {one.id for one, first in zip(kept, groups, strict=True) if first in chosen}


def _about(reviewed: Reviewed) -> Row:
    """Where the row comes from, and the group that it must be held out with."""
    item = reviewed.item
    provenance = item.provenance | {
        "who": reviewed.decision.who,
        "reviewed": reviewed.state,
    }
    return {"group": f"chat {item.conversation}", "provenance": provenance}


def _lines(rows: Sequence[Row]) -> list[str]:
    return [json.dumps(row, ensure_ascii=False) for row in rows]


def _is_answer(one: Reviewed) -> bool:
    return one.item.kind == "answer"


def _free_name(folder: Path) -> str:
    number = 1
    while (folder / f"batch-{number}").exists():
        number += 1
    return f"batch-{number}"


def _check_name(batch: Batch) -> None:
    if not NAME.fullmatch(batch.name):
        raise InvalidInput(
            say("{name!r} cannot name a batch.", name=batch.name),
            "Use up to 40 letters, digits, hyphens and underscores; begin with a letter.",
        )
    if batch.folder.exists():
        raise Conflict(
            say("The batch {name} exists already.", name=batch.name), "Give another name."
        )

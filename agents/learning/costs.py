"""What documents and tuning would cost here: passages and seconds, rows, epochs and minutes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from agents.compare.kept import read_lines
from agents.learning.signals import Knowledge
from workbench.artefacts.run_folder import list_run_folders
from workbench.contributions import contributions, load_place
from workbench.errors import InvalidInput
from workbench.messages import Message, say
from workbench.settings import Settings

Row = dict[str, Any]
EPOCHS = 3.0  # of a run file that names none


def cost_of(rows: Sequence[Row], knowledge: Knowledge, settings: Settings) -> Row:
    """{"passages", "seconds", "rows", "epochs", "minutes", "measured_by"}.

    `minutes` follow from the trainings of this workspace, whose names are in `measured_by`; without
    any they are estimated, and None where not even that can be done.
    """
    cost: Row = {"passages": knowledge.passages, "seconds": round(knowledge.seconds, 3)}
    cost |= {"rows": len(rows), "epochs": EPOCHS, "minutes": None, "measured_by": []}
    if not rows:
        return cost
    measured = _measured(settings)
    if measured:
        cost["minutes"] = round(median(measured.values()) * len(rows) * EPOCHS / 60, 1)
        cost["measured_by"] = sorted(measured)
        return cost
    return cost | _estimated(rows, settings)


def in_words(cost: Row) -> list[Message]:
    """The cost, one way a sentence."""
    found: list[Message] = []
    if cost["passages"]:
        found.append(
            say(
                "Documents: {passages} passages are indexed; again it takes {seconds:.0f} s.",
                passages=cost["passages"],
                seconds=cost["seconds"],
            )
        )
    else:
        found.append(say("Documents: none is indexed yet; a hundred pages take about a minute."))
    if not cost["rows"]:
        found.append(say("Tuning: no examples yet; a hundred good answers are a beginning."))
    elif cost["minutes"] is None:
        found.append(
            say(
                "Tuning: {rows} rows, {epochs:.0f} epochs; the time is known with a base.",
                rows=cost["rows"],
                epochs=cost["epochs"],
            )
        )
    else:
        basis = say("measured here before") if cost["measured_by"] else say("estimated")
        found.append(
            say(
                "Tuning: {rows} rows, {epochs:.0f} epochs, about {minutes:.1f} minutes ({basis}).",
                rows=cost["rows"],
                epochs=cost["epochs"],
                minutes=cost["minutes"],
                basis=basis,
            )
        )
    return found


def _measured(settings: Settings) -> dict[str, float]:
    """Name of a finished run -> seconds that a row took in an epoch."""
    found: dict[str, float] = {}
    for run in list_run_folders(settings):
        try:
            card = run.card
        except InvalidInput:
            continue
        learned = (card.get("data") or {}).get("train", {}).get("rows")
        epochs = max((row.get("epoch", 0) for row in read_lines(run.metrics)), default=0)
        if card.get("finished") and card.get("seconds") and learned and epochs:
            found[run.name] = card["seconds"] / learned / epochs
    return found


def _estimated(rows: Sequence[Row], settings: Settings) -> Row:
    """What the package that trains says of such a training."""
    for contribution in contributions():
        if contribution.training_cost:
            return load_place(contribution.training_cost)(rows, settings)
    return {}

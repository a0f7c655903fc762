"""What answers now: the tuned model that chats ask, its run, and its arm in a comparison."""

from __future__ import annotations

from agents.choices import last_choices
from agents.tuned.agent import tuned_model
from workbench.artefacts.batch import Batch
from workbench.artefacts.model_folder import find_local
from workbench.artefacts.published import find_published
from workbench.artefacts.run_folder import RunFolder, run_around
from workbench.errors import WorkbenchError
from workbench.models.chosen import choose
from workbench.models.listing import describe_model
from workbench.settings import Settings

BASE = "base"  # the arm of the chat model alone


def model_in_use(settings: Settings) -> str:
    """The tuned model that a new chat asks, by its full name; empty where there is none."""
    chosen = last_choices(settings).get("tuned", settings.tuned)
    try:
        name = tuned_model(settings.model_copy(update={"tuned": chosen}))
        describe_model(name, settings)
    except WorkbenchError:  # none was tuned yet, or it is gone
        return ""
    return name


def run_in_use(model: str, settings: Settings) -> str:
    """The name of the run that a tuned model is, or was published from; empty where unknown."""
    kind, _, rest = model.partition(":")
    if kind == "ollama":
        published = find_published(rest, settings)
        return published.run if published else ""
    if kind != "local":
        return ""
    try:
        run = run_around(find_local(rest, settings))
    except WorkbenchError:
        return ""
    return run.name if run.run_file.exists() else ""


def arm_in_use(batch: Batch, settings: Settings) -> str:
    """The arm that a candidate is held against.

    Without a tuned model it is the chat model alone; without one of those, the candidate's own
    base.
    """
    model = str(batch.facts.get("in_use") or "")
    if model:
        return f"tuned:{model}"
    if choose(settings) is not None:
        return BASE
    base = RunFolder(settings.home / "runs" / batch.facts["run"]).base
    return f"local:{base}"

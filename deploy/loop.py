"""Publishing in the loop: a candidate that was found better -> a proven version in Ollama."""

from __future__ import annotations

from typing import Any

from workbench.artefacts.batch import BETTER, PUBLISHED, Batch, Command, LoopStep
from workbench.artefacts.published import find_published
from workbench.settings import Settings

FIRST_NAME = "improved"


def publish_batch(batch: Batch, settings: Settings, command: Command) -> dict[str, Any]:
    """The published version of the batch's run: the next one of what is in use, if that is ours."""
    run = batch.facts["run"]
    done = command("deploy", "publish", run, "--name", _name(batch, settings))
    return {"state": PUBLISHED, "model": f"ollama:{done['model']}", "proof": done["proof"]}


def _name(batch: Batch, settings: Settings) -> str:
    kind, _, tag = str(batch.facts.get("in_use") or "").partition(":")
    published = find_published(tag, settings) if kind == "ollama" else None
    return published.name if published else FIRST_NAME


STEP = LoopStep(BETTER, ("Publish to Ollama, proven", "发布到 Ollama 并验证"), publish_batch)

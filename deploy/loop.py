"""Publishing in the loop: a candidate that was found better -> a proven version in Ollama."""

from __future__ import annotations

from typing import Any

from deploy.ollama_registry import Registry
from deploy.versions import list_versions
from workbench.artefacts.batch import BETTER, PUBLISHED, Batch, Command, LoopStep
from workbench.artefacts.published import find_published
from workbench.settings import Settings

FIRST_NAME = "improved"


def publish_batch(batch: Batch, settings: Settings, command: Command) -> dict[str, Any]:
    """The published version of the batch's run: the next one of what is in use, if that is ours."""
    run = batch.facts["run"]
    name = batch.facts.get("publish_as") or _name(batch, settings)
    batch.update(publish_as=name)  # tried again, it is the same one
    done = command("deploy", "publish", run, "--name", name)
    return {"state": PUBLISHED, "model": f"ollama:{done['model']}", "proof": done["proof"]}


def _name(batch: Batch, settings: Settings) -> str:
    kind, _, tag = str(batch.facts.get("in_use") or "").partition(":")
    published = find_published(tag, settings) if kind == "ollama" else None
    return published.name if published else _free_name(settings)


def _free_name(settings: Settings) -> str:
    """The first name, numbered on where Ollama has a model of that name that is not ours."""
    taken = {tag.partition(":")[0] for tag in Registry(settings.ollama_host).digests()}
    name = FIRST_NAME
    number = 2
    while name in taken and not list_versions(settings, name):
        name = f"{FIRST_NAME}-{number}"
        number += 1
    return name


STEP = LoopStep(BETTER, ("Publish to Ollama, proven", "发布到 Ollama 并验证"), publish_batch)

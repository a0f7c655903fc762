"""Promoting in the loop: a published, proven candidate -> the tuned model that chats ask."""

from __future__ import annotations

from typing import Any

from agents.choices import keep_last, last_choices
from workbench.artefacts.batch import PROMOTED, PUBLISHED, Batch, Command, LoopStep
from workbench.settings import Settings


def promote_batch(batch: Batch, settings: Settings, command: Command) -> dict[str, Any]:
    """New chats choose the model; until then `auto` passes its run by."""
    model = batch.facts["model"]
    keep_last(last_choices(settings) | {"tuned": model}, settings)
    return {"state": PROMOTED}


STEP = LoopStep(PUBLISHED, ("Use it in the chat", "在对话中启用"), promote_batch)

"""`/healthz` and `/readyz`: whether the server runs, and whether it can answer."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from agents.api.access import Workspace
from agents.api.problems import PROBLEMS
from rag.store import list_collections
from workbench.chat.conversations import Conversations

router = APIRouter(tags=["health"], responses=PROBLEMS)


class Health(BaseModel):
    """All is well."""

    status: Literal["ok"] = "ok"


@router.get("/healthz")
async def healthz() -> Health:
    """The server runs."""
    return Health()


@router.get("/readyz")
def readyz(settings: Workspace) -> Health:
    """The workspace's databases can be read."""
    Conversations(settings.database).recent(limit=1)
    list_collections(settings)
    return Health()

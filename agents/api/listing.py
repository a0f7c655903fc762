"""`GET /v1/models`: every mode, collection, source and tuned model as a model."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from openai.types import Model
from pydantic import BaseModel

from agents.api.access import Needs, Workspace
from agents.api.models import list_names
from agents.api.problems import PROBLEMS
from workbench.errors import NotFound
from workbench.messages import say

router = APIRouter(tags=["models"], responses=PROBLEMS, dependencies=[Depends(Needs(""))])


class Models(BaseModel):
    """All of them."""

    object: str = "list"
    data: list[Model]


@router.get("/v1/models", response_model_exclude_none=True)
def models(settings: Workspace) -> Models:
    """What can be named as `model`."""
    return Models(data=[_model(name) for name in list_names(settings)])


@router.get("/v1/models/{name:path}", response_model_exclude_none=True)
def model(name: str, settings: Workspace) -> Model:
    """One of them."""
    if name not in list_names(settings):
        raise NotFound(say("There is no model “{name}”.", name=name), "See: GET /v1/models")
    return _model(name)


def _model(name: str) -> Model:
    return Model(id=name, created=0, object="model", owned_by="workbench")

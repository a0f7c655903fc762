"""Old names for chosen, listing, failures and model_folder. Kept while others import them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.artefacts.model_folder import find_local
from workbench.models.chosen import choose, choose_named, within_context
from workbench.models.failures import maps_model_errors
from workbench.models.listing import CONNECT, NONE, describe_model, list_models, list_runs
from workbench.models.servers import ModelInfo
from workbench.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = [
    "CONNECT",
    "NONE",
    "ModelInfo",
    "describe_model",
    "find_local",
    "list_models",
    "list_runs",
    "load_chat_model",
    "maps_model_errors",
    "pick_model",
    "within_context",
]


def pick_model(settings: Settings) -> str:
    """The chosen model's name, or `none`. Where the model is needed too, use `choose`."""
    if settings.model != "auto":
        return settings.model
    chosen = choose(settings)
    return chosen.name if chosen else NONE


def load_chat_model(name: str, settings: Settings) -> BaseChatModel:
    """The LangChain chat model of that name. Use `choose_named`, which asks no server twice."""
    return choose_named(name, settings).chat_model()

"""Names of models as clients see them -> the agent that answers, and from what.

workbench-auto                    the router chooses
workbench-documents               an agent, with what the settings name
workbench-documents:handbook      an agent, with that collection, source or tuned model
workbench-embeddings              the embedder of the workspace
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agents.databases.sources import list_sources
from agents.registry import AGENTS, AUTO
from agents.tuned.agent import talking_runs
from rag.store import list_collections
from workbench.artefacts.published import find_published
from workbench.errors import NotFound
from workbench.messages import say
from workbench.settings import Settings

BEGINS = "workbench-"
EMBEDDINGS = f"{BEGINS}embeddings"
UNKNOWN_FIX = "See the names: GET /v1/models"


def list_names(settings: Settings) -> list[str]:
    """Every model that can be asked now."""
    names = [f"{BEGINS}{AUTO}", EMBEDDINGS]
    for mode, agent in AGENTS.items():
        names.append(f"{BEGINS}{mode}")
        names += [f"{BEGINS}{mode}:{asset}" for asset in assets_of(agent.asset, settings)]
    return names


def read_name(name: str, settings: Settings) -> tuple[str, Settings]:
    """The mode that the name means, and the settings with its asset. Raises NotFound."""
    mode, _, asset = name.removeprefix(BEGINS).partition(":")
    unknown = NotFound(say("There is no model “{name}”.", name=name), UNKNOWN_FIX)
    if not name.startswith(BEGINS) or mode not in {AUTO, *AGENTS}:
        raise unknown
    if not asset:
        return mode, settings
    setting = AGENTS[mode].asset if mode in AGENTS else ""
    if asset not in assets_of(setting, settings):
        raise unknown
    return mode, settings.model_copy(update={setting: asset})


def names_asset(name: str) -> bool:
    """Whether the name has an asset in it, which has to be looked up."""
    return ":" in name


def assets_of(setting: str, settings: Settings) -> Sequence[str]:
    """What that setting may name; nothing for an agent without an asset."""
    if setting == "collection":
        return [collection.name for collection in list_collections(settings)]
    if setting == "source":
        return [source.name for source in list_sources(settings)]
    if setting == "tuned":
        return [*talking_runs(settings), *_published(settings)]
    return []


def _published(settings: Settings) -> Iterator[str]:
    for folder in sorted((settings.home / "deploy").glob("*")):
        if find_published(folder.name, settings):
            yield f"ollama:{folder.name}"

"""Settings -> the chat models that can be reached now; a model's name -> facts about it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from workbench.artefacts import model_folder
from workbench.artefacts.run_folder import list_tuned
from workbench.connections import read_connections
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.models.packaged import find_package, gguf_of, list_packaged
from workbench.models.servers import (
    ModelInfo,
    describe_ollama,
    list_lately,
    list_ollama,
    list_server,
    openai_servers,
    server_of,
    with_facts,
)
from workbench.settings import Settings

NONE = "none"
CONNECT = (
    "Press “Connect a model” in the app, or start Ollama and run `workbench models pull qwen3:4b`; "
    "for a server or a folder see `workbench models connect --help`."
)
GIGABYTE = 1e9
MEGABYTE = 1e6
KINDS = ("ollama", "openai", "local", "packaged")


def list_models(settings: Settings) -> list[ModelInfo]:
    """Every chat model in reach: Ollama's, the OpenAI-compatible servers', folders, runs.

    Tuned runs come last: they answer what they were taught, so none is a first choice. What is
    always there, the `packaged_models`, is no part of it.
    """
    looks = looks_for_models(settings)
    with ThreadPoolExecutor(len(looks)) as pool:
        found = pool.map(lambda look: look(), looks)
        return [model for models in found for model in models]


def looks_for_models(settings: Settings) -> list[Callable[[], list[ModelInfo]]]:
    """One look for each place that may have chat models, in the order of choice."""
    return [
        partial(list_ollama, settings),
        *[partial(list_server, server) for server in openai_servers(settings)],
        partial(list_folders, settings),
        partial(list_runs, settings),
    ]


def list_folders(settings: Settings) -> list[ModelInfo]:
    """The whole models in the workspace, then those in folders that were connected."""
    names = [*model_folder.list_models(settings)]
    for folder in read_connections(settings.home).folders:
        if (Path(folder) / model_folder.CONFIG).exists():
            names.append(folder)
    return [ModelInfo(f"local:{name}") for name in names]


def list_runs(settings: Settings) -> list[ModelInfo]:
    """The models that were tuned in this workspace to their end, the newest first."""
    return [ModelInfo(f"local:{name}") for name in list_tuned(settings)]


def packaged_models() -> list[ModelInfo]:
    """The models that installed packages carry."""
    return [_describe_packaged(name) for name in list_packaged()]


def describe_model(name: str, settings: Settings) -> ModelInfo:
    """Digest, context and thinking of the model, as far as they are known.

    Raises InvalidInput for a wrong name or a corrupt folder, NotFound for a missing folder. A
    server that does not answer is no error here: the call that needs it says so.
    """
    kind, rest = split_name(name)
    if kind == "ollama":
        return describe_ollama(rest, settings)
    if kind == "local":
        return _describe_folder(name, rest, settings)
    if kind == "packaged":
        return _describe_packaged(rest)
    server, _ = server_of(rest, settings)
    for listed in list_lately(server) if server else []:
        if listed.name == name:
            return listed
    return ModelInfo(name)


def describe_listed(listed: ModelInfo, settings: Settings) -> ModelInfo:
    """The same for a model of `list_models`: only what the list does not say is looked up."""
    kind, rest = split_name(listed.name)
    if kind == "ollama":
        return with_facts(listed, settings)
    if kind == "local":
        return _describe_folder(listed.name, rest, settings)
    return listed


def size_of(info: ModelInfo, settings: Settings) -> int:
    """Bytes of the model's weights; 0 where a server does not say. Raises NotFound."""
    kind, rest = split_name(info.name)
    if kind != "local":
        return info.size
    return model_folder.weights_size(model_folder.find_local(rest, settings))


def readable_size(size: int) -> str:
    """Bytes in GB, or in MB where that is less than a tenth."""
    if size >= GIGABYTE / 10:
        return f"{size / GIGABYTE:.1f} GB"
    return f"{size / MEGABYTE:.1f} MB"


def split_name(name: str) -> tuple[str, str]:
    """`ollama:qwen3:4b` -> ("ollama", "qwen3:4b"). Raises InvalidInput."""
    kind, _, rest = name.partition(":")
    if kind not in KINDS or not rest:
        raise InvalidInput(
            say("{name!r} is not a model's name.", name=name),
            "Use ollama:NAME, openai:NAME, openai:SERVER/NAME, local:FOLDER, packaged:NAME "
            "or none.",
        )
    return kind, rest


def _describe_folder(name: str, rest: str, settings: Settings) -> ModelInfo:
    folder = model_folder.find_local(rest, settings)
    context = model_folder.context_of(folder)
    return ModelInfo(name, model_folder.digest_of(folder), context_tokens=context)


def _describe_packaged(name: str) -> ModelInfo:
    package = find_package(name)
    size = gguf_of(name).stat().st_size
    return ModelInfo(f"packaged:{name}", package.sha256, size, package.context_tokens)

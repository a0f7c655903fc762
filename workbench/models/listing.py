"""Settings -> the chat models that can be reached now; a model's name -> facts about it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from workbench.artefacts import model_folder
from workbench.artefacts.run_folder import list_tuned
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.models.servers import (
    ModelInfo,
    describe_ollama,
    list_ollama,
    list_openai,
    with_facts,
)
from workbench.settings import Settings

NONE = "none"
CONNECT = (
    "Start Ollama and pull a model (ollama pull qwen3:4b), set WORKBENCH_OPENAI_BASE_URL for a "
    "server such as vLLM, or choose local:FOLDER for a model on this disk."
)
KINDS = ("ollama", "openai", "local")


def list_models(settings: Settings) -> list[ModelInfo]:
    """Every chat model in reach: Ollama's, the OpenAI-compatible server's, the workspace's.

    Tuned runs come last: they answer what they were taught, so none is a first choice.
    """
    with ThreadPoolExecutor(2) as pool:
        ollama = pool.submit(list_ollama, settings)
        remote = pool.submit(list_openai, settings)
        whole = [ModelInfo(f"local:{name}") for name in model_folder.list_models(settings)]
        return [*ollama.result(), *remote.result(), *whole, *list_runs(settings)]


def list_runs(settings: Settings) -> list[ModelInfo]:
    """The models that were tuned in this workspace to their end, the newest first."""
    return [ModelInfo(f"local:{name}") for name in list_tuned(settings)]


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
    for listed in list_openai(settings):
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


def split_name(name: str) -> tuple[str, str]:
    """`ollama:qwen3:4b` -> ("ollama", "qwen3:4b"). Raises InvalidInput."""
    kind, _, rest = name.partition(":")
    if kind not in KINDS or not rest:
        raise InvalidInput(
            say("{name!r} is not a model's name.", name=name),
            "Use ollama:NAME, local:FOLDER, openai:NAME or none.",
        )
    return kind, rest


def _describe_folder(name: str, rest: str, settings: Settings) -> ModelInfo:
    folder = model_folder.find_local(rest, settings)
    context = model_folder.context_of(folder)
    return ModelInfo(name, model_folder.digest_of(folder), context_tokens=context)

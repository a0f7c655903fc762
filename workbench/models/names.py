"""Model name -> LangChain chat model: ollama:NAME, local:FOLDER, openai:NAME; and which of them can be reached."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from workbench.errors import InvalidInput, NotFound, Unavailable, WorkbenchError
from workbench.messages import say
from workbench.models.servers import (
    ModelInfo,
    describe_ollama,
    is_loopback,
    list_ollama,
    list_openai,
)
from workbench.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = [
    "NONE",
    "ModelInfo",
    "describe_model",
    "list_models",
    "list_runs",
    "load_chat_model",
    "maps_model_errors",
    "pick_model",
]

NONE = "none"
CONNECT = (
    "Start Ollama and pull a model (ollama pull qwen3:4b), set WORKBENCH_OPENAI_BASE_URL for a server such as vLLM, "
    "or choose local:FOLDER for a model on this disk."
)
READS_PASSAGES = 2048  # tokens of context
ANSWERS_WITHIN = 600.0  # seconds between two pieces: a cold server reads a large model first
CONNECTS_WITHIN = 5.0  # seconds


def list_models(settings: Settings) -> list[ModelInfo]:
    """Every chat model that is reachable now: Ollama's, the OpenAI-compatible server's, those in the workspace."""
    with ThreadPoolExecutor(2) as pool:
        ollama = pool.submit(list_ollama, settings)
        remote = pool.submit(list_openai, settings)
        return [*ollama.result(), *remote.result(), *_workspace_models(settings)]


def pick_model(settings: Settings) -> str:
    """The chosen model's name; for `auto` the first that is reachable and can read passages, or `none`."""
    if settings.model != "auto":
        return settings.model
    return next(
        (model.name for model in list_models(settings) if _reads_passages(model.name, settings)),
        NONE,
    )


def _reads_passages(name: str, settings: Settings) -> bool:
    """Small models that were tuned on short answers have no room for passages; an unknown size is taken for enough."""
    return (describe_model(name, settings).context_tokens or READS_PASSAGES) >= READS_PASSAGES


def describe_model(name: str, settings: Settings) -> ModelInfo:
    """Digest, context and the like, as far as something tells. Raises InvalidInput or NotFound for a wrong name.

    A server that does not answer is no error here: the call that needs it says so.
    """
    kind, _, rest = name.partition(":")
    if kind == "ollama" and rest:
        return describe_ollama(rest, settings) or ModelInfo(name)
    if kind == "openai" and rest:
        return next(
            (model for model in list_openai(settings) if model.name == name), ModelInfo(name)
        )
    if kind == "local" and rest:
        from workbench.models.weights import context_of, digest_of

        folder = find_local(rest, settings)
        return ModelInfo(name, digest_of(folder), context_tokens=context_of(folder))
    raise InvalidInput(
        say("{name!r} is not a model's name.", name=name),
        "Use ollama:NAME, local:FOLDER, openai:NAME or none.",
    )


def within_context(model: ModelInfo, settings: Settings) -> Settings:
    """The settings with a context that the model has, and an answer that takes at most half of it."""
    context = min(settings.context_tokens, model.context_tokens or settings.context_tokens)
    return settings.model_copy(
        update={
            "context_tokens": context,
            "answer_tokens": min(settings.answer_tokens, context // 2),
        }
    )


def load_chat_model(name: str, settings: Settings) -> BaseChatModel:
    """The LangChain chat model of that name. Raises InvalidInput, NotFound or Unavailable, with the fix."""
    model = describe_model(name, settings)
    settings = within_context(model, settings)
    kind, _, rest = name.partition(":")
    if kind == "ollama":
        return _ollama(rest, model, settings)
    if kind == "openai":
        return _openai(rest, settings)
    from workbench.models.local import LocalChatModel

    return LocalChatModel(
        folder=str(find_local(rest, settings)),
        context_tokens=settings.context_tokens,
        answer_tokens=settings.answer_tokens,
        temperature=settings.temperature,
    )


def find_local(name: str, settings: Settings) -> Path:
    """A folder by its name in the workspace's `runs/` or `models/`, or by path. Raises NotFound with near names."""
    for folder in (
        settings.home / "runs" / name / "adapter",
        settings.home / "models" / name,
        Path(name).expanduser(),
    ):
        if any((folder / file).exists() for file in ("config.json", "adapter_config.json")):
            return folder.absolute()
    names = [model.name.removeprefix("local:") for model in _workspace_models(settings)]
    near = get_close_matches(name, names, 3)
    raise NotFound(
        say(
            "There is no model {name}: no such folder, run or workspace model with a config.json.",
            name=name,
        ),
        f"Did you mean {', '.join(near)}?"
        if near
        else "Name a folder with a Hugging Face model or an adapter.",
    )


@contextmanager
def maps_model_errors(name: str, settings: Settings) -> Iterator[None]:
    """What the model libraries raise, also in the middle of an answer, in our words."""
    import httpx
    import ollama
    import openai

    kind, _, model = name.partition(":")
    host = settings.ollama_host if kind == "ollama" else settings.openai_base_url
    try:
        yield
    except ollama.ResponseError as error:
        raise _ollama_error(model, error, settings) from error
    except openai.APIError as error:
        raise _openai_error(model, error, settings) from error
    except (httpx.HTTPError, ConnectionError) as error:
        start = "Start it (ollama serve)" if kind == "ollama" else "Start the server"
        raise Unavailable(
            say(
                "The connection to {name} broke off or could not be made ({host}).",
                name=name,
                host=host,
            ),
            say("{start} or choose another model, then ask again.", start=start),
        ) from error


def broken_off(name: str) -> Unavailable:
    """The error for an answer that ended without the sign of its end, as when a proxy or a server dies quietly."""
    return Unavailable(
        say("{name} broke off in the middle of the answer.", name=name),
        "Look at the server's log, then ask again.",
    )


def _ollama(name: str, model: ModelInfo, settings: Settings) -> BaseChatModel:
    import httpx
    from langchain_ollama import ChatOllama

    return ChatOllama(
        model=name,
        base_url=settings.ollama_host,
        num_ctx=settings.context_tokens,
        num_predict=settings.answer_tokens,
        temperature=settings.temperature,
        reasoning=True
        if model.thinks
        else None,  # else LangChain drops the thinking, or Ollama refuses the request
        client_kwargs={
            "trust_env": not is_loopback(settings.ollama_host),
            "timeout": httpx.Timeout(ANSWERS_WITHIN, connect=CONNECTS_WITHIN),
        },
    )


def _openai(name: str, settings: Settings) -> BaseChatModel:
    import httpx

    from workbench.models.openai import CompatibleChatModel

    if not settings.openai_base_url:
        raise Unavailable(
            "No OpenAI-compatible server is set.",
            "Set WORKBENCH_OPENAI_BASE_URL, for vLLM: http://127.0.0.1:8000/v1",
        )
    timeout = httpx.Timeout(ANSWERS_WITHIN, connect=CONNECTS_WITHIN)
    key = (
        settings.openai_api_key if settings.openai_api_key.get_secret_value() else SecretStr("none")
    )
    return CompatibleChatModel(
        model=name,
        base_url=settings.openai_base_url,
        api_key=key,
        temperature=settings.temperature,
        max_tokens=settings.answer_tokens,
        max_retries=1,
        timeout=timeout,
        http_client=httpx.Client(
            trust_env=not is_loopback(settings.openai_base_url), timeout=timeout
        ),
    )


def _openai_error(model: str, error: Any, settings: Settings) -> WorkbenchError:
    import openai

    host = settings.openai_base_url
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return Unavailable(
            say("{host} refuses the key.", host=host),
            "Export the right key as WORKBENCH_OPENAI_API_KEY.",
        )
    if isinstance(error, openai.NotFoundError):
        names = [info.name.removeprefix("openai:") for info in list_openai(settings)]
        there = f"It has: {', '.join(names[:5])}." if names else "See: workbench doctor"
        return NotFound(say("{host} has no model {model}.", host=host, model=model), there)
    if isinstance(error, openai.APITimeoutError):
        return Unavailable(
            say("{host} has not answered in time.", host=host),
            "Look at the server's log, then ask again.",
        )
    if isinstance(error, openai.APIConnectionError):
        return Unavailable(
            say("Nothing answers at {host}.", host=host),
            "Start the server, or correct WORKBENCH_OPENAI_BASE_URL.",
        )
    if isinstance(error, openai.BadRequestError):
        return InvalidInput(
            say("{host} refuses the request: {message}", host=host, message=error.message),
            "If it is too long for the model, lower WORKBENCH_CONTEXT_TOKENS.",
        )
    return Unavailable(
        say("{host} failed: {message}", host=host, message=error.message),
        "Look at the server's log, then ask again.",
    )


def _ollama_error(model: str, error: Any, settings: Settings) -> WorkbenchError:
    if error.status_code != 404:
        return Unavailable(
            say("Ollama failed with {model}: {error}", model=model, error=error.error),
            "Look at `ollama ps` and its log, then ask again.",
        )
    names = [info.name.removeprefix("ollama:") for info in list_ollama(settings)]
    near = get_close_matches(model, names, 3, 0.4) or names[:3]
    there = f" Ollama has: {', '.join(near)}." if near else ""
    return NotFound(
        say("Ollama has no model {model}.", model=model),
        say("Run: ollama pull {model}.{there}", model=model, there=there),
    )


def list_runs(settings: Settings) -> list[ModelInfo]:
    """The models that were tuned in this workspace, the newest first."""
    runs = sorted(
        settings.home.glob("runs/*/adapter/adapter_config.json"), key=os.path.getmtime, reverse=True
    )
    return [ModelInfo(f"local:{path.parents[1].name}") for path in runs]


def _workspace_models(settings: Settings) -> list[ModelInfo]:
    """Whole models in the workspace, then tuned runs: those answer what they were taught, so none is a first choice."""
    models = sorted(settings.home.glob("models/*/config.json"))
    return [*(ModelInfo(f"local:{path.parent.name}") for path in models), *list_runs(settings)]

"""Model name -> LangChain chat model: ollama:NAME, local:FOLDER, openai:NAME; and which of them can be reached."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from workbench.errors import InvalidInput, NotFound, Unavailable, WorkbenchError
from workbench.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

NONE = "none"
CONNECT = (
    "Start Ollama and pull a model (ollama pull qwen3:4b), set WORKBENCH_OPENAI_BASE_URL for a server such as vLLM, "
    "or choose local:FOLDER for a model on this disk."
)


@dataclass(frozen=True)
class ModelInfo:
    """A chat model that can be chosen now. `digest` identifies its weights where the server tells."""

    name: str
    digest: str = ""
    size: int = 0


def list_models(settings: Settings, timeout: float = 1.5) -> list[ModelInfo]:
    """Every chat model that is reachable now: Ollama's, the OpenAI-compatible server's, those in the workspace."""
    with ThreadPoolExecutor(2) as pool:
        ollama = pool.submit(_ollama_models, settings, timeout)
        remote = pool.submit(_openai_models, settings, timeout)
        return [*ollama.result(), *remote.result(), *_workspace_models(settings)]


def pick_model(settings: Settings) -> str:
    """The chosen model's name; for `auto` the first that is reachable, or `none`."""
    if settings.model != "auto":
        return settings.model
    models = list_models(settings)
    return models[0].name if models else NONE


def load_chat_model(name: str, settings: Settings) -> BaseChatModel:
    """The LangChain chat model of that name. Raises InvalidInput, NotFound or Unavailable, with the fix."""
    kind, _, rest = name.partition(":")
    if kind == "ollama" and rest:
        return _ollama(rest, settings)
    if kind == "openai" and rest:
        return _openai(rest, settings)
    if kind == "local" and rest:
        from workbench.local_model import LocalChatModel

        return LocalChatModel(
            folder=str(find_local(rest, settings)), context_tokens=settings.context_tokens,
            answer_tokens=settings.answer_tokens, temperature=settings.temperature,
        )  # fmt: skip
    raise InvalidInput(f"{name!r} is not a model's name.", "Use ollama:NAME, local:FOLDER or openai:NAME.")


def find_local(name: str, settings: Settings) -> Path:
    """A folder by path, or by its name in the workspace's `models/` or `runs/`. Raises NotFound with near names."""
    for folder in (settings.home / "runs" / name / "adapter", settings.home / "models" / name, Path(name).expanduser()):
        if any((folder / file).exists() for file in ("config.json", "adapter_config.json")):
            return folder.absolute()
    names = [model.name.removeprefix("local:") for model in _workspace_models(settings)]
    near = get_close_matches(name, names, 3)
    raise NotFound(
        f"There is no model {name}: no such folder, run or workspace model with a config.json.",
        f"Did you mean {', '.join(near)}?" if near else "Name a folder with a Hugging Face model or an adapter.",
    )


def digest_of(name: str, settings: Settings) -> str:
    """What identifies the model's weights, for the lineage of an answer; empty where nothing tells."""
    if name.startswith("ollama:"):
        wanted = {name, f"{name}:latest"}
        return next((model.digest for model in _ollama_models(settings, 1.5) if model.name in wanted), "")
    return ""


@contextmanager
def maps_model_errors(name: str, settings: Settings) -> Iterator[None]:
    """What the model libraries raise, also in the middle of an answer, in our words."""
    import httpx
    import ollama
    import openai

    kind = name.partition(":")[0]
    host = settings.ollama_host if kind == "ollama" else settings.openai_base_url
    try:
        yield
    except ollama.ResponseError as error:
        raise _ollama_error(name, error, settings) from error
    except openai.AuthenticationError as error:
        raise Unavailable(f"{host} refuses the key.", "Export the right key as WORKBENCH_OPENAI_API_KEY.") from error
    except openai.NotFoundError as error:
        raise NotFound(f"{host} has no model {name.partition(':')[2]}.", "See: workbench doctor") from error
    except openai.APIConnectionError as error:
        raise Unavailable(
            f"Nothing answers at {host}.", "Start the server, or correct WORKBENCH_OPENAI_BASE_URL."
        ) from error
    except openai.APIError as error:
        raise Unavailable(f"{host} failed: {error.message}", "Look at the server's log, then ask again.") from error
    except (httpx.HTTPError, ConnectionError) as error:
        raise Unavailable(
            f"The connection to {name} broke off or could not be made ({host}).",
            "Start it (ollama serve) or choose another model, then ask again.",
        ) from error


def _ollama(name: str, settings: Settings) -> BaseChatModel:
    from langchain_ollama import ChatOllama

    return ChatOllama(
        model=name, base_url=settings.ollama_host, num_ctx=settings.context_tokens, num_predict=settings.answer_tokens,
        temperature=settings.temperature,
    )  # fmt: skip


def _openai(name: str, settings: Settings) -> BaseChatModel:
    from langchain_openai import ChatOpenAI

    if not settings.openai_base_url:
        raise Unavailable(
            "No OpenAI-compatible server is set.", "Set WORKBENCH_OPENAI_BASE_URL, for vLLM: http://127.0.0.1:8000/v1"
        )
    key = settings.openai_api_key if settings.openai_api_key.get_secret_value() else SecretStr("none")
    return ChatOpenAI(
        model=name, base_url=settings.openai_base_url, api_key=key, temperature=settings.temperature,
        max_completion_tokens=settings.answer_tokens, max_retries=1,
    )  # fmt: skip


def _ollama_error(name: str, error: Any, settings: Settings) -> WorkbenchError:
    model = name.removeprefix("ollama:")
    if error.status_code != 404:
        return Unavailable(
            f"Ollama failed with {model}: {error.error}", "Look at `ollama ps` and its log, then ask again."
        )
    near = get_close_matches(
        model, [info.name.removeprefix("ollama:") for info in _ollama_models(settings, 1.5)], 3, 0.4
    )
    there = f" Ollama has: {', '.join(near)}." if near else ""
    return NotFound(f"Ollama has no model {model}.", f"Run: ollama pull {model}.{there}")


def _ollama_models(settings: Settings, timeout: float) -> list[ModelInfo]:
    data = _get_json(f"{settings.ollama_host.rstrip('/')}/api/tags", timeout)
    return [
        ModelInfo(f"ollama:{model['name']}", model.get("digest", ""), model.get("size", 0))
        for model in data.get("models", [])
        if "bert" not in (model.get("details") or {}).get("family", "")  # an embedder cannot chat
    ]


def _openai_models(settings: Settings, timeout: float) -> list[ModelInfo]:
    if not settings.openai_base_url:
        return []
    key = settings.openai_api_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    data = _get_json(f"{settings.openai_base_url.rstrip('/')}/models", timeout, headers)
    return [ModelInfo(f"openai:{model['id']}") for model in data.get("data", [])]


def _workspace_models(settings: Settings) -> list[ModelInfo]:
    """Tuned runs first (newest first), then whole models in the workspace."""
    runs = sorted(settings.home.glob("runs/*/adapter/adapter_config.json"), key=os.path.getmtime, reverse=True)
    models = sorted(settings.home.glob("models/*/config.json"))
    return [ModelInfo(f"local:{path.parents[1].name}") for path in runs] + [
        ModelInfo(f"local:{path.parent.name}") for path in models
    ]


def _get_json(url: str, timeout: float, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The answer as data; empty where nothing answers, which is what a list of reachable models is about."""
    if not url.startswith(("http://", "https://")):
        return {}
    try:
        request = urllib.request.Request(url, headers=headers or {})  # noqa: S310 – the scheme is checked above
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            data = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}

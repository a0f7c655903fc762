"""An Ollama or OpenAI-compatible server's address -> the models it has now, and what it tells about one of them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from workbench.settings import Settings

PATIENCE = 1.5  # seconds that a server may take to name its models


@dataclass(frozen=True)
class ModelInfo:
    """A chat model that can be chosen now. `digest` identifies its weights; 0 or "" where nothing tells."""

    name: str
    digest: str = ""
    size: int = 0  # bytes
    context_tokens: int = 0
    thinks: bool = False


def list_ollama(settings: Settings) -> list[ModelInfo]:
    """The chat models of the Ollama server, the last changed first; none where nothing answers."""
    data = ask_json(f"{settings.ollama_host}/api/tags") or {}
    return [
        ModelInfo(f"ollama:{model['name']}", model.get("digest", ""), model.get("size", 0))
        for model in data.get("models", [])
        if not _embeds(model["name"], model.get("details") or {})
    ]


def describe_ollama(name: str, settings: Settings) -> ModelInfo | None:
    """What the server tells about the model, or None where it does not answer or has none of that name."""
    shown = ask_json(f"{settings.ollama_host}/api/show", {"model": name})
    if not shown:
        return None
    facts = shown.get("model_info") or {}
    context = facts.get(f"{facts.get('general.architecture')}.context_length", 0)
    full = name if ":" in name else f"{name}:latest"
    listed = next(
        (model for model in list_ollama(settings) if model.name == f"ollama:{full}"), ModelInfo("")
    )
    thinks = "thinking" in shown.get("capabilities", [])
    return ModelInfo(f"ollama:{name}", listed.digest, listed.size, context, thinks)


def list_openai(settings: Settings) -> list[ModelInfo]:
    """The models of the OpenAI-compatible server; vLLM also tells their context."""
    if not settings.openai_base_url:
        return []
    key = settings.openai_api_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    data = ask_json(f"{settings.openai_base_url.rstrip('/')}/models", headers=headers) or {}
    return [
        ModelInfo(f"openai:{model['id']}", context_tokens=model.get("max_model_len") or 0)
        for model in data.get("data", [])
    ]


def is_loopback(url: str) -> bool:
    """Whether the address is this machine, which no proxy of the environment can reach for us."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def ask_json(
    url: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> Any:
    """The JSON object that the address answers to GET, or to POST of `body`; None where there is none."""
    if not url.startswith(("http://", "https://")):
        return None
    data = None if body is None else json.dumps(body).encode()
    handlers = [urllib.request.ProxyHandler({})] if is_loopback(url) else []
    try:
        request = urllib.request.Request(url, data, headers or {})  # noqa: S310 – the scheme is checked above
        with urllib.request.build_opener(*handlers).open(request, timeout=PATIENCE) as answer:
            found = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _embeds(name: str, details: dict[str, Any]) -> bool:
    """An embedder cannot chat; a server up to 0.24 does not tell it but by family and name."""
    return "bert" in (details.get("family") or "") or "embed" in name

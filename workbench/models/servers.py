"""An Ollama or OpenAI-compatible server's address -> the models it has now, and facts about one."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from workbench.artefacts.published import is_elsewhere, published_elsewhere
from workbench.connections import read_connections
from workbench.errors import NotFound
from workbench.messages import say
from workbench.models.keys import key_of, variable_of
from workbench.settings import Settings

PATIENCE = 1.5  # seconds that a server may take to name its models
FRESH = 10.0  # seconds: a server's models and their context change when it is started again


@dataclass(frozen=True)
class ModelInfo:
    """A chat model that can be chosen now. `digest` identifies its weights; 0 or "" is unknown."""

    name: str
    digest: str = ""
    size: int = 0  # bytes
    context_tokens: int = 0
    thinks: bool = False
    calls_tools: bool | None = None  # None where nobody says


@dataclass(frozen=True)
class OpenAIServer:
    """An OpenAI-compatible server; the one of the settings has no name."""

    name: str
    address: str
    key: SecretStr
    space: str = ""
    """The mark of the space in which it is connected."""

    @property
    def base_url(self) -> str:
        """The address without a slash at its end."""
        return self.address.rstrip("/")

    @property
    def variable(self) -> str:
        """The environment variable that may carry its key."""
        return variable_of(self.name, self.space) if self.name else "WORKBENCH_OPENAI_API_KEY"

    def named(self, model: str) -> str:
        """Our name of one of its models."""
        return f"openai:{self.name}/{model}" if self.name else f"openai:{model}"

    def headers(self) -> dict[str, str]:
        """What a request carries so that the server knows who asks."""
        key = self.key.get_secret_value()
        return {"Authorization": f"Bearer {key}"} if key else {}


@dataclass(frozen=True)
class _Facts:
    context_tokens: int
    thinks: bool
    calls_tools: bool | None


_listed_lately: dict[OpenAIServer, tuple[float, list[ModelInfo]]] = {}
# (host, digest) -> facts. The digest covers weights, template and parameters, so they never change.
_known: dict[tuple[str, str], _Facts] = {}


def list_ollama(settings: Settings) -> list[ModelInfo]:
    """The chat models of the Ollama server, the last changed first; none where nothing answers."""
    hidden = published_elsewhere(settings)
    models = [model for model in _tags(settings) if not _embeds(model)]
    listed = [model for model in models if model["name"].partition(":")[0] not in hidden]
    return [_listed(model) for model in listed]


def describe_ollama(name: str, settings: Settings) -> ModelInfo:
    """Facts about one model; its name alone where the server is down or lacks it.

    At most two requests: the list has the digest, and each digest is looked up once. Raises
    NotFound for a model that another space has published.
    """
    if is_elsewhere(name, settings):
        raise NotFound(say("There is no model {name}.", name=name), "See: workbench models list")
    tag = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
    for model in _tags(settings):
        if model["name"] == tag:
            return replace(with_facts(_listed(model), settings), name=f"ollama:{name}")
    return ModelInfo(f"ollama:{name}")


def with_facts(listed: ModelInfo, settings: Settings) -> ModelInfo:
    """A model of Ollama's list with its context and thinking, as far as the server says."""
    key = (settings.ollama_host, listed.digest)
    facts = _known.get(key)
    if facts is None:
        facts = _ask_facts(listed.name.removeprefix("ollama:"), settings)
        if facts is None:
            return listed
        if listed.digest:
            _known[key] = facts
    return replace(
        listed,
        context_tokens=facts.context_tokens,
        thinks=facts.thinks,
        calls_tools=facts.calls_tools,
    )


def openai_servers(settings: Settings) -> list[OpenAIServer]:
    """The OpenAI-compatible servers: that of the settings, then those of the workspace."""
    found: list[OpenAIServer] = []
    if settings.openai_base_url:
        found.append(OpenAIServer("", settings.openai_base_url, settings.openai_api_key))
    for name, server in sorted(read_connections(settings.home).servers.items()):
        key = key_of(name, server)
        found.append(OpenAIServer(name, server.base_url, key, server.space))
    return found


def server_of(rest: str, settings: Settings) -> tuple[OpenAIServer | None, str]:
    """(server, model's name there) of what follows `openai:`, SERVER/NAME or NAME alone.

    A name that begins with no connected server is the settings' own server's; None without one.
    """
    first, slash, model = rest.partition("/")
    own = None
    for server in openai_servers(settings):
        if slash and server.name == first:
            return server, model
        if not server.name:
            own = server
    return own, rest


def list_server(server: OpenAIServer) -> list[ModelInfo]:
    """The models of an OpenAI-compatible server, with their context where it is vLLM."""
    data = ask_json(f"{server.base_url}/models", headers=server.headers()) or {}
    return [
        ModelInfo(server.named(model["id"]), context_tokens=model.get("max_model_len") or 0)
        for model in data.get("data", [])
    ]


def list_lately(server: OpenAIServer) -> list[ModelInfo]:
    """The same, as it was some seconds ago: an answer does not wait for a list before its model."""
    when, listed = _listed_lately.get(server, (0.0, []))
    if time.monotonic() - when > FRESH or not listed:
        listed = list_server(server)
        _listed_lately[server] = time.monotonic(), listed
    return listed


def is_loopback(url: str) -> bool:
    """Whether the address is this machine, which no proxy of the environment can reach for us."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def ask_json(
    url: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> Any:
    """The JSON object that the address answers to GET, or to POST of `body`; None without one."""
    if not url.startswith(("http://", "https://")):
        return None
    data = None if body is None else json.dumps(body).encode()
    handlers = [urllib.request.ProxyHandler({})] if is_loopback(url) else []
    opener = urllib.request.build_opener(*handlers)
    try:
        request = urllib.request.Request(url, data, headers or {})  # noqa: S310 - checked above
        with opener.open(request, timeout=PATIENCE) as answer:
            found = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _tags(settings: Settings) -> list[dict[str, Any]]:
    """Every model of the Ollama server, embedders included."""
    data = ask_json(f"{settings.ollama_host}/api/tags") or {}
    return data.get("models") or []


def _listed(model: dict[str, Any]) -> ModelInfo:
    return ModelInfo(f"ollama:{model['name']}", model.get("digest", ""), model.get("size", 0))


def _ask_facts(name: str, settings: Settings) -> _Facts | None:
    """What /api/show says about the model, or None where it does not answer."""
    shown = ask_json(f"{settings.ollama_host}/api/show", {"model": name})
    if not shown:
        return None
    facts = shown.get("model_info") or {}
    context = facts.get(f"{facts.get('general.architecture')}.context_length") or 0
    abilities = shown.get("capabilities")
    if abilities is None:  # an old server names none
        return _Facts(context, thinks=False, calls_tools=None)
    return _Facts(context, "thinking" in abilities, "tools" in abilities)


def _embeds(model: dict[str, Any]) -> bool:
    """An embedder cannot chat. Servers up to 0.24 show it by family and name alone."""
    family = (model.get("details") or {}).get("family") or ""
    return "bert" in family or "embed" in model["name"]

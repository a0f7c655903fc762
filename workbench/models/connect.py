"""A described model and settings within its context -> LangChain's chat model. Asks no server."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from workbench.artefacts.model_folder import find_local
from workbench.errors import Unavailable
from workbench.models.listing import split_name
from workbench.models.packaged import form_of, tokenizer_of
from workbench.models.servers import ModelInfo, is_loopback, server_of
from workbench.settings import Settings

if TYPE_CHECKING:
    import httpx
    from langchain_core.language_models import BaseChatModel

ANSWERS_WITHIN = 600.0  # seconds between two pieces: a cold server reads a large model first
CONNECTS_WITHIN = 5.0  # seconds
KEPT = 32  # clients of servers
OPEN = 256  # connections of a client that stay open: more chats at once connect for each answer


def connect(info: ModelInfo, settings: Settings) -> BaseChatModel:
    """The chat model of that name. Raises NotFound for a missing folder, Unavailable."""
    kind, rest = split_name(info.name)
    if kind == "ollama":
        return _ollama(rest, info, settings)
    if kind == "openai":
        return _openai(rest, settings)
    if kind == "packaged":
        return _packaged(rest, settings)
    return _local(rest, settings)


def _ollama(name: str, info: ModelInfo, settings: Settings) -> BaseChatModel:
    # None where it does not think: Ollama refuses True, and with False LangChain drops thinking
    reasoning = True if info.thinks else None
    return _ollama_client(
        name,
        settings.ollama_host,
        reasoning,
        settings.temperature,
        settings.top_p,
        settings.context_tokens,
        settings.answer_tokens,
    )


# A new client reads the certificates of all authorities twice: 30 ms before the first token. One
# that is kept has its connections open. Threads may share it.
@lru_cache(maxsize=KEPT)
def _ollama_client(
    model: str,
    host: str,
    reasoning: bool | None,
    temperature: float,
    top_p: float,
    context_tokens: int,
    answer_tokens: int,
) -> BaseChatModel:
    from langchain_ollama import ChatOllama

    return ChatOllama(
        model=model,
        base_url=host,
        num_ctx=context_tokens,
        num_predict=answer_tokens,
        temperature=temperature,
        top_p=top_p,
        reasoning=reasoning,
        sync_client_kwargs=_http_options(host),
    )


def _openai(name: str, settings: Settings) -> BaseChatModel:
    server, model = server_of(name, settings)
    if server is None:
        raise Unavailable(
            "No OpenAI-compatible server is set.",
            "Connect one in the app, or run: workbench models connect openai ADDRESS --name NAME",
        )
    key = server.key
    if not key.get_secret_value():
        key = SecretStr("none")  # without one the library takes OPENAI_API_KEY, another server's
    return _openai_client(
        model,
        server.base_url,
        key,
        settings.temperature,
        settings.top_p,
        settings.answer_tokens,
    )


@lru_cache(maxsize=KEPT)
def _openai_client(
    model: str, base_url: str, key: SecretStr, temperature: float, top_p: float, answer_tokens: int
) -> BaseChatModel:
    import httpx

    from workbench.models.openai import CompatibleChatModel, PlainChunks

    made = CompatibleChatModel(
        model=model,
        base_url=base_url,
        api_key=key,
        temperature=temperature,
        top_p=top_p,
        max_tokens=answer_tokens,
        stream_usage=True,  # else the server never says how many tokens it has made
        max_retries=1,
        timeout=_timeout(),
        http_client=httpx.Client(**_http_options(base_url)),
    )
    made.client = PlainChunks(made.root_client)
    return made


def _local(name: str, settings: Settings) -> BaseChatModel:
    from workbench.models.fast import FastChatModel
    from workbench.models.local import LocalChatModel
    from workbench.models.speeding import fast_form

    folder = find_local(name, settings)
    spoken: dict[str, Any] = {
        "context_tokens": settings.context_tokens,
        "answer_tokens": settings.answer_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
    }
    form = fast_form(folder, settings)
    if form:
        return FastChatModel(form=str(form), words=str(folder), **spoken)
    return LocalChatModel(folder=str(folder), **spoken)


def _packaged(name: str, settings: Settings) -> BaseChatModel:
    from workbench.models.fast import FastChatModel

    return FastChatModel(
        form=str(form_of(name, settings)),
        words=str(tokenizer_of(name, settings)),
        context_tokens=settings.context_tokens,
        answer_tokens=settings.answer_tokens,
        temperature=settings.temperature,
        top_p=settings.top_p,
    )


def _timeout() -> httpx.Timeout:
    import httpx

    return httpx.Timeout(ANSWERS_WITHIN, connect=CONNECTS_WITHIN)


def _http_options(url: str) -> dict[str, Any]:
    """How httpx speaks to a server; one on this machine is asked past any proxy."""
    import httpx

    from workbench.models.transport import Apart

    trust_env = not is_loopback(url)
    transport = Apart(httpx.create_ssl_context(trust_env=trust_env), OPEN)
    # of the environment's proxies each has a narrower pattern, which comes first
    return {"trust_env": trust_env, "timeout": _timeout(), "mounts": {"all://": transport}}

"""A server or a model, tried: what it answers, how soon and how fast, or why it does not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from workbench.errors import InvalidInput, Unavailable
from workbench.messages import say
from workbench.models.chosen import choose_named
from workbench.models.failures import SEE_LOG, refuses_key
from workbench.models.keys import without_key
from workbench.models.reasoning import answer_only
from workbench.models.servers import OpenAIServer, is_loopback
from workbench.settings import Settings

QUESTION = "Say hello in one short sentence."
LONGEST = 128  # tokens of the answer
LONGEST_REASON = 300  # characters of what a server says
WAITS = 10.0  # seconds for a server to name its models
LOADS_WITHIN = 120.0  # seconds until one token: a cold server reads the model first
# parts of the names of models that do not chat, which large servers list beside the others
OTHER_KINDS = ("embed", "whisper", "tts", "dall-e", "rerank", "moderation", "image", "audio")


@dataclass(frozen=True)
class Tried:
    """One short question to a model."""

    name: str
    answer: str
    first_token: float  # seconds, a cold model's loading included
    tokens: int
    tokens_per_second: float  # 0 where the answer is too short to measure


def try_model(name: str, settings: Settings, longest: int = LONGEST) -> Tried:
    """Ask the model one short question. Raises what an answer raises."""
    chosen = choose_named(name, settings).changed(answer_tokens=longest, temperature=0.0)
    began = time.monotonic()
    first = 0.0
    pieces: list[str] = []
    reply = chosen.stream([("user", QUESTION)])
    for piece in reply:
        if piece:
            first = first or time.monotonic() - began
        pieces.append(piece)
    speed = reply.tokens / reply.generating if reply.generating else 0.0
    text = answer_only("".join(pieces)).strip()
    return Tried(name, text, round(first, 2), reply.tokens, round(speed, 1))


def models_of(server: OpenAIServer) -> list[str]:
    """The names of the server's models, those that chat first.

    Raises InvalidInput for what is no address, Unavailable where no such server answers there or
    it refuses the key.
    """
    import httpx

    parts = urlsplit(server.base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(
            say("{address!r} is not an address.", address=server.base_url),
            "Give it whole, such as http://127.0.0.1:8000/v1",
        )
    try:
        answer = httpx.get(
            f"{server.base_url}/models",
            headers=server.headers(),
            timeout=WAITS,
            trust_env=not is_loopback(server.base_url),
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(
            say("Nothing answers at {host}.", host=server.base_url),
            "Start the server, or correct its address.",
        ) from error
    if answer.status_code in (401, 403):
        raise refuses_key(server)
    try:
        names = [str(model["id"]) for model in answer.json()["data"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(
            say("No OpenAI-compatible server answers at {host}.", host=server.base_url),
            "Correct the address; most end in /v1",
        ) from error
    if not names:
        raise Unavailable(
            say("{host} has no model.", host=server.base_url), "Load one there, then try again."
        )
    return sorted(names, key=_is_other_kind)  # stable: within both the server's own order


def ask_one_token(server: OpenAIServer, model: str) -> float:
    """Seconds until the model of the server has made one token.

    Raises Unavailable with what the server says where it refuses.
    """
    import httpx

    body = {
        "model": model,
        "max_tokens": 1,
        "messages": [{"role": "user", "content": QUESTION}],
    }
    began = time.monotonic()
    try:
        answer = httpx.post(
            f"{server.base_url}/chat/completions",
            json=body,
            headers=server.headers(),
            timeout=httpx.Timeout(LOADS_WITHIN, connect=WAITS),
            trust_env=not is_loopback(server.base_url),
        )
    except httpx.HTTPError as error:
        raise Unavailable(
            say("{host} has not answered in time.", host=server.base_url), SEE_LOG
        ) from error
    if answer.status_code in (401, 403):
        raise refuses_key(server)
    if answer.is_error:
        said = without_key(answer.text[:LONGEST_REASON], server.key)
        raise Unavailable(
            say("{model} does not answer: {reason}", model=model, reason=said), SEE_LOG
        )
    return round(time.monotonic() - began, 2)


def _is_other_kind(name: str) -> bool:
    return any(part in name.lower() for part in OTHER_KINDS)

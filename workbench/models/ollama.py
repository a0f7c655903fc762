"""An Ollama server's address -> its version; a model there pulled with progress, or deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from workbench.confined import check_may_change
from workbench.errors import NotFound, Unavailable, WorkbenchError
from workbench.messages import say
from workbench.models.failures import no_space
from workbench.models.servers import ask_json, is_loopback
from workbench.settings import Settings, whole_address

MEGABYTE = 1e6
DOWNLOADING = say("Downloading (MB)")
CHECKING = say("Checking")
WAITS = 600.0  # seconds between two lines: a large file is checked in silence
CONNECTS_WITHIN = 5.0  # seconds
LISTED = 20  # tokens at most that the server lists for one place

Report = Callable[[dict[str, Any]], None]


def ollama_version(host: str) -> str:
    """The server's version. Raises Unavailable where no Ollama answers at that address."""
    address = whole_address(host)
    answer = ask_json(f"{address}/api/version")
    if answer is None or "version" not in answer:
        raise _silent(address)
    return str(answer["version"])


def pull(name: str, settings: Settings, report: Report) -> None:
    """Have the server download a model; what it has of it already is kept.

    Closing the connection cancels it there. Raises NotFound for an unknown name, Unavailable where
    server or registry do not answer, WorkbenchError for a full disk.
    """
    check_may_change(settings)
    layers: dict[str, tuple[int, int]] = {}
    began = time.monotonic()
    ended = ""
    with _maps_errors(name, settings):
        for line in _client(settings).pull(name, stream=True):
            ended = line.status or ""
            if line.digest and line.total:
                layers[line.digest] = (line.completed or 0, line.total)
                report(_progress(layers, time.monotonic() - began))
            elif layers:
                report({"event": "progress", "stage": CHECKING})
    if ended != "success":
        raise Unavailable(
            say("The download of {name} broke off.", name=name),
            say("Run it again, it goes on where it stopped: {again}", again=_again(name)),
        )


def delete(name: str, settings: Settings) -> None:
    """Delete a model, and the weights that no other model uses. Raises NotFound, Unavailable."""
    with _maps_errors(name, settings):
        _client(settings).delete(name)


@dataclass(frozen=True)
class Beginning:
    """How an answer may begin: token -> log-probability, and the tokens of the prompt."""

    tokens: dict[str, float]
    prompt: int


def beginnings(name: str, turns: list[dict[str, str]], settings: Settings) -> Beginning:
    """The likeliest first tokens of an answer, as many as the server lists.

    Raises NotFound, and Unavailable for a server that gives no log-probabilities (before 0.12.11).
    """
    options = {
        "num_predict": 1,
        "temperature": 0,
        "seed": 0,
        "num_ctx": settings.context_tokens,
    }
    with _maps_errors(name, settings):
        answer = _client(settings).chat(
            name, turns, think=False, logprobs=True, top_logprobs=LISTED, options=options
        )
    if not answer.logprobs:
        raise Unavailable(
            say("Ollama at {host} gives no log-probabilities.", host=settings.ollama_host),
            "Update it: https://ollama.com/download",
        )
    tokens = {token.token: token.logprob for token in answer.logprobs[0].top_logprobs or []}
    return Beginning(tokens, answer.prompt_eval_count or 0)


def _progress(layers: dict[str, tuple[int, int]], seconds: float) -> dict[str, Any]:
    """The layers' bytes together. The large one, the weights, is named first."""
    done = sum(completed for completed, _ in layers.values())
    of = sum(total for _, total in layers.values())
    return {
        "event": "progress",
        "stage": DOWNLOADING,
        "done": round(done / MEGABYTE, 1),
        "of": round(of / MEGABYTE, 1),
        "seconds": round(seconds, 1),
    }


def _client(settings: Settings) -> Any:
    import httpx
    import ollama

    return ollama.Client(
        settings.ollama_host,
        trust_env=not is_loopback(settings.ollama_host),
        timeout=httpx.Timeout(WAITS, connect=CONNECTS_WITHIN),
    )


@contextmanager
def _maps_errors(name: str, settings: Settings) -> Iterator[None]:
    import httpx
    import ollama

    try:
        yield
    except ollama.ResponseError as error:
        raise _refused(name, error) from error
    except (httpx.HTTPError, httpx.InvalidURL, ConnectionError) as error:
        raise _silent(settings.ollama_host) from error


def _refused(name: str, error: Any) -> WorkbenchError:
    """What Ollama says in its own words, sorted by the few that differ in what helps."""
    reason = str(error.error)
    if "no space left" in reason:
        return no_space(name)
    if "not found" in reason or "does not exist" in reason:
        return NotFound(
            say("There is no model {name}.", name=name),
            "Ollama's names: https://ollama.com/library, such as qwen3:4b",
        )
    if "newer version" in reason:
        return Unavailable(
            say("{name} needs a newer Ollama.", name=name),
            "Update it: https://ollama.com/download",
        )
    if "dial tcp" in reason or "lookup" in reason or "timeout" in reason:
        return Unavailable(
            say("Ollama cannot reach its registry: {reason}", reason=reason),
            "Connect its machine to the network, or set its HTTPS_PROXY and restart it; "
            "what was downloaded is kept.",
        )
    return Unavailable(
        say("Ollama failed with {model}: {error}", model=name, error=reason),
        "Look at its log, then try again.",
    )


def _silent(host: str) -> Unavailable:
    return Unavailable(
        say("Ollama does not answer at {host}.", host=host),
        "Start it with `ollama serve`, or correct the address.",
    )


def _again(name: str) -> str:
    return f"workbench models pull ollama:{name}"

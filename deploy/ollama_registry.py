"""An Ollama server's address -> its models: pushed by digest, made, copied, shown, asked and
removed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput, NotFound, Unavailable, WorkbenchError
from workbench.messages import say
from workbench.models.servers import is_loopback

OLDEST = (0, 12, 11)  # the first that reports log-probabilities, which the proof compares
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
PIECE = 1 << 20  # bytes sent at a time
COMES_BACK_WITHIN = 30.0  # seconds to wait for a server that restarts
READS_WITHIN = 1800  # seconds: a large model is read, or quantized, before the first byte
CONNECTS_WITHIN = 5  # seconds
# Ollama's name of a precision -> ours.
PRECISION_NAMES = {
    "F16": "f16",
    "BF16": "bf16",
    "Q8_0": "q8_0",
    "Q4_K_M": "q4_K_M",
    "Q4_1": "q4_1",
}


@dataclass(frozen=True)
class Reply:
    """One greedy answer: its tokens as bytes, their log-probabilities, and whether the model ended
    it itself.
    """

    tokens: list[bytes]
    logprobs: list[float]
    stopped: bool
    prompt_tokens: int


@dataclass(frozen=True)
class Weights:
    """The weights of a model in Ollama."""

    sha256: str
    architecture: str
    """llama.cpp's name."""
    precision: str
    """One of ours, or Ollama's name of another."""
    adapted: bool
    """Whether the model has an adapter already."""


class NoAnswer(Unavailable):
    """Nothing answers at the address, as while a server restarts."""


class Registry:
    """One Ollama server. Every method raises Unavailable where it does not answer."""

    def __init__(self, host: str) -> None:
        self.host = host

    def check(self) -> str:
        """The server's version.

        Raises Unavailable where it is down, no Ollama, or too old for the proof.
        """
        with self._maps_errors():
            answer = self._http.get("/api/version", timeout=10)
            answer.raise_for_status()
            try:
                version = str(answer.json()["version"])
            except (ValueError, KeyError, TypeError) as error:
                raise Unavailable(
                    say("The server at {host} is not Ollama.", host=self.host),
                    "Correct --host or WORKBENCH_OLLAMA_HOST.",
                ) from error
        numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
        # A server built from source calls itself 0.0.0.
        if (0, 0, 0) < numbers < OLDEST:
            needed = ".".join(map(str, OLDEST))
            raise Unavailable(
                say(
                    "Ollama {version} at {host} is too old: the proof needs {needed}.",
                    version=version,
                    host=self.host,
                    needed=needed,
                ),
                "Update it: https://ollama.com/download. Or publish with --gguf-only.",
            )
        return version

    def digests(self) -> dict[str, str]:
        """Every model's full name -> the digest of its manifest."""
        with self._maps_errors():
            models = self._client.list().models
        return {model.model or "": model.digest or "" for model in models}

    def has_blob(self, sha256: str) -> bool:
        with self._maps_errors():
            return self._http.head(f"/api/blobs/sha256:{sha256}").status_code == 200

    def push(self, path: Path, sha256: str, report: Callable[[int, int], None]) -> None:
        """Send the file unless the server has it.

        Where the server restarts meanwhile, wait and send it again.
        """
        deadline = 0.0
        while True:
            try:
                if not self.has_blob(sha256):
                    self._send(path, sha256, report)
                return
            except NoAnswer:
                now = time.monotonic()
                if not deadline:
                    deadline = now + COMES_BACK_WITHIN
                if now > deadline:
                    raise
                time.sleep(0.5)

    def _send(self, path: Path, sha256: str, report: Callable[[int, int], None]) -> None:
        size = path.stat().st_size

        def pieces() -> Iterator[bytes]:
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    yield piece
                    report(file.tell(), size)

        with self._maps_errors():
            headers = {"Content-Length": str(size)}
            answer = self._http.post(
                f"/api/blobs/sha256:{sha256}", content=pieces(), headers=headers
            )
            if answer.is_error:
                raise _refused(self.host, answer.status_code, _reason(answer))

    def create(self, name: str, fields: dict[str, Any], report: Callable[[str], None]) -> None:
        """Make a model; `fields` are those of Ollama's create."""
        with self._maps_errors():
            for event in self._client.create(model=name, stream=True, **fields):
                report(event.status or "")

    def copy(self, source: str, target: str) -> None:
        with self._maps_errors():
            self._client.copy(source, target)

    def delete(self, name: str) -> None:
        """Remove a model, and the weights that no other model uses. A missing one is no error."""
        try:
            with self._maps_errors():
                self._client.delete(name)
        except NotFound:
            return

    def drop_blob(self, sha256: str) -> None:
        """Remove weights that no model uses.

        Ollama has no call for that. It removes weights with their last model, so one is made and
        deleted.
        """
        if not self.has_blob(sha256):
            return
        name = f"workbench-dropped-{sha256[:12]}"
        try:
            self.create(name, {"files": {"model.gguf": f"sha256:{sha256}"}}, lambda status: None)
        except InvalidInput:
            return  # no model can be made of it; Ollama clears it away at its next start
        self.delete(name)

    def weights(self, name: str) -> Weights:
        """A model's weights.

        Raises NotFound for a missing model, InvalidInput where Ollama names no file.
        """
        with self._maps_errors():
            shown = self._client.show(name)
        files = re.findall(r"^(FROM|ADAPTER) .*sha256-([0-9a-f]{64})", shown.modelfile or "", re.M)
        own = [digest for kind, digest in files if kind == "FROM"]
        if not own:
            raise InvalidInput(
                say("Ollama does not say which weights {name} has.", name=name),
                "Name another model with --from.",
            )
        level = ""
        if shown.details:
            level = shown.details.quantization_level or ""
        facts = shown.modelinfo or {}
        return Weights(
            sha256=own[0],
            architecture=facts.get("general.architecture", ""),
            precision=PRECISION_NAMES.get(level, level),
            adapted=len(own) < len(files),
        )

    def render(self, name: str, messages: list[dict[str, Any]], thinks: bool | None = None) -> str:
        """The prompt that the server would give the model, byte for byte.

        `thinks` switches thinking; None leaves it to the server.
        """
        body: dict[str, Any] = {
            "model": name,
            "messages": messages,
            "stream": False,
            "_debug_render_only": True,
            "truncate": False,
        }
        if thinks is not None:
            body["think"] = thinks
        shown = self._ask("/api/chat", body)
        if "_debug_info" not in shown:
            raise Unavailable(
                say("Ollama at {host} does not show the prompts it renders.", host=self.host),
                "Update it: https://ollama.com/download",
            )
        return shown["_debug_info"]["rendered_template"]

    def reply(self, name: str, messages: list[dict[str, Any]], tokens: int, context: int) -> Reply:
        """The greedy answer to a conversation, at most `tokens` long."""
        return self.continue_text(name, self.render(name, messages), tokens, context)

    def continue_text(self, name: str, prompt: str, tokens: int, context: int) -> Reply:
        """The greedy continuation of a prompt, without a template.

        A chat's reply is that of its rendered prompt, but there the server keeps thinking apart
        and loses the log-probabilities of its marks.
        """
        body = {
            "model": name,
            "prompt": prompt,
            "raw": True,
            "think": False,
            "stream": False,
            "logprobs": True,
        }
        return self._reply("/api/generate", body, tokens, context)

    def prompt_tokens(self, name: str, text: str, context: int) -> int:
        """How many tokens the server makes of a text, without a template."""
        return self.continue_text(name, text, 1, context).prompt_tokens

    def tokens(self, name: str, text: str) -> tuple[str, list[int]]:
        """(what the model says next, the tokens of the text with that), without special ones.

        The model's template must be the bare prompt.
        """
        options = {"temperature": 0, "num_predict": 1, "seed": 0, "num_ctx": 512}
        body = {"model": name, "prompt": text, "stream": False, "options": options}
        answer = self._ask("/api/generate", body)
        return answer.get("response", ""), answer.get("context") or []

    def _reply(self, path: str, body: dict[str, Any], tokens: int, context: int) -> Reply:
        options = {
            "temperature": 0,
            "num_predict": tokens,
            "seed": 0,
            "num_ctx": context,
            "repeat_penalty": 1.0,
        }
        answer = self._ask(path, body | {"options": options})
        tokens_said = answer.get("logprobs") or []
        return Reply(
            tokens=[bytes(token.get("bytes") or token["token"].encode()) for token in tokens_said],
            logprobs=[token["logprob"] for token in tokens_said],
            stopped=answer.get("done_reason") == "stop",
            prompt_tokens=answer.get("prompt_eval_count", 0),
        )

    def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        with self._maps_errors():
            answer = self._http.post(path, json=body)
            if answer.is_error:
                raise _refused(self.host, answer.status_code, _reason(answer))
            return answer.json()

    @cached_property
    def _http(self) -> Any:
        import httpx

        return httpx.Client(
            base_url=self.host, trust_env=not is_loopback(self.host), timeout=self._patience
        )

    @cached_property
    def _client(self) -> Any:
        import ollama

        return ollama.Client(
            self.host, trust_env=not is_loopback(self.host), timeout=self._patience
        )

    @property
    def _patience(self) -> Any:
        import httpx

        return httpx.Timeout(READS_WITHIN, connect=CONNECTS_WITHIN)

    @contextmanager
    def _maps_errors(self) -> Iterator[None]:
        import httpx
        import ollama

        try:
            yield
        except ollama.ResponseError as error:
            raise _refused(self.host, error.status_code, error.error) from error
        except (httpx.HTTPError, httpx.InvalidURL, ConnectionError) as error:
            raise NoAnswer(
                say(
                    "Ollama does not answer at {host}: {reason}",
                    host=self.host,
                    reason=str(error) or type(error).__name__,
                ),
                "Start it (ollama serve), or install it from https://ollama.com/download; "
                "another machine's is named with --host or WORKBENCH_OLLAMA_HOST. "
                "Or publish with --gguf-only.",
            ) from error


def check_name(name: str) -> str:
    """A model's name without its version, as Ollama allows it."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            say("{name!r} cannot be a model's name.", name=name),
            "Use letters, digits, - _ and . (it begins with a letter or digit); "
            "the version is added by itself.",
        )
    return name


def _reason(answer: Any) -> str:
    try:
        return str(answer.json().get("error"))
    except ValueError:
        return answer.text[:200]


def _refused(host: str, status: int, reason: str) -> WorkbenchError:
    if status == 404:
        return NotFound(
            say("Ollama at {host} does not have it: {reason}", host=host, reason=reason),
            "See what it has: workbench deploy list",
        )
    if "no space left" in reason or "not enough space" in reason:
        return Unavailable(
            say("The disk of Ollama at {host} is full.", host=host),
            "Free space there, then publish again.",
        )
    if "memory" in reason:
        return Unavailable(
            say("Ollama at {host} has no memory for the model: {reason}", host=host, reason=reason),
            "Use a smaller --quantize.",
        )
    return InvalidInput(
        say("Ollama at {host} refuses it: {reason}", host=host, reason=reason),
        "Correct the Modelfile, or update Ollama.",
    )

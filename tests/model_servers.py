"""Real servers of chat models for tests: a scripted OpenAI-compatible one, and Ollama with a tiny
model in it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving import Answering, serving


@dataclass
class Script:
    """What the OpenAI-compatible server does next, and what it was asked."""

    pieces: Sequence[str] = ("Hello", " there.")
    thinking: Sequence[str] = ()
    pause: float = 0.0  # seconds before each piece
    status: int = 200
    # "" | "hard" (the connection is cut) | "quiet" (it ends as if all were said) | "error" (says
    # so)
    breaks: str = ""
    usage: int = 0  # completion tokens that the server reports when asked to; 0 is an old server
    models: Sequence[str] = ("scripted",)
    # what it says to a request, in place of the pieces
    reply: Callable[[dict[str, Any]], str] | None = None
    wanted_key: str = ""
    asked_for_models: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def authorization(self) -> str:
        """The header that carries the wanted key."""
        return f"Bearer {self.wanted_key}"


@contextmanager
def openai_server(script: Script) -> Iterator[str]:
    """Its base URL, while it runs."""

    class Handler(Answering):
        def do_GET(self) -> None:
            script.asked_for_models += 1
            if script.wanted_key and self.headers.get("Authorization") != script.authorization:
                self._json(401, {"error": {"message": "wrong key"}})
            elif not self.path.startswith("/v1/"):
                self._json(404, {"error": {"message": "no such page"}})
            else:
                models = [{"id": name, "max_model_len": 4096} for name in script.models]
                self._json(200, {"data": models})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.requests.append(body)
            script.keys.append(self.headers.get("Authorization", ""))
            if script.status != 200:
                self._json(script.status, {"error": {"message": f"status {script.status} it is"}})
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            if script.breaks == "hard":
                self.send_header(
                    "Content-Length", "1000000"
                )  # never reached: the client sees the cut
            self.end_headers()
            for thought in script.thinking:
                self._event({"reasoning_content": thought})
            for piece in [script.reply(body)] if script.reply else script.pieces:
                time.sleep(script.pause)
                self._event({"content": piece})
            if script.breaks == "error":
                self.wfile.write(
                    b'data: {"error": {"message": "the engine died", "code": 500}}\n\n'
                )
            elif not script.breaks:
                self._event({}, "stop")
                if script.usage and body.get("stream_options"):
                    self._usage()
                self.wfile.write(b"data: [DONE]\n\n")

        def _usage(self) -> None:
            counts = {
                "prompt_tokens": 11,
                "completion_tokens": script.usage,
                "total_tokens": 11 + script.usage,
            }
            data = {"object": "chat.completion.chunk", "choices": [], "usage": counts}
            self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())

        def _event(self, delta: dict[str, str], finish: str | None = None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            data = {
                "id": "1",
                "object": "chat.completion.chunk",
                "model": "scripted",
                "choices": [choice],
            }
            self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())
            self.wfile.flush()

        def _json(self, status: int, data: dict[str, Any]) -> None:
            self.send_whole("application/json", json.dumps(data).encode(), status)

    with serving(Handler) as url:
        yield f"{url}/v1"


class Ollama:
    """A real Ollama server with a store of its own."""

    # ChatML, written out: Ollama would not recognize the template of a home-made model
    TEMPLATE = "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"

    def __init__(self, binary: str, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [binary, "serve"],
            env={
                **os.environ,
                "HOME": str(folder),
                "OLLAMA_HOST": f"127.0.0.1:{port}",
                "OLLAMA_MODELS": str(folder / "models"),
                "OLLAMA_CONTEXT_LENGTH": "512",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait()

    def _wait(self) -> None:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{self.url}/api/version", timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        self.kill()
        raise TimeoutError("Ollama did not start in 30 s")

    def create(self, name: str, folder: Path) -> None:
        """Register the model in that folder."""
        import ollama
        from tiny_gguf import convert

        file = convert(folder, folder / "model.gguf")
        client = ollama.Client(self.url)
        client.create(
            model=name,
            files={"model.gguf": client.create_blob(file)},
            template=self.TEMPLATE,
            parameters={"stop": ["<|im_end|>", "<|endoftext|>"], "temperature": 0},
        )

    def remove_all_but(self, kept: str) -> None:
        import ollama

        client = ollama.Client(self.url, trust_env=False)  # a test may have set a proxy
        for model in client.list().models:
            if model.model and model.model != kept:
                client.delete(model.model)

    def kill(self) -> None:
        """At once, as a crash would, with the runners that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

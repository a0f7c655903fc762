"""A scripted Ollama that records every request: what an answer costs in round trips."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from serving import Answering, serving


@dataclass
class Script:
    """The models that the server has, as name -> context, and what it answers and was asked."""

    models: dict[str, int] = field(default_factory=lambda: {"tiny:latest": 8192})
    size: int = 4_000_000_000  # bytes of each
    pieces: tuple[str, ...] = ("Hello", " there.")
    eval_count: int = 7
    eval_duration: int = 2_000_000_000  # nanoseconds
    requests: list[tuple[str, Any]] = field(default_factory=list)  # (path, body)
    url: str = ""
    pull_steps: int = 5  # lines of progress of a pull
    pull_pause: float = 0.0  # seconds before each
    pull_error: str = ""  # what Ollama says in place of the last line
    pulls_cut: int = 0  # pulls whose client went away

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]

    @property
    def before_the_answer(self) -> list[str]:
        """Paths of the requests before the one that is answered with tokens."""
        return self.paths[: self.paths.index("/api/chat")]


@contextmanager
def recording_ollama(script: Script) -> Iterator[str]:
    """Its address, while it runs."""

    class Handler(Answering):
        def do_GET(self) -> None:
            script.requests.append((self.path, None))
            if self.path == "/api/version":
                self._send(200, [{"version": "0.24.0"}])
                return
            models = [
                {"name": name, "digest": f"digest of {name}", "size": script.size, "details": {}}
                for name in script.models
            ]
            self._send(200, [{"models": models}])

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.requests.append((self.path, body))
            if self.path == "/api/pull":
                self._pull(body["model"])
                return
            name = body["model"] if ":" in body["model"] else f"{body['model']}:latest"
            if name not in script.models:
                self._send(404, [{"error": f"model '{name}' not found"}])
            elif self.path == "/api/show":
                facts = {
                    "general.architecture": "qwen2",
                    "qwen2.context_length": script.models[name],
                }
                self._send(200, [{"model_info": facts, "capabilities": ["completion"]}])
            else:
                self._send(200, self._answer(name))

        def do_DELETE(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.requests.append((self.path, body))
            known = script.models.pop(body["model"], None)
            self._send(200 if known else 404, [] if known else [{"error": "model not found"}])

        def _pull(self, name: str) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                self._line({"status": "pulling manifest"})
                for step in range(1, script.pull_steps + 1):
                    time.sleep(script.pull_pause)
                    size = 100_000_000
                    layer = {"status": "pulling 1", "digest": "sha256:1", "total": size}
                    self._line(layer | {"completed": size * step // script.pull_steps})
                if script.pull_error:
                    self._line({"error": script.pull_error})
                    return
                self._line({"status": "verifying sha256 digest"})
                script.models[name if ":" in name else f"{name}:latest"] = 8192
                self._line({"status": "success"})
            except OSError:
                script.pulls_cut += 1

        def _line(self, line: dict[str, Any]) -> None:
            self.wfile.write(json.dumps(line).encode() + b"\n")
            self.wfile.flush()

        def _answer(self, name: str) -> list[dict[str, Any]]:
            lines: list[dict[str, Any]] = []
            for piece in script.pieces:
                message = {"role": "assistant", "content": piece}
                lines.append({"model": name, "message": message, "done": False})
            last = {
                "model": name,
                "message": {"role": "assistant", "content": ""},
                "done": True,
                "done_reason": "stop",
                "prompt_eval_count": 11,
                "eval_count": script.eval_count,
                "eval_duration": script.eval_duration,
            }
            return [*lines, last]

        def _send(self, status: int, lines: list[dict[str, Any]]) -> None:
            body = "".join(json.dumps(line) + "\n" for line in lines).encode()
            self.send_whole("application/x-ndjson", body, status)

    with serving(Handler) as url:
        script.url = url
        yield url

"""An OpenAI-compatible server whose model calls tools as a function of the request says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


@dataclass
class Reply:
    """What the model says next. `calls` are (tool, arguments); arguments may be raw text."""

    text: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    status: int = 200


@contextmanager
def tool_server(speak: Callable[[Body], Reply]) -> Iterator[str]:
    """Its base URL, while it runs. `speak` gets each request's body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send("application/json", json.dumps({"data": [{"id": "scripted"}]}))

        def do_POST(self) -> None:
            reply = speak(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if reply.status != 200:
                self._send("application/json", '{"error": {"message": "no"}}', reply.status)
                return
            deltas: list[dict[str, Any]] = []
            if reply.text:
                deltas.append({"content": reply.text})
            for number, (name, arguments) in enumerate(reply.calls):
                raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
                call = {"index": number, "id": f"c{id(reply)}{number}", "type": "function"}
                call["function"] = {"name": name, "arguments": raw}
                deltas.append({"tool_calls": [call]})
            finish = "tool_calls" if reply.calls else "stop"
            choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
            choices.append({"index": 0, "delta": {}, "finish_reason": finish})
            frame = {"id": "1", "object": "chat.completion.chunk", "model": "scripted"}
            lines = [f"data: {json.dumps(frame | {'choices': [one]})}\n\n" for one in choices]
            self._send("text/event-stream", "".join(lines) + "data: [DONE]\n\n")

        def _send(self, kind: str, text: str, status: int = 200) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def results_in(body: Body) -> list[str]:
    """The tool results that the model has been told, in their order."""
    return [str(one["content"]) for one in body["messages"] if one["role"] == "tool"]

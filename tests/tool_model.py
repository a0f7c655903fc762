"""An OpenAI-compatible server whose model calls tools as a function of the request says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from serving import Answering, serving

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

    class Handler(Answering):
        def do_GET(self) -> None:
            self.send_whole("application/json", b'{"data": [{"id": "scripted"}]}')

        def do_POST(self) -> None:
            reply = speak(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if reply.status != 200:
                self.send_whole("application/json", b'{"error": {"message": "no"}}', reply.status)
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
            told = "".join(lines) + "data: [DONE]\n\n"
            self.send_whole("text/event-stream", told.encode())

    with serving(Handler) as url:
        yield f"{url}/v1"


def results_in(body: Body) -> list[str]:
    """The tool results that the model has been told, in their order."""
    return [str(one["content"]) for one in body["messages"] if one["role"] == "tool"]

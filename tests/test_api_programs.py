"""Requests in the forms that chat programs send, and answers as those programs read them.

`client_shapes.json` has the forms: some recorded between Open WebUI and this API, with words of our
own, the others written after the programs' sources. The programs themselves do not run here. The
readers below do what Open WebUI and LobeChat do with a stream.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from retrieval_fakes import NoiseEmbedder
from served_api import TOY, served, speak
from tool_model import tool_server

from agents.api import embeddings
from agents.api.asked import ChatRequest, read_request
from agents.api.written import Written
from agents.registry import registered
from workbench.chat.events import Done, Source, Token
from workbench.settings import Settings, load_settings

SHAPES = json.loads((Path(__file__).parent / "client_shapes.json").read_text("utf-8"))
SAID = "At six [1]. STOP here"


@dataclass
class Shown:
    """What a program shows of an answer."""

    text: str = ""
    thought: str = ""
    sources: list[tuple[str, str]] = field(default_factory=list)
    """(title, address) in the program's order."""

    calls: list[str] = field(default_factory=list)
    tokens: int = 0
    ended: bool = False

    def source(self, number: int) -> str:
        """The title behind the mark [number]: both programs count them, each title once."""
        titles = list(dict.fromkeys(title for title, _ in self.sources))
        return titles[number - 1]


def read(chunks: list[dict[str, Any]], only_at_the_end: bool) -> Shown:
    """What is shown of these chunks; LobeChat looks for citations only where an answer ends."""
    shown = Shown()
    for chunk in chunks:
        shown.tokens += (chunk.get("usage") or {}).get("total_tokens", 0)
        for choice in chunk["choices"]:
            delta = choice["delta"]
            shown.text += delta.get("content") or ""
            shown.thought += delta.get("reasoning_content") or ""
            shown.calls += [call["function"]["name"] for call in delta.get("tool_calls", [])]
            shown.ended = shown.ended or bool(choice["finish_reason"])
            if choice["finish_reason"] or not only_at_the_end:
                cited = [one["url_citation"] for one in delta.get("annotations", [])]
                shown.sources += [(one["title"], one["url"]) for one in cited]
    return shown


def chunks_of(text: str) -> list[dict[str, Any]]:
    """The objects of a stream, which must end as OpenAI's do."""
    lines = [line for line in text.split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines) and lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


@pytest.fixture(scope="module")
def address(
    new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    home = new_workspace(tmp_path_factory.mktemp("programs"))
    with tool_server(speak) as model, registered(TOY):
        settings = load_settings(home=home, openai_base_url=model, model="openai:scripted")
        with served(settings) as url:
            yield url


@pytest.mark.parametrize("shape", SHAPES, ids=lambda one: f"{one['program']}: {one['what']}")
def test_what_a_program_sends_is_answered_as_it_reads(
    shape: dict[str, Any], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "load_embedder", lambda name, settings: NoiseEmbedder())
    body = {"model": "workbench-toy"} | shape.get("body", {})
    path = shape.get("path", "/v1/chat/completions")
    method = shape.get("method", "POST")
    sent = {"json": body} if method == "POST" else {}
    reply = httpx.request(method, address + path, headers=shape.get("headers"), **sent)
    assert reply.status_code == shape.get("status", 200), reply.text
    if "said" in shape:
        error = reply.json()["error"]
        assert shape["said"] in error["message"] and error["type"] == "invalid_request_error"
        return
    if method == "GET":
        models = reply.json()
        assert models["object"] == "list"
        assert "workbench-toy" in [model["id"] for model in models["data"]]
        return
    if "vectors" in shape:
        assert len(reply.json()["data"]) == shape["vectors"]
        return
    if not body["stream"]:
        (choice,) = reply.json()["choices"]
        assert choice["message"]["content"] == SAID
        return
    assert reply.headers["content-type"].startswith("text/event-stream")
    shown = read(chunks_of(reply.text), only_at_the_end=shape["program"] == "LobeChat")
    assert shown.ended and bool(shown.tokens) == ("stream_options" in body)
    if "calls" in shape:
        assert shown.calls == [shape["calls"]]
    elif "text" in shape:
        assert shown.text == shape["text"]
    else:
        assert (shown.text, shown.thought) == (SAID, "Hm.")
        assert shown.source(1) == "tides.md p. 1"


@pytest.mark.parametrize(
    ("model", "choice", "given"),
    [
        ("workbench-assistant", None, ["look"]),
        ("workbench-assistant", "auto", ["look"]),
        ("workbench-assistant", "none", []),
        ("workbench-documents", "auto", []),
        ("workbench-auto", None, []),
    ],
)
def test_tools_reach_the_assistant_alone_and_only_where_they_may_be_called(
    model: str, choice: str | None, given: list[str], settings: Settings
) -> None:
    tool = {"type": "function", "function": {"name": "look"}}
    asked = ChatRequest.model_validate(
        {
            "model": model,
            "messages": [{"role": "user", "content": "When is high tide?"}],
            "tools": [tool],
            "tool_choice": choice,
        }
    )
    assert [one["function"]["name"] for one in read_request(asked, settings).tools] == given


# what is written -> (the passage behind each mark, the places of the passages)
CITED: dict[str, tuple[dict[int, str], list[tuple[int, int]]]] = {
    "Low [2], high [1].": ({1: "tides.md p. 1 [1]", 2: "tides.md p. 1 [2]"}, [(14, 17), (4, 7)]),
    "Only [3].": ({3: "quay.md p. 2"}, [(0, 0), (0, 0), (5, 8)]),
    "Twice [1], [1].": ({1: "tides.md p. 1 [1]"}, [(6, 9)]),
    "None, and [9].": ({}, []),
}


@pytest.mark.parametrize("text", CITED)
def test_a_mark_leads_to_its_own_passage(text: str) -> None:
    written = Written([], 0, "", "http://127.0.0.1")
    places = [("tides.md", "p. 1"), ("tides.md", "p. 1"), ("quay.md", "p. 2"), ("a.md", "p. 3")]
    for number, (name, place) in enumerate(places, 1):
        written.take(Source(number, "…", f"/files/{name}", place, 0.9, f"p-{number}", "quay"))
    written.take(Token(text))
    written.take(Done("toy", 0.1))
    behind, found = CITED[text]
    chunk = {"choices": [{"delta": written.last().delta, "finish_reason": "stop"}]}
    shown = read([chunk], only_at_the_end=True)
    assert {number: shown.source(number) for number in behind} == behind
    assert len(shown.sources) == len(set(shown.sources)) == len(found)
    cited = [one["url_citation"] for one in written.annotations()]
    assert [(one["start_index"], one["end_index"]) for one in cited] == found
    assert written.message().get("annotations", []) == written.annotations()

"""Spans of an answer: their tree, their numbers, and never a text; off, nothing is imported."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from conftest import free_port
from model_servers import Script, openai_server
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from retrieval_fakes import NoiseEmbedder
from served_api import served

from agents.databases.example import load_example
from rag.passages import Document, Locator, Passage
from rag.store import create_collection
from workbench import tracing
from workbench.settings import Settings, load_settings
from workbench.tracing import span, tracer_to

SECRET = "Oosterwal"  # stands in the question, the passage, the answer and the cells
PASSAGE = f"High tide at {SECRET} is at six."
QUESTION = f"When is high tide at {SECRET}?"
SQL = f"SELECT count(*) AS {SECRET} FROM activations"
SAID = f"High tide at {SECRET} is at six [1]."


def speak(body: dict[str, Any]) -> str:
    """A query where one is wanted, else the answer from the passage."""
    return SQL if "SQL" in body["messages"][0]["content"] else SAID


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What the process traces, in memory."""
    exporter = InMemorySpanExporter()
    tracer = tracer_to(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", lambda: tracer)
    return exporter


@pytest.fixture(scope="module")
def workspace(
    new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """A collection with one passage, the example's tables, and a model that answers from both."""
    home = new_workspace(tmp_path_factory.mktemp("traced"))
    settings = load_settings(home=home)
    load_example(settings)
    quay = create_collection(settings, "quay", "noise", NoiseEmbedder.dimension)
    passage = Passage("p-1", PASSAGE, "/files/tides.md", 0, Locator(page=1))
    document = Document("/files/tides.md", "0" * 64, 20, 0, "indexed", passages=1)
    with quay.writing():
        quay.replace([document], [passage], NoiseEmbedder().embed([PASSAGE]))
    with openai_server(Script(reply=speak, usage=7)) as url:
        yield settings.model_copy(update={"openai_base_url": url, "model": "openai:scripted"})


def asked(address: str, model: str, question: str, **more: Any) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": question}], **more}
    headers = {"x-request-id": "r-1"}
    return httpx.post(f"{address}/v1/chat/completions", json=body, headers=headers, timeout=60)


def facts(one: ReadableSpan) -> dict[str, Any]:
    return {key.removeprefix("workbench."): value for key, value in (one.attributes or {}).items()}


# model, question -> the spans below the answer
ANSWERS = [
    ("workbench-documents:quay", QUESTION, {"route", "retrieve", "model call"}),
    (
        "workbench-data:advertising",
        f"How many activations has {SECRET}?",
        {"route", "write query", "model call", "run query"},
    ),
    ("workbench-none", QUESTION, {"route", "model call"}),
]


def test_an_answer_is_a_tree_of_spans_without_a_text(
    workspace: Settings, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.retriever.load_embedder", lambda *_: NoiseEmbedder())
    with served(workspace) as address:
        for model, question, wanted in ANSWERS:
            spans.clear()
            reply = asked(address, model, question)
            assert reply.status_code == 200, reply.text
            assert SECRET in reply.text, "the answer itself has it"
            found = finished(spans, "http request")
            named = {one.name: one for one in found}
            assert set(named) == wanted | {"http request", "answer"}
            request, answer = named["http request"], named["answer"]
            assert request.parent is None and answer.parent.span_id == request.context.span_id
            for one in found:
                if one.name in wanted:
                    assert one.parent.span_id == answer.context.span_id, one.name
                assert one.end_time >= one.start_time
            told = facts(request)
            assert told == {
                "request": "r-1",
                "method": "POST",
                "route": "/v1/chat/completions",
                "status": 200,
            }
            made = facts(answer)
            assert made["mode"] == model.split("-")[1].split(":")[0]
            assert facts(named["model call"])["tokens"] == 7
            everything = "".join(one.to_json() for one in found)
            assert SECRET not in everything and "tide" not in everything.lower()
            if "run query" in named:
                assert facts(named["run query"])["rows"] == 1
            if "retrieve" in named:
                assert facts(named["retrieve"])["passages"] == 1


def finished(spans: InMemorySpanExporter, last: str) -> list[ReadableSpan]:
    """All spans, once the one of that name has ended: a server ends it after its reply."""
    until = time.monotonic() + 10
    while last not in [one.name for one in spans.get_finished_spans()]:
        assert time.monotonic() < until
        time.sleep(0.01)
    return list(spans.get_finished_spans())


def test_an_error_is_noted_by_its_kind_alone(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError), span("answer"):
        raise ValueError(SECRET)
    (one,) = spans.get_finished_spans()
    assert facts(one) == {"error": "ValueError"} and not one.events
    assert SECRET not in one.to_json()
    with pytest.raises(TypeError, match="question"), span("answer") as seen:
        seen.set(question=SECRET)


def test_whoever_leaves_is_noted(spans: InMemorySpanExporter) -> None:
    def answer() -> Iterator[int]:
        with span("answer") as seen:
            yield from seen.around(parts())

    def parts() -> Iterator[int]:
        with span("model call"):
            yield from range(5)

    items = answer()
    assert next(items) == 0
    items.close()
    call, whole = spans.get_finished_spans()
    assert facts(call) == facts(whole) == {"left": True}
    assert call.parent.span_id == whole.context.span_id


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """A collector of OpenTelemetry, and what it was sent."""
    sent: list[ExportTraceServiceRequest] = []

    class Service(TraceServiceServicer):
        def Export(self, request: ExportTraceServiceRequest, context: object) -> Any:
            sent.append(request)
            return ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(1))
    add_TraceServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}", sent
    finally:
        server.stop(0).wait()


PROGRAM = f"""
import sys, time
from workbench.tracing import span
with span("answer", mode="none") as seen:
    seen.set(tokens=3)
print("opentelemetry" in sys.modules, "{SECRET}")
"""


def run(endpoint: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **more}
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_a_collector_is_sent_the_spans_and_may_be_gone() -> None:
    assert run("").stdout == f"False {SECRET}\n", "off, nothing of it is imported"
    with collector() as (address, sent):
        assert run(address).stdout == f"True {SECRET}\n"
    ((resource,),) = [one.resource_spans for one in sent]
    named = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert named["service.name"] == "workbench"
    (one,) = resource.scope_spans[0].spans
    assert one.name == "answer"
    assert {fact.key for fact in one.attributes} == {"workbench.mode", "workbench.tokens"}
    gone = run(f"http://127.0.0.1:{free_port()}")
    assert (gone.returncode, gone.stdout) == (0, f"True {SECRET}\n")
    wrong = run("http://127.0.0.1:1", OTEL_EXPORTER_OTLP_TIMEOUT="soon")
    assert (wrong.returncode, wrong.stdout) == (0, f"True {SECRET}\n")
    assert "There will be no traces" in wrong.stderr

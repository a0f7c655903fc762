"""The API answers OpenAI's own clients, unmodified, and nobody without a key that may."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import schemathesis
from click.testing import CliRunner
from fastapi.routing import iter_route_contexts
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import InvalidArgument, Unsatisfiable
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from retrieval_fakes import NoiseEmbedder
from served_api import CLOSED, SEEN, TOOL, TOY, served, speak
from tool_model import tool_server

from agents.api import embeddings
from agents.api.access import OPEN, Needs
from agents.api.app import make_app
from agents.api.keys import SCOPES, create_key, find_key, list_keys
from agents.api.limits import Buckets
from agents.api.serving import check_door
from agents.registry import registered
from rag.passages import Document, Locator, Passage
from rag.store import create_collection
from workbench.chat.conversations import Conversations
from workbench.chat.events import Done, Query, Token
from workbench.cli import workbench
from workbench.errors import InvalidInput
from workbench.models.pieces import Stops
from workbench.settings import Settings, load_settings

ASK = [{"role": "user", "content": "When is high tide?"}]


@pytest.fixture(scope="module")
def home(new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a collection of one document, and a chat."""
    place = new_workspace(tmp_path_factory.mktemp("api"))
    settings = load_settings(home=place)
    quay = create_collection(settings, "quay", "noise", NoiseEmbedder.dimension)
    passage = Passage("p-1", "High tide is at six.", "/files/tides.md", 0, Locator(page=1))
    document = Document("/files/tides.md", "0" * 64, 20, 0, "indexed", passages=1)
    with quay.writing():
        quay.replace([document], [passage], NoiseEmbedder().embed([passage.text]))
    conversations = Conversations(settings.database)
    chat = conversations.create("Tides")
    conversations.add(chat, "user", "When?")
    answer = conversations.add(chat, "assistant", "")
    events = [Query("select 1", "sqlite", "shop"), Token("At six."), Done("toy", 0.1)]
    conversations.save(answer, events, "done")
    return place


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    with tool_server(speak) as url:
        yield url


@pytest.fixture(scope="module")
def workspace(home: Path, model: str) -> Settings:
    return load_settings(home=home, openai_base_url=model, model="openai:scripted", source="shop")


@pytest.fixture(scope="module")
def address(workspace: Settings) -> Iterator[str]:
    with registered(TOY), served(workspace) as url:
        yield url


@pytest.fixture(scope="module")
def client(address: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)


def test_an_answer_is_whole_with_all_that_it_rests_on(client: openai.OpenAI) -> None:
    made = client.chat.completions.create(model="workbench-toy", messages=ASK)
    (choice,) = made.choices
    assert choice.message.content == "At six [1]. STOP here"
    assert choice.finish_reason == "stop" and made._request_id
    assert made.usage and made.usage.total_tokens == 26
    (cited,) = choice.message.annotations or []
    assert cited.url_citation.title == "tides.md p. 1"
    assert cited.url_citation.url.endswith("/v1/collections/quay/passages/p-1")
    assert (cited.url_citation.start_index, cited.url_citation.end_index) == (7, 10)
    whole = made.model_extra["workbench"]
    assert whole["mode"] == "toy" and len(whole["sources"]) == 2
    assert whole["queries"][0]["sql"] == "select 1" and whole["charts"] == [
        {"spec": {"mark": "bar"}}
    ]
    assert whole["tables"][0]["rows"] == [[1.0], [None]], "what is no number is null"
    assert whole["steps"][0]["tool"] == "calculator" and whole["lineage"]["agent"] == "toy"
    assert choice.message.model_extra["reasoning_content"] == "Hm."


def test_a_stream_has_the_same_in_pieces(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="workbench-toy", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = list(stream)
    assert last.usage and last.usage.completion_tokens == 6 and not last.choices
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert "".join(delta.content or "" for delta in deltas) == "At six [1]. STOP here"
    assert chunks[-1].choices[0].finish_reason == "stop"
    pieces = [
        chunk.model_extra["workbench"] for chunk in chunks if "workbench" in chunk.model_extra
    ]
    names = {name for piece in pieces for name in piece}
    assert {"mode", "sources", "queries", "tables", "charts", "steps", "lineage"} <= names
    cited = [
        delta.model_extra["annotations"] for delta in deltas if "annotations" in delta.model_extra
    ]
    assert len(cited) == 1 and cited[0][0]["type"] == "url_citation"


def test_wishes_reach_the_agent_and_stops_end_the_answer(client: openai.OpenAI) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Which quay?"},
        {"role": "assistant", "content": "The old one.", "workbench": {"mode": "toy"}},
        *ASK,
    ]
    made = client.chat.completions.create(
        model="workbench-toy",
        messages=messages,
        stop=["ST", "nowhere"],
        temperature=0,
        max_tokens=6,
    )
    assert made.choices[0].message.content == "At six [1]. "
    asked = SEEN[-1]
    assert [(turn.content, turn.mode) for turn in asked.history] == [
        ("Which quay?", ""),
        ("The old one.", "toy"),
    ]
    spoken = asked.settings
    assert (spoken.system_prompt, spoken.temperature, spoken.answer_tokens) == ("Be brief.", 0, 6)
    long = client.chat.completions.create(model="workbench-toy", messages=ASK, max_tokens=6)
    assert long.choices[0].finish_reason == "length"


@pytest.mark.parametrize("piece", ["abcSTOPd", "a", "abS"])
def test_a_stop_may_come_in_pieces(piece: str) -> None:
    for size in range(1, len(piece) + 1):
        stops = Stops(["STOP"])
        parts = [piece[at : at + size] for at in range(0, len(piece), size)]
        said = "".join(stops.feed(part) for part in parts) + stops.rest()
        assert said == piece.partition("STOP")[0]


# what is sent -> status, a part of the message
WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"model": "gpt-9"}, 404, "no model"),
    ({"model": "workbench-documents:.chat-1"}, 404, "no model"),
    ({"model": "workbench-documents:nowhere"}, 404, "no model"),
    ({"messages": []}, 400, "messages"),
    ({"messages": [{"role": "system", "content": "x"}]}, 400, "no question"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "image_url"),
    ({"messages": [{"role": "user", "content": " "}]}, 400, "empty"),
    ({"temperature": 3}, 400, "temperature"),
    ({"n": 2}, 400, "one answer"),
    ({"tools": [TOOL], "tool_choice": "required"}, 400, "tool_choice"),
    ({"response_format": {"type": "json_object"}}, 400, "text"),
    ({"messages": [{"role": "user", "content": "it fails"}]}, 503, "Mend it."),
    ({"model": "workbench-tuned"}, 404, "no tuned model"),
]


def test_a_wrong_request_says_what_is_wrong(client: openai.OpenAI) -> None:
    for change, status, said in WRONG:
        sent = {"model": "workbench-toy", "messages": ASK} | change
        with pytest.raises(openai.APIStatusError, match=said) as wrong:
            client.chat.completions.create(**sent)
        assert wrong.value.status_code == status, change
        assert wrong.value.body["code"] and wrong.value.request_id
    with pytest.raises(openai.APIError, match="toy is broken"):
        list(
            client.chat.completions.create(
                model="workbench-toy", messages=[{"role": "user", "content": "fails"}], stream=True
            )
        )


def test_leaving_stops_the_agent(client: openai.OpenAI) -> None:
    endless = [{"role": "user", "content": "endless"}]
    CLOSED.clear()
    stream = client.chat.completions.create(model="workbench-toy", messages=endless, stream=True)
    for _ in range(5):
        next(stream)
    assert not CLOSED.is_set()
    stream.close()
    assert CLOSED.wait(5), "a client that closes its stream"
    CLOSED.clear()
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(
            model="workbench-toy", messages=endless
        )
    assert CLOSED.wait(5), "a client that waits for the whole answer no longer"


def test_langchain_asks_streams_calls_fails_and_leaves(address: str) -> None:
    def connect(model: str) -> ChatOpenAI:
        return ChatOpenAI(model=model, base_url=f"{address}/v1", api_key="none", max_retries=0)

    chat = connect("workbench-toy")
    whole = chat.invoke("When is high tide?")
    assert whole.content == "At six [1]. STOP here" and whole.usage_metadata["total_tokens"] == 26
    pieces = [chunk.content for chunk in chat.stream("When is high tide?")]
    assert "".join(pieces) == "At six [1]. STOP here" and len(pieces) > 3

    asked: list[Any] = [HumanMessage("When is high tide?")]
    bound = connect("workbench-assistant").bind_tools([TOOL])
    called = bound.invoke(asked)
    (call,) = called.tool_calls
    assert (call["name"], call["args"]) == ("look", {"day": "Monday"})
    asked += [called, ToolMessage("six", tool_call_id=call["id"])]
    assert bound.invoke(asked).content == "It said six."

    with pytest.raises(openai.NotFoundError, match="no model"):
        connect("gpt-9").invoke("hello")
    with pytest.raises(openai.APIError, match="toy is broken"):
        list(chat.stream("it fails"))

    CLOSED.clear()
    stream = chat.stream("endless")
    for _ in range(5):
        next(stream)
    stream.close()
    assert CLOSED.wait(5)


def test_the_clients_own_tools_are_called_by_the_client(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "workbench-assistant", "tools": [TOOL], "messages": ASK}
    first = client.chat.completions.create(**asked)
    (choice,) = first.choices
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls or []
    assert call.function.name == "look" and json.loads(call.function.arguments) == {"day": "Monday"}
    told = {"role": "tool", "tool_call_id": call.id, "content": "six"}
    asked["messages"] = [*ASK, choice.message.model_dump(exclude_none=True), told]
    stream = client.chat.completions.create(**asked, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "It said six."


def test_models_are_modes_and_what_they_answer_from(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {"workbench-auto", "workbench-documents:quay", "workbench-toy"} <= set(names)
    assert client.models.retrieve("workbench-documents:quay").owned_by == "workbench"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


def test_texts_become_vectors(client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "load_embedder", lambda name, settings: NoiseEmbedder())
    texts = ["High tide is at six.", "The harbour is full at six o'clock."]
    made = client.embeddings.create(model="workbench-embeddings", input=texts)  # asks for base64
    as_numbers = client.embeddings.create(
        model="workbench-embeddings", input=texts, encoding_format="float"
    )
    found = np.array([row.embedding for row in made.data])
    assert np.allclose(found, np.array([row.embedding for row in as_numbers.data]))
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)
    for wrong in ([], [1, 2], ["a", " "]):
        with pytest.raises(openai.BadRequestError):
            client.embeddings.create(model="workbench-embeddings", input=wrong)


def test_documents_chats_and_jobs_can_be_seen_and_removed(address: str, home: Path) -> None:
    with httpx.Client(base_url=f"{address}/v1") as http:
        (found,) = http.get("/collections").json()["data"]
        assert (found["name"], found["documents"]) == ("quay", 1)
        cited = http.get("/collections/quay/passages/p-1").json()
        assert cited["text"] == "High tide is at six." and cited["place"] == "p. 1"
        (document,) = http.get("/collections/quay/documents").json()["data"]
        assert http.delete("/collections/quay/documents/none").status_code == 404
        assert http.delete(f"/collections/quay/documents/{document['id']}").json()["deleted"]
        assert http.get("/collections/quay/documents").json()["data"] == []
        assert http.get("/collections/.chat-1/documents").status_code == 404
        sent = http.post(
            "/collections/new/documents", files={"files": ("../../evil name.txt", b"Six.")}
        )
        assert sent.status_code == 202 and (home / "uploads/new/evil name.txt").exists()
        job = sent.json()["id"]
        assert job in [one["id"] for one in http.get("/jobs").json()["data"]]
        assert http.post(f"/jobs/{job}/cancel").json()["state"] == "cancelled"
        assert http.get("/jobs/..%2Fruns").status_code in (400, 404)
        (chat,) = http.get("/chats", params={"search": "Tides"}).json()["data"]
        whole = http.get(f"/chats/{chat['id']}").json()
        assert [message["content"] for message in whole["messages"]] == ["When?", "At six."]
        assert whole["messages"][1]["workbench"]["queries"][0]["sql"] == "select 1"
        assert http.delete(f"/chats/{chat['id']}").json()["deleted"]
        assert http.get(f"/chats/{chat['id']}").status_code == 404
        assert http.get("/chats/99999999999999999999999").status_code == 404


def test_health_counts_and_pages_are_served(address: str) -> None:
    with httpx.Client(base_url=address) as http:
        assert http.get("/healthz").json() == http.get("/readyz").json() == {"status": "ok"}
        counts = http.get("/metrics").text
        assert 'workbench_requests_total{method="GET",route="/healthz",status="200"}' in counts
        assert "workbench_first_piece_seconds_bucket" in counts
        page = http.get("/docs")
        assert "/v1/chat/completions" in page.text and "http" not in page.text.split("<h2>")[0]
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert http.get("/healthz", headers={"host": "evil.example"}).status_code == 403
        assert (
            http.get("/healthz", headers={"x-request-id": "a-1"}).headers["x-request-id"] == "a-1"
        )
        assert http.request("PROPFIND", "/no%0Asuch").status_code == 404
        assert 'method="other",route="other",status="404"' in http.get("/metrics").text
        long = http.post("/v1/chat/completions", content=b" " * 33_000_000)
        assert long.status_code == 413 and long.json()["error"]["code"] == "too_long"
        no_text = http.post("/v1/embeddings", content=b"\xc8\xae\xff\xfe", headers=JSON)
        assert no_text.status_code == 400 and no_text.json()["error"]["message"]


def routes() -> list[tuple[str, str, str | None]]:
    """Method, path with its holes filled, and the scope that it needs; None where it names none."""
    found = []
    for route in iter_route_contexts(make_app(load_settings()).routes):
        dependant = getattr(route, "dependant", None)  # FastAPI's own pages have none
        calls = [one.call for one in dependant.dependencies] if dependant else []
        needs = next((call.scope for call in calls if isinstance(call, Needs)), None)
        path = re.sub(r"\{\w+(:path)?\}", "1", route.path)
        found += [(method, path, needs) for method in route.methods - {"HEAD"}]
    return found


def test_every_route_asks_for_a_key_with_its_scope(settings: Settings) -> None:
    found = routes()
    assert len(found) > 20
    good = create_key(settings, "none of them", ["jobs"])
    other = create_key(settings, "other", ["chat"])
    old = create_key(settings, "old", list(SCOPES), days=1e-9)
    checked = 0
    with served(settings) as url, httpx.Client(base_url=url) as http:
        for method, path, scope in found:
            if path in OPEN:
                assert http.request(method, path).status_code == 200
                continue
            assert scope is not None, f"{path} names no scope"
            for given in ("", "Bearer", "Bearer wrong", f"Basic {good}", f"Bearer {old}"):
                refused = http.request(method, path, headers={"authorization": given})
                assert refused.status_code == 401, (path, given)
                assert refused.json()["error"]["code"] == "invalid_api_key"
            lacking = other if scope == "jobs" else good
            refused = http.request(method, path, headers={"authorization": f"Bearer {lacking}"})
            assert scope == "" or refused.status_code == 403, path
            checked += 1
    assert checked > 15


def test_keys_are_made_shown_once_limited_and_revoked(settings: Settings) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(workbench, ["keys", *words])

    made = run("create", "team", "--scopes", "chat, jobs", "--per-minute", "2", "--json")
    key = json.loads(made.stdout)["key"]
    kept = (settings.home / "api_keys.json").read_text()
    assert key not in kept and len(key) > 40
    (row,) = list_keys(settings)
    assert find_key(key, [row]) == row and find_key(key[:-1], [row]) is None
    assert json.loads(run("list", "--json").stdout)["scopes"] == ["chat", "jobs"]
    assert run("create", "team", "--scopes", "chat").exit_code == 1, "the name is taken"
    assert "forecast" in run("create", "b", "--scopes", "all").output, "the known ones are named"
    with served(settings) as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        for _ in range(2):
            client.models.list()
        with pytest.raises(openai.RateLimitError) as limited:
            client.models.list()
        assert 1 <= int(limited.value.response.headers["retry-after"]) <= 31
        assert run("revoke", "team").exit_code == 0
        with pytest.raises(openai.AuthenticationError):
            client.models.list()
        assert httpx.get(f"{url}/v1/models").status_code == 401, "it is not open again"


def test_a_bucket_fills_again() -> None:
    buckets = Buckets()
    taken = [buckets.take("a", 6000) for _ in range(6000)]
    assert not any(taken[:6000])
    waits = [buckets.take("a", 6000) for _ in range(200)]
    wait = max(waits)
    assert 0 < wait <= 0.01
    time.sleep(wait)
    assert buckets.take("a", 6000) == 0 and buckets.take("b", 1) == 0


def test_others_reach_it_only_with_a_key_or_a_word(settings: Settings) -> None:
    outside = load_settings(host="0.0.0.0")
    with pytest.raises(InvalidInput, match="no key exists"):
        check_door(outside, insecure=False)
    check_door(outside, insecure=True)
    check_door(settings, insecure=False)
    said = CliRunner().invoke(workbench, ["serve", "--host", "0.0.0.0"])
    assert said.exit_code == 1 and "--insecure" in said.output
    create_key(settings, "team", ["chat"])
    check_door(outside, insecure=False)


JSON = {"content-type": "application/json"}
STARTS_JOBS = "POST /v1/collections/{name}/documents"
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_no_request_gets_an_answer_that_is_not_documented(
    mode: schemathesis.GenerationMode, address: str
) -> None:
    tried = 0
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    for result in schema.get_all_operations():
        operation = result.ok()
        if (mode.is_positive, operation.label) == (True, STARTS_JOBS):
            continue
        cases = operation.as_strategy(mode)

        @seed(1)
        @hypothesis_settings(
            max_examples=4,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def ask(case: schemathesis.Case) -> None:
            nonlocal tried
            tried += 1
            case.call_and_validate(checks=CHECKS)

        with suppress(Unsatisfiable, InvalidArgument):  # nothing is wrong without parameters
            ask()
    assert tried > 50

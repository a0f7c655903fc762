"""A model by name: which there are, which is picked, what a wrong name and a failing server say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import free_port
from model_servers import Script, openai_server
from pydantic import SecretStr
from serving import Answering, serving

from workbench.artefacts.model_folder import find_local
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.models.chosen import choose, choose_named, within_context
from workbench.models.listing import describe_model, list_models
from workbench.settings import Settings, load_settings

NAME = "openai:scripted"


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def remote(settings: Settings, script: Script) -> Iterator[Settings]:
    """Settings with the scripted server and no Ollama."""
    with openai_server(script) as url:
        yield load_settings(openai_base_url=url, ollama_host=f"127.0.0.1:{free_port()}")


def ask(settings: Settings, name: str = NAME) -> list[str]:
    return list(choose_named(name, settings).stream([("user", "Hello?")]))


def test_the_answer_streams_and_the_request_is_what_every_server_knows(
    remote: Settings, script: Script
) -> None:
    assert [piece for piece in ask(remote) if piece] == ["Hello", " there."]
    request = script.requests[0]
    assert request["stream"] is True
    assert request["max_tokens"] == 1024
    assert "max_completion_tokens" not in request


def test_thinking_streamed_beside_the_answer_is_kept_apart(
    remote: Settings, script: Script
) -> None:
    script.thinking = ["Let me", " see."]
    assert "".join(ask(remote)) == "<think>Let me see.</think>Hello there."


def test_the_key_comes_from_the_environment(
    remote: Settings, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_OPENAI_API_KEY", "of-the-person")
    settings = load_settings(openai_base_url=remote.openai_base_url)
    ask(settings)
    assert script.keys == ["Bearer of-the-person"]
    assert "of-the-person" not in repr(settings) + repr(choose_named(NAME, settings).chat_model())


def test_the_next_answer_takes_the_open_connection_and_asks_for_no_list(settings: Settings) -> None:
    """Chunks of HTTP/1.1, as every real server sends them: the last one ends the reply."""
    connections: list[object] = []
    lists: list[str] = []

    class Keeping(Answering):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            connections.append(self)
            super().setup()

        def do_GET(self) -> None:
            lists.append(self.path)
            self.send_whole("application/json", b'{"data": [{"id": "scripted"}]}')

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            choice = {"index": 0, "delta": {"content": "Hello"}, "finish_reason": "stop"}
            for data in (json.dumps({"choices": [choice]}), "[DONE]"):
                line = f"data: {data}\n\n".encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.write(b"0\r\n\r\n")

    with serving(Keeping) as url:
        remote = load_settings(home=settings.home, openai_base_url=f"{url}/v1")
        for _ in range(3):
            assert "".join(ask(remote)) == "Hello"
    assert (len(connections), len(lists)) == (2, 1), "one of the list, one of all answers"


@pytest.mark.parametrize(
    ("status", "kind", "fix"),
    [
        (400, InvalidInput, "WORKBENCH_CONTEXT_TOKENS"),
        (401, Unavailable, "WORKBENCH_OPENAI_API_KEY"),
        (403, Unavailable, "WORKBENCH_OPENAI_API_KEY"),
        (404, NotFound, "It has: scripted"),
        (500, Unavailable, "log"),
    ],
)
def test_what_the_server_refuses_is_said_with_its_fix(
    remote: Settings, script: Script, status: int, kind: type[Exception], fix: str
) -> None:
    script.status = status
    with pytest.raises(kind) as caught:
        ask(remote)
    assert fix in caught.value.fix  # type: ignore[attr-defined]


@pytest.mark.parametrize("breaks", ["hard", "quiet", "error"])
def test_an_answer_that_breaks_off_is_never_taken_for_whole(
    remote: Settings, script: Script, breaks: str
) -> None:
    script.breaks = breaks
    pieces = choose_named(NAME, remote).stream([("user", "Hello?")])
    said = []
    with pytest.raises(Unavailable):
        said.extend(iter(pieces.__next__, object()))  # keeps what came before the error
    assert script.requests


def test_a_server_that_is_not_there_says_so(settings: Settings) -> None:
    with pytest.raises(Unavailable, match="Nothing answers"):
        ask(load_settings(openai_base_url=f"http://127.0.0.1:{free_port()}/v1"))


def test_without_a_base_url_no_key_is_sent_anywhere(settings: Settings) -> None:
    with pytest.raises(Unavailable, match="No OpenAI-compatible server"):
        choose_named(NAME, settings).chat_model()


def test_models_are_listed_from_server_runs_and_folders(remote: Settings) -> None:
    for file in ("runs/roles/adapter/adapter_config.json", "models/base/config.json"):
        path = remote.home / file
        path.parent.mkdir(parents=True)
        path.write_text("{}", "utf-8")
    assert [model.name for model in list_models(remote)] == [NAME, "local:base", "local:roles"]
    chosen = choose(remote)
    assert chosen and chosen.name == NAME
    assert find_local("roles", remote) == remote.home / "runs/roles/adapter"
    assert find_local(str(remote.home / "models/base"), remote) == remote.home / "models/base"


def test_auto_without_any_model_picks_none(settings: Settings) -> None:
    assert choose(load_settings(ollama_host=f"127.0.0.1:{free_port()}")) is None


def test_a_wrong_local_name_suggests_the_near_one(settings: Settings) -> None:
    path = settings.home / "models" / "qwen3-4b" / "config.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}", "utf-8")
    with pytest.raises(NotFound) as caught:
        choose_named("local:qwen3-4", settings)
    assert "qwen3-4b" in caught.value.fix


@pytest.mark.parametrize("name", ["gpt", "ollama:", "local:", "openai:", "http://x", ""])
def test_a_name_of_no_kind_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(InvalidInput, match="not a model's name"):
        choose_named(name, settings)


def test_the_context_is_the_smaller_of_the_wish_and_the_model(remote: Settings) -> None:
    told = describe_model(NAME, remote)
    assert told.context_tokens == 4096
    fitted = within_context(told, load_settings(context_tokens=8192, answer_tokens=4000))
    assert (fitted.context_tokens, fitted.answer_tokens) == (4096, 2048)


def test_a_local_model_tells_its_context_and_digest(settings: Settings, tiny_model: Path) -> None:
    told = describe_model(f"local:{tiny_model}", settings)
    assert told.context_tokens == 512
    assert len(told.digest) == 64


def test_servers_that_talk_nonsense_count_as_not_there(settings: Settings) -> None:
    nowhere = load_settings(ollama_host="ftp://somewhere", openai_base_url="not an address")
    assert list_models(nowhere) == []


def test_settings_never_show_the_key() -> None:
    assert "hush-hush" not in repr(load_settings(openai_api_key=SecretStr("hush-hush")))

"""The model of an answer is resolved once: few requests, fitting settings, its own counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_servers import Script as OpenAIScript
from model_servers import openai_server
from recording_ollama import Script, recording_ollama
from tiny_models import PAIRS

from agents.answer import answer
from workbench.chat.events import Done
from workbench.errors import InvalidInput
from workbench.models.chosen import choose, choose_named
from workbench.models.listing import list_models
from workbench.settings import Settings, load_settings

ASKED = [("user", "Hello?")]


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def served(settings: Settings, script: Script) -> Iterator[Settings]:
    """Settings with the recording server as the only one."""
    with recording_ollama(script) as url:
        yield load_settings(ollama_host=url)


@pytest.mark.parametrize("model", ["auto", "ollama:tiny", "ollama:tiny:latest"])
def test_two_requests_at_most_come_before_the_answer(
    served: Settings, script: Script, model: str
) -> None:
    chosen = choose(served.model_copy(update={"model": model}))
    assert chosen
    assert "".join(chosen.stream(ASKED)) == "Hello there."
    assert script.before_the_answer == ["/api/tags", "/api/show"]
    assert script.paths.count("/api/chat") == 1


def test_what_a_digest_stands_for_is_asked_once(served: Settings, script: Script) -> None:
    for _ in range(2):
        chosen = choose(served)
        assert chosen and chosen.info.digest == "digest of tiny:latest"
        assert chosen.info.context_tokens == 8192
    assert script.paths == ["/api/tags", "/api/show", "/api/tags"]


def test_the_tuned_agent_asks_twice_at_most_before_the_answer(
    served: Settings, script: Script
) -> None:
    events = list(answer("Hello?", [], served.model_copy(update={"tuned": "ollama:tiny"}), "tuned"))
    assert isinstance(events[-1], Done)
    assert len(script.before_the_answer) <= 2


def test_the_settings_are_within_the_context_of_the_model(served: Settings, script: Script) -> None:
    script.models = {"small:latest": 600}
    chosen = choose_named("ollama:small", served)
    assert (chosen.settings.context_tokens, chosen.settings.answer_tokens) == (600, 300)
    list(chosen.changed(answer_tokens=4000, temperature=0.0).stream(ASKED))
    options = script.requests[-1][1]["options"]
    assert (options["num_ctx"], options["num_predict"], options["temperature"]) == (600, 300, 0.0)


def test_auto_passes_over_a_model_without_room_for_passages(
    served: Settings, script: Script
) -> None:
    script.models = {"small:latest": 512, "reader:latest": 4096}
    chosen = choose(served)
    assert chosen and chosen.name == "ollama:reader:latest"


def test_none_is_no_model(served: Settings, script: Script) -> None:
    assert choose(served.model_copy(update={"model": "none"})) is None
    assert not script.requests
    script.models = {}
    assert choose(served) is None


def test_the_persons_system_prompt_and_sampling_reach_every_kind_of_model(
    served: Settings, script: Script, settings: Settings, tiny_model: Path
) -> None:
    wanted = {"system_prompt": " Answer in rhyme. ", "top_p": 0.5, "temperature": 0.7}
    ollama = choose_named("ollama:tiny", served).changed(**wanted)
    list(ollama.stream([("system", "Cite."), *ASKED]))
    body = script.requests[-1][1]
    assert body["messages"][0] == {"role": "system", "content": "Answer in rhyme.\n\nCite."}
    assert body["options"]["top_p"] == 0.5
    remote = OpenAIScript()
    with openai_server(remote) as url:
        there = choose_named("openai:scripted", load_settings(openai_base_url=url))
        list(there.changed(**wanted).stream(ASKED))
    body = remote.requests[0]
    assert body["messages"][0] == {"role": "system", "content": "Answer in rhyme."}
    assert (body["top_p"], body["temperature"]) == (0.5, 0.7)
    local = choose_named(f"local:{tiny_model}", settings).changed(**wanted).chat_model()
    assert (local.top_p, local.temperature) == (0.5, 0.7)


def test_without_a_system_prompt_the_messages_stay_as_they_are(
    served: Settings, script: Script
) -> None:
    list(choose_named("ollama:tiny", served).changed(system_prompt=" ").stream(ASKED))
    assert [turn["role"] for turn in script.requests[-1][1]["messages"]] == ["user"]


def test_tokens_and_seconds_are_those_of_ollama(served: Settings, script: Script) -> None:
    reply = choose_named("ollama:tiny", served).stream(ASKED)
    assert [piece for piece in reply if piece] == ["Hello", " there."]
    assert (reply.tokens, reply.generating) == (7, 2.0)
    (done,) = reply.end(0.0, {})
    assert isinstance(done, Done)
    assert (done.read, done.window, done.estimated) == (11, 8192, False)


def test_tokens_are_those_of_the_openai_server(settings: Settings) -> None:
    script = OpenAIScript(usage=7)
    with openai_server(script) as url:
        reply = choose_named("openai:scripted", load_settings(openai_base_url=url)).stream(ASKED)
        assert "".join(reply) == "Hello there."
    assert script.requests[0]["stream_options"] == {"include_usage": True}
    assert reply.tokens == 7


def test_where_no_server_counts_tokens_the_pieces_are_counted(settings: Settings) -> None:
    script = OpenAIScript(pieces=("three ", "pieces ", "came"), usage=0)
    with openai_server(script) as url:
        reply = choose_named("openai:scripted", load_settings(openai_base_url=url)).stream(ASKED)
        list(reply)
    (done,) = reply.end(0.0, {})
    assert isinstance(done, Done)
    assert (done.tokens, done.estimated, done.read) == (3, True, 0)


def test_tokens_are_those_of_the_local_tokenizer(settings: Settings, tiny_model: Path) -> None:
    question, said = PAIRS[0]
    chosen = choose_named(f"local:{tiny_model}", settings).changed(temperature=0.0)
    reply = chosen.stream([("user", question)])
    pieces = list(reply)
    counted = chosen.chat_model().get_num_tokens(said) + 1  # and the token that ends the turn
    assert "".join(pieces) == said
    assert reply.tokens == counted
    assert 0 < reply.generating < 60


def test_a_corrupt_folder_hides_no_other_and_is_named_when_asked_for(
    settings: Settings, script: Script
) -> None:
    broken = {
        "models/cut/config.json": '{"model_type": ',
        "models/list/config.json": "[1, 2]",
        "runs/cut-run/adapter/adapter_config.json": "",
        "runs/no-base/adapter/adapter_config.json": "{}",
        "models/whole/config.json": json.dumps({"max_position_embeddings": 4096}),
    }
    for name, text in broken.items():
        path = settings.home / name
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
    script.models = {}
    with recording_ollama(script) as url:
        alone = load_settings(ollama_host=url)
        chosen = choose(alone)
        assert chosen and chosen.name == "local:whole"
        assert [model.name for model in list_models(alone)] == ["local:whole", "local:no-base"]
    for name in ("cut", "list", "cut-run", "no-base"):
        with pytest.raises(InvalidInput) as caught:
            choose_named(f"local:{name}", settings)
        assert name in caught.value.problem

"""The chat on a real Ollama server: it streams, breaks off, and is not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import free_port, running_ollama
from ollama import Client
from tiny_models import PAIRS, make_model

from rag.embeddings import load_embedder
from workbench.cli import workbench
from workbench.errors import NotFound, Unavailable
from workbench.models.chosen import choose, choose_named
from workbench.models.listing import describe_model, list_models
from workbench.settings import Settings, load_settings

pytestmark = pytest.mark.ollama


def test_it_streams_what_the_model_was_taught(ollama_server: str) -> None:
    settings = load_settings(ollama_host=ollama_server, temperature=0)
    chosen = choose_named("ollama:tiny", settings)
    checked = 0
    for question, reply in PAIRS:
        pieces = list(chosen.stream([("user", question)]))
        assert "".join(pieces) == reply
        assert len(pieces) > 1
        checked += 1
    assert checked == 6


def test_the_model_is_listed_and_described(ollama_server: str) -> None:
    settings = load_settings(ollama_host=ollama_server)
    assert [model.name for model in list_models(settings)] == ["ollama:tiny:latest"]
    for name in ("ollama:tiny", "ollama:tiny:latest"):
        told = describe_model(name, settings)
        assert (told.context_tokens, len(told.digest), told.thinks) == (512, 64, False)
    assert told.calls_tools is False  # its template shows no tools


def test_the_first_model_that_can_read_passages_is_picked(tmp_path: Path, tiny_model: Path) -> None:
    with running_ollama(tmp_path / "ollama") as server:
        server.create("small", tiny_model)
        settings = load_settings(ollama_host=server.url)
        assert choose(settings) is None
        server.create("reader", make_model(tmp_path / "reader", context=4096))
        chosen = choose(settings)
        assert chosen and chosen.name == "ollama:reader:latest"


def test_the_context_asked_for_is_one_that_the_model_has(ollama_server: str) -> None:
    model = choose_named("ollama:tiny", load_settings(ollama_host=ollama_server)).chat_model()
    assert model.num_ctx == 512  # type: ignore[attr-defined]
    assert model.num_predict == 256  # type: ignore[attr-defined]


def test_an_address_without_scheme_is_understood(ollama_server: str) -> None:
    settings = load_settings(ollama_host=ollama_server.removeprefix("http://"))
    assert [model.name for model in list_models(settings)] == ["ollama:tiny:latest"]


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    ollama_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    settings = load_settings(ollama_host=ollama_server, temperature=0)
    assert [model.name for model in list_models(settings)] == ["ollama:tiny:latest"]
    pieces = choose_named("ollama:tiny", settings).stream([("user", PAIRS[0][0])])
    assert "".join(pieces) == PAIRS[0][1]


def test_a_model_that_is_not_there_names_the_near_ones(ollama_server: str) -> None:
    settings = load_settings(ollama_host=ollama_server)
    with pytest.raises(NotFound) as caught:
        list(choose_named("ollama:tinny", settings).stream([("user", "Hi")]))
    assert "tinny" in caught.value.problem
    assert "ollama pull tinny" in caught.value.fix and "tiny:latest" in caught.value.fix


def test_a_server_that_is_down_says_how_to_start_it() -> None:
    settings = load_settings(ollama_host=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable) as caught:
        list(choose_named("ollama:tiny", settings).stream([("user", "Hi")]))
    assert "ollama serve" in caught.value.fix


def test_a_server_killed_in_mid_answer_keeps_what_was_said(tmp_path: Path) -> None:
    with running_ollama(tmp_path / "ollama") as server:
        # untaught, it never ends a turn; large enough that a kill comes in time
        server.create("rambler", make_model(tmp_path / "rambler", layers=8, width=256))
        settings = load_settings(ollama_host=server.url, temperature=1, answer_tokens=4000)
        pieces = choose_named("ollama:rambler", settings).stream([("user", "Tell me everything.")])
        said = [next(pieces)]
        server.kill()
        with pytest.raises(Unavailable, match="broke off"):
            said.extend(pieces)
        assert said[0]


def test_a_model_is_listed_tested_and_removed_by_command(
    ollama_server: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", ollama_server)
    monkeypatch.setenv("WORKBENCH_TEMPERATURE", "0")
    Client(ollama_server).copy("tiny", "copied")

    def run(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(workbench, ["models", *words, "--json"])
        return json.loads(done.stdout.splitlines()[0])

    listed = run("list")
    assert listed["name"] == "ollama:copied:latest"
    assert listed["size"] > 100_000 and listed["context_tokens"] == 512
    # the tiny model knows its own questions only
    monkeypatch.setattr("workbench.models.trying.QUESTION", PAIRS[0][0])
    tried = run("test", "ollama:copied")
    assert tried["answer"] == PAIRS[0][1]
    assert tried["tokens"] > 0 and 0 < tried["first_token"] < 60
    assert run("remove", "ollama:copied", "--yes")["removed"] == "ollama:copied"
    assert run("list")["name"] == "ollama:tiny:latest"
    # a name of a registry that cannot be reached, as the real server says it
    failed = run("pull", "ollama:127.0.0.1:9/library/none:latest")
    assert failed["event"] == "failed" and failed["fix"]


def test_its_embedding_api_embeds(ollama_server: str) -> None:
    settings = load_settings(ollama_host=ollama_server)
    vectors = load_embedder("ollama:tiny", settings).embed(["one", "two"])
    assert vectors.shape == (2, 64)


def test_a_published_model_is_scored_like_its_folder(
    ollama_server: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", ollama_server)
    questions = tmp_path / "pairs.jsonl"
    rows = [json.dumps({"question": question, "answer": reply}) for question, reply in PAIRS]
    questions.write_text("\n".join(rows), "utf-8")
    found = {}
    for model in ("ollama:tiny", str(tiny_model)):
        out = tmp_path / "said.jsonl"
        asked = ["finetune", "score", model, "--data", str(questions), "--out", str(out), "--json"]
        done = CliRunner().invoke(workbench, asked)
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout.splitlines()[-1])["exact"] == 1.0
        found[model] = out.read_text("utf-8")
    assert found["ollama:tiny"] == found[str(tiny_model)]

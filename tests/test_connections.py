"""What a workspace is connected to: remembered without secrets, tried before, several at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keyring
import pytest
from conftest import free_port
from fake_keyring import keyring_file
from keyring.backends import fail
from model_servers import Script, openai_server
from opened_pages import drawn, page
from recording_ollama import Script as OllamaScript
from recording_ollama import recording_ollama
from streamlit.testing.v1 import AppTest
from tiny_models import make_model

from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.models.chosen import choose, choose_named
from workbench.models.connecting import (
    connect_folder,
    connect_ollama,
    connect_server,
    forget_server,
    remove_model,
)
from workbench.models.listing import list_models
from workbench.models.trying import ask_one_token, models_of, try_model
from workbench.settings import Settings, load_settings

__all__ = ["keyring_file", "page"]
SECRET = "sk-of-the-person"


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without one, and the variable that a test may set is taken back."""
    keyring.set_keyring(fail.Keyring())
    monkeypatch.setenv("WORKBENCH_KEY_LAB", "")
    monkeypatch.delenv("WORKBENCH_KEY_LAB")


def written_in(settings: Settings) -> str:
    files = [path for path in settings.home.glob("*") if path.is_file()]
    return "".join(path.read_text("utf-8", "replace") for path in files)


def test_an_address_is_remembered_once_it_has_answered_and_the_environment_wins(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording_ollama(OllamaScript()) as url:
        assert connect_ollama(url.removeprefix("http://"), settings) == "0.24.0"
        assert load_settings().ollama_host == url
        monkeypatch.setenv("OLLAMA_HOST", "10.0.0.9")
        assert load_settings().ollama_host == url
        monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", "10.0.0.7:9")
        assert load_settings().ollama_host == "http://10.0.0.7:9"
        monkeypatch.delenv("WORKBENCH_OLLAMA_HOST")
        with pytest.raises(Unavailable, match="does not answer"):
            connect_ollama(f"127.0.0.1:{free_port()}", settings)
        assert load_settings().ollama_host == url


def test_several_servers_answer_by_name_beside_that_of_the_settings(
    settings: Settings, keyring_file: Path
) -> None:
    own, lab, shop = Script(), Script(pieces=("From the lab.",)), Script(models=("a/b",))
    with openai_server(own) as first, openai_server(lab) as second, openai_server(shop) as third:
        connect_server("Lab", f"{second}/", SECRET, settings)
        connect_server("shop", third, "", settings)
        now = load_settings(openai_base_url=first, ollama_host=f"127.0.0.1:{free_port()}")
        names = [model.name for model in list_models(now)]
        assert names == ["openai:scripted", "openai:lab/scripted", "openai:shop/a/b"]
        said = {name: "".join(choose_named(name, now).stream([("user", "Hi")])) for name in names}
        assert said["openai:lab/scripted"] == "From the lab."
        assert [script.requests[0]["model"] for script in (own, lab, shop)] == [
            "scripted",
            "scripted",
            "a/b",
        ]
        assert lab.keys == [f"Bearer {SECRET}"]
        assert own.keys == shop.keys == ["Bearer none"]
        remove_model("openai:lab", now)
        assert [model.name for model in list_models(now)] == [names[0], names[2]]
    assert json.loads(keyring_file.read_text("utf-8")) == {}
    with pytest.raises(NotFound, match="lab"):
        forget_server("lab", settings)


def test_a_key_is_in_the_keyring_alone_and_belongs_to_one_address(
    settings: Settings, keyring_file: Path
) -> None:
    script = Script()
    with openai_server(script) as url, openai_server(Script()) as elsewhere:
        connect_server("lab", url, SECRET, settings)
        assert SECRET in keyring_file.read_text("utf-8")
        assert SECRET not in written_in(settings)
        connect_server("lab", url, "", settings)  # again, without typing it
        list(choose_named("openai:lab/scripted", settings).stream([("user", "Hi")]))
        assert script.keys == [f"Bearer {SECRET}"]
        # who changes the address in the file does not get the key
        path = settings.home / "connections.json"
        path.write_text(path.read_text("utf-8").replace(url, elsewhere), "utf-8")
        model = choose_named("openai:lab/scripted", settings).chat_model()
        assert model.openai_api_key.get_secret_value() == "none"  # type: ignore[attr-defined]


def test_without_a_keyring_a_key_is_held_by_this_process_or_refused(
    settings: Settings, no_keyring: None
) -> None:
    script = Script()
    with openai_server(script) as url:
        with pytest.raises(Unavailable, match="no keyring") as caught:
            connect_server("lab", url, SECRET, settings)
        assert "WORKBENCH_KEY_LAB" in caught.value.fix
        connect_server("lab", url, SECRET, settings, keep=False)
        list(choose_named("openai:lab/scripted", settings).stream([("user", "Hi")]))
        assert script.keys == [f"Bearer {SECRET}"]
        assert SECRET not in written_in(settings)
        forget_server("lab", settings)
        connect_server("lab", url, "", settings)
        list(choose_named("openai:lab/scripted", settings).stream([("user", "Hi")]))
        assert script.keys[1] == "Bearer none"


def test_a_wrong_key_a_wrong_address_and_a_server_without_models_are_told_apart(
    settings: Settings, no_keyring: None
) -> None:
    script = Script(wanted_key="right")
    with openai_server(script) as url:
        with pytest.raises(Unavailable, match="asks for a key") as caught:
            connect_server("lab", url, "", settings)
        assert "WORKBENCH_KEY_LAB" in caught.value.fix
        with pytest.raises(Unavailable, match="refuses the key") as caught:
            connect_server("lab", url, SECRET, settings, keep=False)
        assert SECRET not in str(caught.value) + caught.value.fix
        with pytest.raises(Unavailable, match="No OpenAI-compatible server"):
            connect_server("lab", url.removesuffix("/v1"), "right", settings, keep=False)
        server = connect_server("lab", url, "right", settings, keep=False)
        script.status = 500
        with pytest.raises(Unavailable, match="status 500"):
            ask_one_token(server, "scripted")
        script.status, script.models = 200, ()
        with pytest.raises(Unavailable, match="has no model"):
            models_of(server)
        script.models = ("text-embedding-3", "gpt")
        assert models_of(server) == ["gpt", "text-embedding-3"]
        assert ask_one_token(server, "gpt") < 5
        assert script.requests[-1]["max_tokens"] == 1
    with pytest.raises(InvalidInput, match="not an address"):
        connect_server("lab", "127.0.0.1:8000/v1", "", settings)
    with pytest.raises(InvalidInput, match="server's name"):
        connect_server("a/b", url, "", settings)
    with pytest.raises(Unavailable, match="Nothing answers"):
        connect_server("lab", f"http://127.0.0.1:{free_port()}/v1", "", settings)


def test_a_folder_is_looked_at_before_it_is_connected(settings: Settings, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    name = connect_folder(str(model), settings)
    assert name == f"local:{model}"
    nowhere = load_settings(ollama_host=f"127.0.0.1:{free_port()}")
    assert [model.name for model in list_models(nowhere)] == [name]
    remove_model(name, settings)
    assert list_models(nowhere) == []
    assert (model / "config.json").exists()
    gguf, pickled, half = tmp_path / "gguf", tmp_path / "pickled", tmp_path / "half"
    for folder in (gguf, pickled, half):
        folder.mkdir()
    (gguf / "m.gguf").touch()
    for folder in (pickled, half):
        (folder / "config.json").write_text("{}", "utf-8")
    (pickled / "pytorch_model.bin").touch()
    (half / "a.safetensors").touch()
    index = {"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}
    (half / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    refused = {
        tmp_path / "none": "no folder",
        gguf: "no config.json",
        pickled: "no safetensors",
        half: "b.safetensors is missing",
    }
    for folder, reason in refused.items():
        with pytest.raises((NotFound, InvalidInput), match=reason):
            connect_folder(str(folder), settings)
    (half / "b.safetensors").touch()
    with pytest.raises(InvalidInput, match="no chat template"):
        connect_folder(str(half), settings)


def test_a_damaged_file_is_named_and_other_servers_cost_ollama_no_request(
    settings: Settings, keyring_file: Path
) -> None:
    script, other = OllamaScript(), Script()
    with recording_ollama(script) as url, openai_server(other) as remote:
        connect_server("lab", remote, "", settings)
        other.asked_for_models = 0
        chosen = choose(load_settings(ollama_host=url))
        assert chosen and "".join(chosen.stream([("user", "Hi")])) == "Hello there."
        assert script.before_the_answer == ["/api/tags", "/api/show"]
        assert other.asked_for_models == 0
        tried = try_model("ollama:tiny", load_settings(ollama_host=url))
        assert (tried.answer, tried.tokens, tried.tokens_per_second) == ("Hello there.", 7, 3.5)
    (settings.home / "connections.json").write_text('{"servers": 3}', "utf-8")
    with pytest.raises(InvalidInput, match=r"connections\.json is damaged"):
        load_settings()


def test_a_machine_without_a_keyring_offers_a_clear_choice(
    page: Callable[..., AppTest], no_keyring: None
) -> None:
    app = page("agents/ui/chat.py")
    app.button(key="connect").click().run()
    drawn(app)
    shown = [option.replace("\\_", "_") for option in app.radio(key="server_keeping").options]
    assert shown == [
        "Keep it until the app is stopped",
        "I export it as WORKBENCH_KEY_NAME",
    ]

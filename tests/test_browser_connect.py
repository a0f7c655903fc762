"""“Connect a model” in Chromium: each kind tried, chosen and remembered without a restart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from browser import running_app
from fake_keyring import BACKEND
from model_servers import Script as ServerScript
from model_servers import openai_server
from recording_ollama import Script, recording_ollama
from tiny_models import make_model

pytestmark = pytest.mark.browser
SECRET = "sk-of-the-person"
WORDS = {
    "en": ("Connect a model", "Address", "Test", "Download", "Save", "Delete", "Connect", "in use"),
    "zh": ("连接模型", "地址", "测试", "下载", "保存", "删除", "连接", "使用中"),
}
CHANGED = ".st-key-changed"  # what says that a model was chosen
SLOWEST = 60_000  # milliseconds


@dataclass
class Place:
    """The app, its workspace, and the servers that can be connected."""

    url: str
    home: Path
    ollama: Script
    ollama_url: str
    server: ServerScript
    server_url: str

    def written(self) -> str:
        files = [path for path in self.home.parent.rglob("*") if path.is_file()]
        kept = [path for path in files if path.name != "keyring.json"]
        return "".join(path.read_text("utf-8", "replace") for path in kept)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("connect") / "workspace"
    (home / "data").mkdir(parents=True)
    (home / "index.db").touch()  # no examples: they take their time
    ollama, server = Script(pull_pause=0.4), ServerScript(wanted_key=SECRET)
    with (
        pytest.MonkeyPatch.context() as environment,
        recording_ollama(ollama) as ollama_url,
        openai_server(server) as server_url,
    ):
        environment.setenv("OLLAMA_HOST", "127.0.0.1:9")
        environment.setenv("PYTHON_KEYRING_BACKEND", BACKEND)
        environment.setenv("FAKE_KEYRING", str(home.parent / "keyring.json"))
        environment.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=":")
        with running_app(home, ollama_host=None) as url:
            yield Place(url, home, ollama, ollama_url, server, server_url)


def open_dialog(page: Any, language: str, tab: int) -> Any:
    page.get_by_role("button", name=WORDS[language][0]).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("tab").nth(tab).click()
    return dialog


@pytest.mark.parametrize("language", ["en", "zh"])
def test_ollama_is_connected_pulled_from_chosen_and_cleared(
    place: Place, open_page: Callable[..., Any], language: str
) -> None:
    _, address, test, download, _, delete, _, in_use = WORDS[language]
    name = f"qwen3:{language}"
    page = open_page(language, at=place.url)
    dialog = open_dialog(page, language, 0)
    dialog.get_by_label(address).first.fill("127.0.0.1:9")
    dialog.get_by_role("button", name=test, exact=True).click()
    dialog.get_by_text("ollama serve").wait_for()
    dialog.get_by_label(address).first.fill(place.ollama_url)
    dialog.get_by_role("button", name=test, exact=True).click()
    dialog.get_by_text("ollama:tiny:latest").wait_for()
    dialog.get_by_placeholder("qwen3:4b").fill(name)
    dialog.get_by_role("button", name=download, exact=True).click()
    dialog.get_by_text(re.compile(r"MB.* / 100")).wait_for(timeout=SLOWEST)
    dialog.wait_for(state="detached", timeout=SLOWEST)
    page.locator(CHANGED).get_by_text(f"ollama:{name}").wait_for()
    # remembered by the workspace, and in reach although a model is connected
    assert place.ollama_url in (place.home / "connections.json").read_text("utf-8")
    dialog = open_dialog(page, language, 0)
    row = dialog.locator(f".st-key-model-{name.replace(':', '-')}")
    row.get_by_text(in_use).wait_for()
    row.get_by_role("button", name=delete).click()
    row.get_by_test_id("stBaseButton-primary").click()
    row.wait_for(state="detached")
    assert list(place.ollama.models) == ["tiny:latest"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_server_and_a_folder_are_tried_saved_and_chosen(
    place: Place, open_page: Callable[..., Any], tmp_path: Path, language: str
) -> None:
    _, _, test, _, save, _, connect, _ = WORDS[language]
    page = open_page(language, "models", at=place.url)
    dialog = open_dialog(page, language, 1)
    dialog.get_by_placeholder("vllm").fill(f"lab-{language}")
    dialog.get_by_placeholder("http://127.0.0.1:8000/v1").fill(place.server_url)
    dialog.locator("input[type=password]").fill("wrong")
    dialog.get_by_role("button", name=save).click()
    alert = dialog.get_by_test_id("stAlert")
    alert.get_by_text(f"WORKBENCH_KEY_LAB_{language.upper()}").wait_for()
    dialog.locator("input[type=password]").fill(SECRET)
    dialog.get_by_role("button", name=test, exact=True).click()
    alert.get_by_text("scripted").first.wait_for()
    assert place.server.requests[-1]["max_tokens"] == 1
    dialog.get_by_role("button", name=save).click()
    dialog.wait_for(state="detached")
    changed = page.locator(CHANGED)
    changed.get_by_text(f"openai:lab-{language}/scripted").wait_for()
    assert SECRET not in place.written()
    assert SECRET in (place.home.parent / "keyring.json").read_text("utf-8")
    model = make_model(tmp_path / "model")
    dialog = open_dialog(page, language, 2)
    field = dialog.get_by_placeholder("~/models")
    field.fill(str(tmp_path / "nothing"))
    dialog.get_by_role("button", name=connect, exact=True).click()
    dialog.get_by_test_id("stAlert").get_by_text("Qwen/Qwen3-0.6B").wait_for()
    field.fill(str(model))
    dialog.get_by_role("button", name=connect, exact=True).click()
    dialog.wait_for(state="detached")
    changed.get_by_text(f"local:{model}").wait_for()

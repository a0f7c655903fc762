"""What is chosen for a chat: kept with it, loaded with it, taken back where its thing is gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner
from opened_pages import drawn, texts
from recording_ollama import Script, recording_ollama
from streamlit.testing.v1 import AppTest

from agents.choices import keep_last, last_choices, usable
from agents.presets import Preset, find_preset, read_shelf, save_preset, set_default
from agents.prompts import delete_prompt, list_prompts, save_prompt
from rag.ingest import ingest
from rag.store import open_collection
from workbench.chat.conversations import Conversations
from workbench.chat.streams import STREAMS
from workbench.cli import workbench
from workbench.errors import InvalidInput, NotFound
from workbench.settings import Settings
from workbench.start.run import ROOT

CHAT = "agents/ui/chat.py"
NAME = "合同 助手"


@pytest.fixture
def script(settings: Settings) -> Iterator[Script]:
    """A scripted Ollama with one model, as the only server of the pages."""
    made = Script()
    with recording_ollama(made):
        yield made


@pytest.fixture
def chat(script: Script, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """`chat(language, number)` opens the chat page, or the chat of that number."""

    def open_it(language: str = "en", number: int | None = None) -> AppTest:
        monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", script.url)
        monkeypatch.setenv("WORKBENCH_LANGUAGE", language)
        app = AppTest.from_file(str(ROOT / CHAT), default_timeout=60)
        if number is not None:
            app.query_params["chat"] = str(number)
        return drawn(app.run())

    monkeypatch.chdir(ROOT)
    return open_it


def two_collections(settings: Settings) -> None:
    folder = settings.home.parent
    for name, text in (("handbook", "The quay is 90 metres long."), ("法规", "第七条：保证金。")):
        (folder / f"{name}.txt").write_text(text, "utf-8")
        ingest([folder / f"{name}.txt"], name, settings)


def chosen(app: AppTest) -> dict[str, object]:
    state = app.session_state
    return {**state["choices"], **state["spoken"], "mode": state["mode"]}


def label_of(app: AppTest, key: str) -> str:
    return app.menu_button(key=key).label.replace("\\", "")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_chat_keeps_its_choices_and_another_has_its_own(
    settings: Settings, script: Script, chat: Callable[..., AppTest], language: str
) -> None:
    two_collections(settings)
    script.models = {"tiny:latest": 8192, "other:latest": 8192}
    app = chat(language)
    assert label_of(app, "choose-model") == ":gray[tiny:latest]"
    drawn(app.menu_button(key="choose-mode").set_value("documents").run())
    drawn(app.menu_button(key="choose-model").set_value("ollama:other:latest").run())
    drawn(app.button_group(key="choose-collection").set_value(["handbook", "法规"]).run())
    drawn(app.text_area(key="set-system_prompt").set_value("Answer in rhyme.").run())
    drawn(app.slider(key="set-temperature").set_value(0.7).run())
    drawn(app.number_input(key="set-answer_tokens").set_value(512).run())
    wanted = {
        "mode": "documents",
        "model": "ollama:other:latest",
        "collection": "handbook, 法规",
        "system_prompt": "Answer in rhyme.",
        "temperature": 0.7,
        "answer_tokens": 512,
    }
    assert chosen(app) == wanted
    assert chosen(chat(language)) == wanted, "a reload before the first question"
    assert "temperature" not in app.session_state["choices"], "other pages do not see it"
    drawn(app.chat_input(key="question").set_value("How long is the quay?").run())
    conversations = Conversations(settings.database)
    first = conversations.recent()[0]
    assert first.settings == wanted
    for message in conversations.messages(first.id):
        stream = STREAMS.get(conversations, message.id)
        assert stream is None or stream.ended.wait(30)
    body = next(body for path, body in script.requests if path == "/api/chat")
    assert body["messages"][0]["content"].startswith("Answer in rhyme.\n\n")
    assert body["options"]["num_predict"] == 512 and body["model"] == "other:latest"
    second = conversations.create("another")
    conversations.set_settings(second, {"mode": "data", "temperature": 0.0})
    assert chosen(chat(language, second)) == {"mode": "data", "temperature": 0.0}
    app = chat(language, first.id)
    assert chosen(app) == wanted
    assert app.text_area(key="set-system_prompt").value == "Answer in rhyme."
    drawn(app.button(key="reset-more").click().run())
    assert "temperature" not in conversations.conversation(first.id).settings
    assert chosen(app)["model"] == "ollama:other:latest"
    app.session_state["choices"]["collection"] = "法规"  # as the Knowledge page does
    del app.query_params["chat"]
    drawn(app.run())
    assert chosen(app)["collection"] == "法规", "a new chat has what was made in the meantime"
    assert conversations.conversation(first.id).settings["collection"] == "handbook, 法规"


def test_what_was_deleted_meanwhile_is_replaced_and_said(
    settings: Settings, script: Script, chat: Callable[..., AppTest]
) -> None:
    two_collections(settings)
    conversations = Conversations(settings.database)
    number = conversations.create("old")
    stale = {
        "collection": "法规, handbook",
        "source": "old_shop",
        "model": "ollama:gone:latest",
        "tuned": "local:gone-run",
        "mode": "side_by_side",
    }
    conversations.set_settings(number, stale)
    open_collection(settings, "法规").delete()
    app = chat("en", number)
    assert chosen(app) == {"collection": "handbook", "mode": "side_by_side"}
    said = texts(app)
    for gone in ("法规", "old_shop", "ollama:gone:latest", "local:gone-run"):
        assert f"“{gone}” no longer exists" in said
    assert "searches “handbook”" in said
    drawn(app.run())
    assert "old_shop" in texts(app), "said until something else is opened or chosen"
    zh = texts(chat("zh", _with(conversations, {"source": "old_shop"})))
    assert "数据库“old_shop”已不存在" in zh


def _with(conversations: Conversations, settings: dict[str, object]) -> int:
    number = conversations.create("one more")
    conversations.set_settings(number, settings)
    return number


def test_a_server_that_does_not_answer_keeps_its_models(
    settings: Settings, script: Script, chat: Callable[..., AppTest]
) -> None:
    number = _with(Conversations(settings.database), {"model": "ollama:later"})
    script.models = {}
    app = chat("en", number)
    assert chosen(app)["model"] == "ollama:later"


def test_only_what_a_chat_may_choose_is_taken_from_a_stored_one() -> None:
    hostile = {
        "home": "/",
        "ollama_host": "http://elsewhere",
        "openai_api_key": "k",
        "mode": "no such agent",
        "temperature": 9,
        "answer_tokens": "many",
        "top_p": 0.5,
        "collection": "laws",
    }
    assert usable(hostile) == {"top_p": 0.5, "collection": "laws"}
    assert usable("nonsense") == {} == usable(None)


def test_a_preset_is_saved_chosen_renamed_deleted_and_brought_back(
    settings: Settings, script: Script, chat: Callable[..., AppTest]
) -> None:
    app = chat("zh")
    drawn(app.menu_button(key="choose-mode").set_value("documents").run())
    drawn(app.slider(key="set-temperature").set_value(0.0).run())
    app.text_input(key="preset-name").set_value(f"  {NAME} ")
    drawn(app.button(key="save-preset-button").click().run())
    kept = {"mode": "documents", "temperature": 0.0}
    assert find_preset(NAME, settings) == Preset(NAME, "smart_toy", kept)
    drawn(app.menu_button(key="choose-mode").set_value("data").run())
    drawn(app.button(key="preset-card-0").click().run())
    assert chosen(app) == kept
    drawn(app.menu_button(key="preset-menu-0").set_value("default").run())
    keep_last({"mode": "data"}, settings)
    assert chosen(chat("zh")) == kept, "the default preset wins over the last choices"
    drawn(app.menu_button(key="preset-menu-0").set_value("delete").run())
    assert read_shelf(settings).presets == ()
    undo = next(one for one in app.button if (one.key or "").endswith("-undo"))
    drawn(undo.click().run())
    shelf = read_shelf(settings)
    assert shelf.default == NAME and shelf.named(NAME)


def test_the_command_line_asks_with_a_preset(settings: Settings, script: Script) -> None:
    kept = {"mode": "data", "model": "none", "source": "nowhere"}
    save_preset(Preset(NAME, "star", kept), settings)
    shown = CliRunner().invoke(workbench, ["ask", "how many?", "--preset", NAME, "--json"])
    events = [json.loads(line) for line in shown.stdout.splitlines()]
    assert events[0]["mode"] == "data" and "nowhere" in events[-1]["problem"]
    shown = CliRunner().invoke(workbench, ["ask", "how many?", "--preset", "合同"])
    assert shown.exit_code == 1 and NAME in shown.output


def test_a_bad_or_damaged_preset_is_said_and_the_file_is_left(settings: Settings) -> None:
    for name in ("", "  ", "x" * 41):
        with pytest.raises(InvalidInput, match="1 to 40"):
            save_preset(Preset(name, "star", {}), settings)
    with pytest.raises(NotFound):
        set_default("nobody", settings)
    file = settings.folder() / "presets.json"
    for damaged in ("{", "[1]", '{"presets": [3]}'):
        file.write_text(damaged, "utf-8")
        with pytest.raises(InvalidInput, match=r"presets\.json"):
            save_preset(Preset("a", "star", {}), settings)
        assert file.read_text("utf-8") == damaged
    (settings.folder() / "last_choices.json").write_text("{", "utf-8")
    assert last_choices(settings) == {}


def test_prompts_are_examples_first_then_the_persons_own(
    settings: Settings, script: Script, chat: Callable[..., AppTest]
) -> None:
    assert len(list_prompts(settings, "en")) == len(list_prompts(settings, "zh")) == 3
    app = chat("en")
    app.text_input(key="prompt-name").set_value("Clause")
    app.text_area(key="prompt-text").set_value("Explain clause {n}.")
    drawn(app.button(key="save-prompt-button").click().run())
    assert list_prompts(settings, "en")[0].text == "Explain clause {n}."
    undo = delete_prompt("Summary", settings)
    assert "Summary" not in [prompt.name for prompt in list_prompts(settings, "en")]
    save_prompt("Meanwhile", "Kept.", settings)
    undo()
    names = [prompt.name for prompt in list_prompts(settings, "en")]
    assert "Summary" in names and "Meanwhile" in names
    with pytest.raises(InvalidInput, match="empty"):
        save_prompt("Nothing", " ", settings)
    drawn(app.button(key="prompt-0").click().run())
    assert app.chat_input(key="question").proto.value == "Explain clause {n}."
    assert not Conversations(settings.database).recent(), "it is not sent by itself"

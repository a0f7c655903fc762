"""Two spaces, and two people in one, hold the same names in one process: each reads its own."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from fake_keyring import FileKeyring
from keyring.backends import fail
from retrieval_fakes import DIMENSION, NoiseEmbedder, fill

from agents.attached import chat_collection, forget_gone, keep_in_chat
from agents.choices import keep_last, last_choices
from agents.databases.introspect import load_schema
from agents.databases.notes import add_pair, describe, load_notes, set_writer
from agents.databases.passwords import password_of, variable_of
from agents.databases.runner import ask_database
from agents.databases.sources import add_source, find_source, remove_source
from agents.forecast.shelf import promote, remove_forecast
from agents.learning.memory import learned, switch
from agents.loop.batches import freeze
from agents.loop.candidates import read_items
from agents.loop.review import accept, read_review
from agents.mcp.kept import Server, address_of, keep_server, read_servers
from agents.presets import Preset, read_shelf, save_preset
from agents.prompts import list_prompts, save_prompt
from deploy.versions import publishing
from finetune.run.new_run import check_text, data_files
from finetune.run.runs import find_run
from rag.chroma import ChromaIndex
from rag.lexical_files import lexical_index
from rag.store import create_collection, delete_collection, list_collections, open_collection
from workbench.artefacts.published import is_elsewhere
from workbench.artefacts.run_folder import taught_by
from workbench.chat.conversations import Conversations
from workbench.chat.events import Done, Event, Token
from workbench.chat.streams import Streams
from workbench.chat_data import chat_data
from workbench.connections import Connections, change_connections, read_connections
from workbench.connections import Server as Connected
from workbench.errors import Forbidden, NotFound, WorkbenchError
from workbench.jobs import job as jobs
from workbench.jobs.job import find_job, list_jobs, start
from workbench.models.connecting import connect_folder, connect_ollama, forget_server, remove_model
from workbench.models.keys import keep_key, key_of
from workbench.models.listing import list_folders
from workbench.settings import Settings, load_settings
from workbench.ui.models import reachable_models
from workbench.ui.uploads import save_uploads

ADDRESS = "postgresql://reader@127.0.0.1:1/shop"
NOWHERE = "http://127.0.0.1:1"
EMBEDDER = NoiseEmbedder()


class File:
    """An uploaded file."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._text = text

    def getbuffer(self) -> memoryview:
        return memoryview(self._text.encode())


@pytest.fixture(scope="module", autouse=True)
def own_keyring_and_no_commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Jobs are written and looked at; what they run is nobody's concern here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "launch", lambda folder, private: None)
        patch.setenv("FAKE_KEYRING", str(tmp_path_factory.mktemp("keyring") / "keyring.json"))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        keyring.set_keyring(FileKeyring())
        yield
    keyring.set_keyring(fail.Keyring())


def settings_of(root: Path, place: str, **changes: Any) -> Settings:
    facts = {"role": "editor", "ollama_host": NOWHERE, "model": "none"} | changes
    return load_settings().model_copy(update={"home": (root / place).absolute(), **facts})


def collection(settings: Settings, name: str, text: str) -> None:
    made = create_collection(settings, name, EMBEDDER.name, DIMENSION)
    fill(made, {"page.md": text}, EMBEDDER)


def chat(settings: Settings, text: str) -> int:
    """Chat 1: a question, and an answer that was rated good."""
    conversations = Conversations(settings.database)
    number = conversations.create(text)
    conversations.add(number, "user", f"What is {text}?")
    answer = conversations.add(number, "assistant", text, settings={"mode": "documents"})
    conversations.save(answer, [Token(text), Done("m", 0.1)], "done")
    conversations.rate(answer, 1)
    conversations.reroute(f"What is {text}?", "data")
    return number


def furnish(settings: Settings, mark: str) -> Settings:
    """A space with one of each; the mark is in the contents alone, never in a name."""
    collection(settings, "handbook", f"The word is {mark}.")
    with sqlite3.connect(settings.folder("data") / "kept.sqlite") as database:
        database.execute("create table words (word text)")
        database.execute("insert into words values (?)", (mark,))
    add_source(settings, "shop", str(settings.folder("data") / "kept.sqlite"))
    source = find_source(settings, "shop")
    describe(source, settings, load_schema(source, settings), "words", f"about {mark}", [])
    add_pair(source, settings, "Which word?", f"select '{mark}'")
    add_source(settings, "far", ADDRESS.replace("@", f":{mark}@"))
    run = settings.folder("runs", "demo")
    (run / "adapter").mkdir()
    (run / "adapter/adapter_config.json").write_text('{"base_model_name_or_path": "x/y"}')
    (run / "run.toml").write_text(f"# {mark}\n")
    turns = [{"role": "user", "content": "Word?"}, {"role": "assistant", "content": mark}]
    (run / "data").mkdir()
    (run / "data/train.jsonl").write_text(json.dumps({"messages": turns}) + "\n")
    chat(settings, mark)
    save_preset(Preset("mine", "star", {"system_prompt": mark}), settings)
    save_prompt("mine", mark, settings)
    keep_last({"system_prompt": mark}, settings)
    server = Connected(base_url="http://h/v1", has_key=True, space=far(settings).space)
    change_connections(settings.home, lambda now: Connections(servers={"vllm": server}))
    keep_key("vllm", server, mark)
    keep_server("wiki", Server(base_url=f"http://{mark}/"), settings)
    start(settings, mark, ["jobs", "list"])
    keep_in_chat(settings, 1, [File("letter.md", mark)])
    (settings.folder("models", "tiny") / "config.json").write_text(f'{{"mark": "{mark}"}}')
    save_uploads(settings, "training", [File("rows.jsonl", mark)])
    return settings


def far(settings: Settings) -> Any:
    return find_source(settings, "far")


def rows(settings: Settings) -> Any:
    source = find_source(settings, "shop")
    return ask_database("select word from words", load_schema(source, settings), source, settings)


def nearest(settings: Settings) -> str:
    """Through Chroma and back, so that another space's vectors would show."""
    opened = open_collection(settings, "handbook")
    (found,) = opened.nearest(EMBEDDER.embed(["x"]), 5)
    passages, _ = opened.passages_and_vectors(list(found))
    return " ".join(passage.text for passage in passages)


def vllm_key(settings: Settings) -> str:
    return key_of("vllm", read_connections(settings.home).servers["vllm"]).get_secret_value()


READERS: dict[str, Callable[[Settings], Any]] = {
    "passages": lambda s: [one.text for one in open_collection(s, "handbook").passages()],
    "vectors": nearest,
    "words": lambda s: [text for _, text in open_collection(s, "handbook").texts()],
    "rows": lambda s: rows(s)[1].rows,
    "schema": lambda s: load_schema(find_source(s, "shop"), s).tables[0].columns[0].samples,
    "notes": lambda s: load_notes(find_source(s, "shop"), s),
    "password": lambda s: password_of("far", far(s).url, far(s).space),
    "run": lambda s: find_run("demo", s).run_file.read_text(),
    "taught": lambda s: taught_by("local:demo", s),
    "chat": lambda s: [one.content for one in Conversations(s.database).messages(1)],
    "found": lambda s: [one.title for one in Conversations(s.database).recent()],
    "chat data": lambda s: chat_data(s).read_text(),
    "judged": lambda s: [one.question for one in learned(s).judgements],
    "candidates": lambda s: [one.answer for one in read_items(s)],
    "review": lambda s: [one.item.answer for one in read_review(s)],
    "preset": lambda s: read_shelf(s).presets,
    "prompt": lambda s: [one.text for one in list_prompts(s, "en") if one.name == "mine"],
    "last choices": last_choices,
    "key": vllm_key,
    "MCP": lambda s: read_servers(s)["wiki"].base_url,
    "jobs": lambda s: [job.title for job in list_jobs(s)],
    "attached": lambda s: (s.own.home / "attached/1/letter.md").read_text(),
    "uploads": lambda s: [path.read_text() for path in data_files(s)],
}


@pytest.fixture(scope="module")
def spaces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Settings]:
    """Anna's, Bob's and a group's, below one workspace that has the same names too."""
    root = tmp_path_factory.mktemp("apart").resolve()
    places = {
        "amber": "spaces/people/anna",
        "basalt": "spaces/people/bob",
        "coral": "spaces/groups/crew",
        "main": "",
    }
    return {mark: furnish(settings_of(root, place), mark) for mark, place in places.items()}


def test_every_reader_gives_its_own_space(spaces: dict[str, Settings]) -> None:
    wrong = []
    for name, read in READERS.items():
        for mark in [*spaces, *reversed(spaces)]:  # again, when all of them have been cached
            said = str(read(spaces[mark]))
            others = [other for other in spaces if other != mark and other in said]
            if mark not in said or others:
                wrong.append((name, mark, said[:200]))
    assert wrong == []
    assert len(READERS) > 20
    for mark, settings in spaces.items():
        index = lexical_index(open_collection(settings, "handbook"))
        assert [index.held(other) for other in spaces] == [int(one == mark) for one in spaces]
        assert [model.name for model in list_folders(settings)] == ["local:tiny"]


def test_secrets_of_one_space_are_no_others(
    spaces: dict[str, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable or a keyring's entry belongs to the space too, not to a name that all may use."""
    variables = {variable_of("far", far(settings).space) for settings in spaces.values()}
    assert len(variables) == len(spaces) and "WORKBENCH_DATA_PASSWORD_FAR" in variables
    monkeypatch.setenv("WORKBENCH_DATA_PASSWORD_FAR", "of the admins")
    monkeypatch.setenv("WORKBENCH_KEY_VLLM", "of the admins")
    assert READERS["password"](spaces["main"]) == vllm_key(spaces["main"]) == "of the admins"
    assert READERS["password"](spaces["amber"]) == vllm_key(spaces["amber"]) == "amber"
    remove_source(spaces["coral"], "far")
    forget_server("vllm", spaces["coral"])
    assert READERS["password"](spaces["basalt"]) == vllm_key(spaces["basalt"]) == "basalt"
    wiki = read_servers(spaces["amber"])["wiki"]
    assert address_of(wiki).space == far(spaces["amber"]).space


def test_models_are_listed_for_each_space(spaces: dict[str, Settings]) -> None:
    spaces["amber"].folder("models", "second").joinpath("config.json").write_text("{}")
    shown = {mark: reachable_models(settings) for mark, settings in spaces.items()}
    assert "local:second" in shown["amber"] and "local:second" not in shown["basalt"]
    spaces["basalt"].folder("deploy", "tuned", "v1")
    assert is_elsewhere("tuned:v1", spaces["amber"]) and is_elsewhere("tuned", spaces["main"])
    assert not is_elsewhere("tuned", spaces["basalt"])
    admin = spaces["amber"].model_copy(update={"role": "admin"})
    assert not is_elsewhere("tuned", admin)


def test_one_space_closes_no_index_of_another(spaces: dict[str, Settings]) -> None:
    for settings in spaces.values():
        assert nearest(settings)
    delete_collection(spaces["coral"], "handbook")
    assert "basalt" in nearest(spaces["basalt"])
    with pytest.raises(NotFound):
        nearest(spaces["coral"])


def test_a_chroma_server_that_spaces_share_has_other_names_for_each(
    spaces: dict[str, Settings],
) -> None:
    """Collections are counted from 1 in each space; dropping one's must leave the others'."""
    prefixes = []
    for settings in [*spaces.values(), spaces["coral"].model_copy(update={"person": "anna"}).own]:
        there = settings.model_copy(update={"chroma_url": "http://127.0.0.1:1"})
        prefixes.append(ChromaIndex(there, 1, 1, lambda: 1).prefix)
    assert len(set(prefixes)) == len(prefixes) and "collection-1-" in prefixes
    for prefix in prefixes:
        assert [one for one in prefixes if f"{one}1".startswith(prefix)] == [prefix]
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]+", f"{prefix}1") and len(prefix) < 60


@pytest.fixture
def crew(settings: Settings) -> dict[str, Settings]:
    """Two people in a group's space, each with a chat 1 and a file in it."""
    root = settings.home.resolve()
    people = {
        name: settings_of(root, "spaces/groups/crew", person=name) for name in ("anna", "bob")
    }
    for name, one in people.items():
        chat(one, name)
        keep_in_chat(one, 1, [File("letter.md", name)])
        keep_last({"system_prompt": name}, one)
        start(one, f"reading for {name}", ["rag"], own=True)
    return people


def test_two_people_in_one_space_have_their_own_chats_and_files(crew: dict[str, Settings]) -> None:
    for name, one in crew.items():
        collection(one, chat_collection(1), f"The letter of {name}.")
    own = ("chat", "found", "chat data", "judged", "candidates", "review", "last choices")
    for name, other in (("anna", "bob"), ("bob", "anna"), ("anna", "bob")):
        settings = crew[name]
        for reader in (*own, "attached", "jobs", "uploads"):
            said = str(READERS[reader](settings))
            assert name in said and other not in said, (reader, said)
        [passage] = open_collection(settings, chat_collection(1)).passages()
        assert passage.text == f"The letter of {name}."
        assert list_collections(settings, hidden=True) == []
        [job] = list_jobs(settings)
        with pytest.raises(NotFound):
            find_job(crew[other], job.id)
    forget_gone(crew["anna"], Conversations(crew["anna"].database))
    Conversations(crew["anna"].database).delete(1)
    assert READERS["attached"](crew["bob"]) == "bob"


def test_what_is_of_the_space_is_of_both(crew: dict[str, Settings]) -> None:
    collection(crew["anna"], "handbook", "shared")
    job = start(crew["anna"], "shared", ["rag"])
    assert READERS["passages"](crew["bob"]) == ["shared"]
    assert find_job(crew["bob"], job.id).title == "shared"
    switch(False, crew["anna"])
    assert learned(crew["bob"]).on


def test_a_stream_is_seen_and_stopped_by_its_owner_alone(crew: dict[str, Settings]) -> None:
    streams, over = Streams(), threading.Event()
    growing = {}
    for name, settings in crew.items():
        conversations = Conversations(settings.database)
        message = conversations.add(1, "assistant", "", settings={"mode": "documents"})

        def answer(name: str = name) -> Iterator[Event]:
            yield Token(name)
            while not over.wait(0.01):
                yield Token(".")

        growing[name] = (conversations, message, streams.start(conversations, message, answer))
    (one, number, stream), (other, same, beside) = growing.values()
    assert number == same
    assert streams.get(one, number) is stream and streams.get(other, same) is beside
    stream.stop()
    assert not beside.ended.is_set() and streams.growing() == 1
    beside.stop()
    over.set()
    assert other.message(same).content.startswith("bob")


CHANGES: dict[str, Callable[[Settings], Any]] = {
    "collection": lambda s: create_collection(s, "new", EMBEDDER.name, DIMENSION),
    "documents": lambda s: open_collection(s, "handbook").writing().__enter__(),
    "collection's end": lambda s: delete_collection(s, "handbook"),
    "upload": lambda s: save_uploads(s, "handbook", [File("a.md", "a")]),
    "source": lambda s: add_source(s, "new", ADDRESS),
    "source's end": lambda s: remove_source(s, "shop"),
    "notes": lambda s: add_pair(find_source(s, "shop"), s, "How many?", "select 1"),
    "writer": lambda s: set_writer(find_source(s, "shop"), s, "none"),
    "job": lambda s: start(s, "training", ["finetune", "train", "x.toml"]),
    "run file": lambda s: check_text(s, "new", ""),
    "published": lambda s: publishing(s, "new").__enter__(),
    "forecast": lambda s: promote(s, "gone", 1),
    "forecast's end": lambda s: remove_forecast(s, "gone"),
    "batch": freeze,
    "preset": lambda s: save_preset(Preset("new", "star", {}), s),
    "prompt": lambda s: save_prompt("new", "text", s),
    "MCP server": lambda s: keep_server("new", Server(base_url="http://h/"), s),
    "Ollama": lambda s: connect_ollama(NOWHERE, s),
    "folder": lambda s: connect_folder(str(s.home / "models/tiny"), s),
    "server's end": lambda s: forget_server("vllm", s),
    "model's end": lambda s: remove_model("local:tiny", s),
}


def refused(change: Callable[[Settings], Any], settings: Settings) -> bool:
    try:
        change(settings)
    except Forbidden:
        return True
    except WorkbenchError:  # it was let in, and something else is missing
        return False
    return False


def test_a_reader_changes_nothing_and_an_editor_does(spaces: dict[str, Settings]) -> None:
    editor = spaces["amber"]
    reader = editor.model_copy(update={"role": "reader"})
    before = {path: path.stat().st_mtime_ns for path in editor.home.rglob("*.json")}
    assert [name for name, change in CHANGES.items() if not refused(change, reader)] == []
    assert before == {path: path.stat().st_mtime_ns for path in editor.home.rglob("*.json")}
    job = find_job(reader, list_jobs(reader)[0].id)
    for act in (job.cancel, job.resume):
        with pytest.raises(Forbidden):
            act()
    order = [name for name in CHANGES if not name.endswith("end")]
    assert [name for name in order if refused(CHANGES[name], editor)] == []


def test_a_reader_asks_rates_corrects_and_attaches(spaces: dict[str, Settings]) -> None:
    reader = spaces["amber"].model_copy(update={"role": "reader"})
    number = chat(reader, "granite")
    answer = Conversations(reader.database).messages(number)[-1]
    Conversations(reader.database).rate(answer.id, -1, "marble")
    keep_in_chat(reader, number, [File("note.md", "a note")])
    collection(reader, chat_collection(number), "a note")
    keep_last({"system_prompt": "short"}, reader)
    job = start(reader, "reading", ["rag"], own=True)
    assert find_job(reader, job.id).mine
    accept([read_review(reader)[0].id], reader)

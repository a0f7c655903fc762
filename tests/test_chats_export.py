"""Chats leave the workspace and come back: nothing lost, nothing double, bad files refused whole."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from workbench.chat.conversations import Conversations
from workbench.chat.events import Chart, Done, Failed, Query, Source, Table, Token
from workbench.chat.export import export_all, export_chat
from workbench.chat.importing import import_chats
from workbench.cli import workbench
from workbench.errors import InvalidInput
from workbench.messages import Message, say
from workbench.settings import Settings

HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) [y](javascript:alert(1))"


@pytest.fixture
def full(tmp_path: Path) -> Conversations:
    """A chat with everything in it, and one that is deleted."""
    conversations = Conversations(tmp_path / "workbench.db")
    chat = conversations.create("灯塔 & <b>lights</b>")
    question = conversations.add(chat, "user", f"How tall?\n{HOSTILE}")
    former = conversations.add(chat, "assistant", "")
    conversations.save(former, [Failed(say("There is no job {name}.", name="x"), "Fix.")], "failed")
    left = conversations.add(chat, "assistant", "", mode="documents", instead_of=former)
    source = Source(1, "It is 31 m.", "a.md", "line 3", 0.9, "id", "handbook")
    events = [source, Token(f"31 米 [1]\n\n{HOSTILE}"), Done("none", 0.1)]
    conversations.save(left, events, "done")
    right = conversations.add(chat, "assistant", "", mode="data", settings={"source": "s"})
    table = Table(["a|b", "n"], [["x\ny", 1], [None, 2.5]])
    chart = Chart({"mark": "bar", "data": {"values": [{"a": 1}]}})
    conversations.save(right, [table, chart, Query("SELECT 1", "sqlite", "s")], "done")
    conversations.rate(left, -1, "32 米")
    conversations.vote(question, right)
    conversations.add(chat, "user", "and then?")
    conversations.set_settings(chat, {"collection": "手册", "temperature": 0.5})
    conversations.set_folder(chat, "工作")
    conversations.pin(chat, True)
    conversations.delete(conversations.create("gone"))
    return conversations


def stored(path: Path) -> list[tuple[Any, ...]]:
    """All that a chat has, but for the numbers of its rows."""
    with closing(sqlite3.connect(path)) as database:
        queries = (
            "select origin, title, created, updated, folder, pinned, settings from conversations where deleted is null",
            "select role, content, events, state, mode, settings, rating, correction, created, shown, "
            "parent is null, beside is null from messages where conversation = 1 order by id",
            "select v.created, m.content from votes v join messages m on m.id = v.winner",
        )
        return [row for query in queries for row in database.execute(query)]


def test_all_chats_come_back_without_loss_and_only_once(
    full: Conversations, tmp_path: Path
) -> None:
    text = export_all(full).encode()
    other = Conversations(tmp_path / "other.db")
    first, second = import_chats(other.place, text), import_chats(other.place, text)
    assert (first.added, first.known) == (1, 0) and (second.added, second.known) == (0, 1)
    assert stored(other.place) == stored(full.place)
    assert len(stored(other.place)) == 7
    chat = other.recent()[0].id
    versions = [len(message.versions) for message in other.messages(chat)]
    assert versions == [1, 2, 2, 1]
    failure = other.message(other.messages(chat)[1].versions[0]).events[0]
    assert isinstance(failure, Failed) and isinstance(
        failure.problem, Message
    )  # still translatable
    other.delete(chat)
    assert import_chats(other.place, text).known == 1
    assert [found.id for found in other.recent()] == [chat]  # deleted, and back


def test_no_file_of_this_machine_is_named_by_an_import(full: Conversations, tmp_path: Path) -> None:
    export = json.loads(export_all(full))
    attached = {"attached": [{"path": "/etc/passwd", "size": 1}], "source": "s"}
    other = Conversations(tmp_path / "other.db")
    import_chats(other.place, changed(export, "chats.0.messages.0.settings", attached))
    assert other.messages(other.recent()[0].id)[0].settings == {"source": "s"}


def test_markdown_and_html_are_to_be_read_and_harmless(full: Conversations) -> None:
    text = export_chat(full, 1, "md", "zh")
    assert "| a\\|b | n |" in text and "```sql\nSELECT 1\n```" in text and "- [1] a.md" in text
    assert "## 问题" in text and "There is no job" not in text  # the version that is shown
    page = export_chat(full, 1, "html")
    assert "<script" not in page and "<img" not in page and 'href="javascript' not in page
    assert "&lt;script&gt;" in page and "&lt;b&gt;" in page
    assert "<table>" in page and "default-src 'none'" in page
    assert "src=" not in page.replace("default-src", "").replace("style-src", "")


def open_webui() -> list[dict[str, Any]]:
    nodes = {
        "q": {"id": "q", "parentId": None, "childrenIds": ["a", "b"], "role": "user", "content": "高度？"},
        "a": {"id": "a", "parentId": "q", "role": "assistant", "content": "31", "done": True},
        "b": {"id": "b", "parentId": "q", "role": "assistant", "content": "32", "annotation": {"rating": 1}},
        "c": {"id": "c", "parentId": "a", "role": "user", "content": "sure?", "timestamp": 1700000009},
    }  # fmt: skip
    chat = {"title": "灯塔", "models": ["m"], "history": {"messages": nodes, "currentId": "c"}}
    return [{"id": "1", "title": "灯塔", "chat": chat, "pinned": True, "updated_at": 1700000010}]


def chatgpt() -> list[dict[str, Any]]:
    def node(key: str, parent: str | None, role: str = "", *parts: Any, **more: Any) -> Any:
        message = {
            "author": {"role": role},
            "content": {"content_type": "text", "parts": list(parts)},
            "create_time": 1700000000.5,
            **more,
        }
        return {"id": key, "parent": parent, "children": [], "message": message if role else None}

    nodes = [
        node("root", None),
        node("s", "root", "system", ""),
        node("q", "s", "user", "Draw", {"asset_pointer": "file-1"}),
        node("t", "q", "assistant", "code", recipient="python"),
        node("r", "t", "tool", "result"),
        node("a1", "r", "assistant", "First."),
        node("a2", "a1", "assistant", "Then."),
        node("q2", "a2", "user", "Thanks"),
        node("b", "q", "assistant", "Other."),
    ]
    mapping = {one["id"]: one for one in nodes}
    return [
        {"conversation_id": "c", "title": None, "mapping": mapping, "current_node": "q2", "create_time": 1.7e9}
    ]  # fmt: skip


def test_chats_of_open_webui_and_chatgpt_come_as_trees(tmp_path: Path) -> None:
    conversations = Conversations(tmp_path / "workbench.db")
    for export in (open_webui(), chatgpt()):
        data = json.dumps(export).encode()
        assert import_chats(conversations.place, data).added == 1
        assert import_chats(conversations.place, data).added == 0
    webui, gpt = conversations.recent()
    assert (webui.title, webui.pinned, webui.updated) == ("灯塔", True, 1700000010)
    messages = conversations.messages(webui.id)
    assert [message.content for message in messages] == ["高度？", "31", "sure?"]
    other = conversations.message(messages[1].versions[1])
    assert (other.content, other.rating, other.events) == ("32", 1, [Token("32")])
    messages = conversations.messages(gpt.id)
    assert [message.content for message in messages] == ["Draw", "First.\n\nThen.", "Thanks"]
    assert len(messages[1].versions) == 2


def changed(chat: dict[str, Any], path: str, value: Any) -> bytes:
    """The export with one value replaced; `path` as in chats.0.title."""
    *way, last = path.split(".")
    here: Any = chat
    for step in way:
        here = here[int(step)] if isinstance(here, list) else here[step]
    here[int(last) if isinstance(here, list) else last] = value
    return json.dumps(chat).encode()


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("chats.0.messages.1.role", "system", "chats[0].messages[1].role"),
        ("chats.0.messages.2.events.0", {"event": "token", "text": 5}, "chats[0].messages[2].events"),
        ("chats.0.messages.2.events.0", {"event": "nothing"}, "chats[0].messages[2].events"),
        (
            "chats.0.messages.1.events.0.said.problem.template",
            "{name:>999999999}",
            "chats[0].messages[1].events",
        ),
        ("chats.0.messages.3.events.1.spec.data", {"url": "http://x"}, "chats[0].messages[3].events"),
        ("chats.0.messages.1.parent", 99, "chats[0]"),
        ("chats.0.messages.3.beside", 1, "chats[0]"),
        ("chats.0.votes.0.winner", 77, "chats[0]"),
        ("chats.0.title", 5, "chats[0].title"),
        ("chats.0.title", "x" * 1000, "chats[0].title"),
        ("chats.0.updated", 1e20, "chats[0].updated"),
        ("chats.0.created", float("nan"), "chats[0].created"),
        ("version", 9, "version"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_whole_and_the_entry_is_named(
    full: Conversations, tmp_path: Path, path: str, value: Any, named: str
) -> None:
    export = json.loads(export_all(full))
    export["chats"].append(export["chats"][0] | {"origin": "another"})
    if path.startswith("chats.0"):  # a whole chat stands before the bad one
        export["chats"].reverse()
        path, named = path.replace("chats.0", "chats.1"), named.replace("chats[0]", "chats[1]")
        export["chats"][1] = json.loads(json.dumps(export["chats"][1]))
    other = Conversations(tmp_path / "other.db")
    with pytest.raises(InvalidInput) as failure:
        import_chats(other.place, changed(export, path, value))
    assert named in failure.value.problem and failure.value.fix
    assert other.recent() == []


def test_files_of_something_else_are_refused_with_the_reason(tmp_path: Path) -> None:
    conversations = Conversations(tmp_path / "workbench.db")
    circle = open_webui()
    circle[0]["chat"]["history"]["messages"]["q"]["parentId"] = "c"
    no_role = open_webui()
    del no_role[0]["chat"]["history"]["messages"]["b"]["role"]
    bad: list[tuple[bytes, str]] = [
        (b"PK\x03\x04 a zip", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (json.dumps(open_webui()).replace("sure?", "\\ud800").encode(), "not JSON"),
        (b'[{"name": "x"}]', "Entry 1"),
        (b"5", "Entry 1"),
        (json.dumps(open_webui() + circle).encode(), "Chat 2"),
        (json.dumps(no_role).encode(), "'role' is missing"),
    ]
    for data, problem in bad:
        with pytest.raises(InvalidInput, match=problem) as failure:
            import_chats(conversations.place, data)
        assert failure.value.fix
    assert conversations.recent() == []


def test_the_commands_list_search_export_and_import(settings: Settings, tmp_path: Path) -> None:
    conversations = Conversations(settings.database)
    chat = conversations.create("灯塔")
    conversations.add(chat, "user", "How tall is the lighthouse?")

    def run(*words: str, fails: bool = False) -> str:
        done = CliRunner().invoke(workbench, ["chats", *words])
        assert (done.exit_code == 1) == fails, done.output
        return done.output

    assert "灯塔" in run("list")
    assert json.loads(run("search", "lighthouse", "--json"))["id"] == chat
    out = tmp_path / "chats.json"
    run("export", "--out", str(out))
    assert json.loads(run("import", str(out), "--json")) == {
        "event": "imported",
        "added": 0,
        "known": 1,
    }
    run("export", "--chat", str(chat), "--format", "md", "--out", str(tmp_path / "a.md"))
    assert "> How tall" in (tmp_path / "a.md").read_text("utf-8")
    assert "Only JSON" in run("export", "--format", "md", "--out", str(out), fails=True)
    assert "no longer exists" in run("export", "--chat", "99", "--out", str(out), fails=True)
    (tmp_path / "bad.json").write_text("{", "utf-8")
    assert "not JSON" in run("import", str(tmp_path / "bad.json"), fails=True)

"""What is attached leads: its files are asked first, kept with the chat, and told of where bad."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from conftest import missing

from agents.asking import answer_with_files, start_answers, timed, wait_for
from agents.attached import (
    chat_collection,
    files_of,
    forget_gone,
    keep_in_chat,
    note_of,
    read_now,
)
from agents.databases.example import load_example
from rag.example import EXAMPLE
from rag.ingest import ingest
from rag.loaders import image
from rag.store import list_collections, open_collection
from workbench.chat.conversations import Conversations
from workbench.chat.events import Beat, Done, Event, Failed, Notice, Routed, Source, Token
from workbench.chat.streams import STREAMS
from workbench.cli import workbench
from workbench.errors import Unavailable, WorkbenchError
from workbench.settings import Settings, load_settings
from workbench.ui.translation import in_chinese

ORDER = (
    "# 采购订单 PO-118\n\n供应商：北礁仪器有限公司。\n\n订单的总金额为 48,650 元，含税。\n\n"
    "交货日期：2026 年 12 月 15 日。\n"
)
LIGHTHOUSE = "# Lighthouse\n\nThe lighthouse of Vlieree is 47 metres tall. It was built in 1877.\n"


@pytest.fixture(scope="module")
def home(new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the example handbook and the example database, as `make run` begins."""
    home = new_workspace(tmp_path_factory.mktemp("attached"))
    settings = load_settings(home=home)
    ingest([EXAMPLE], "handbook", settings)
    load_example(settings)
    return home


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    return load_settings(model="none")


@pytest.fixture
def order(tmp_path: Path) -> Path:
    path = tmp_path / "订单.md"
    path.write_text(ORDER, "utf-8")
    return path


def ask(question: str, settings: Settings, *paths: Path, mode: str = "auto") -> list[Event]:
    return list(answer_with_files(question, [], settings, mode, paths))


def of_kind(events: Sequence[Event], kind: type[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in of_kind(events, Token))


@pytest.mark.parametrize("mode", ["auto", "documents"])
def test_what_is_attached_is_asked_first_and_named(
    settings: Settings, order: Path, mode: str
) -> None:
    events = ask("订单的总金额", settings, order, mode=mode)
    [routed] = of_kind(events, Routed)
    assert routed.mode == "documents"
    assert mode == "documents" or "订单.md" in routed.reason
    assert "48,650" in text_of(events)
    assert {Path(source.source).name for source in of_kind(events, Source)} == {order.name}


@pytest.mark.parametrize(
    ("question", "mode", "said"),
    [
        ("哪个账号的点赞总数最多？", "data", "附件中没有提到"),
        ("How many days of annual leave do I have?", "documents", "leave-and-hours.md"),
        ("What is in it?", "documents", "you attached 订单.md"),
        ("总结一下", "documents", "你附上了 订单.md"),
        ("什么时候交货？", "documents", "订单.md"),
    ],
)
def test_evidence_decides_only_where_the_files_clearly_do_not_hold_it(
    settings: Settings, order: Path, question: str, mode: str, said: str
) -> None:
    routed = of_kind(ask(question, settings, order), Routed)[0]
    assert (routed.mode, said in routed.reason) == (mode, True), routed


def test_the_same_files_are_read_once(settings: Settings, order: Path, tmp_path: Path) -> None:
    name, files = read_now([order], settings)
    revision = open_collection(settings, name).revision
    (tmp_path / "elsewhere").mkdir()
    again, same = read_now([order.rename(tmp_path / "elsewhere" / order.name)], settings)
    assert again == name and [file.path for file in same] == [file.path for file in files]
    assert open_collection(settings, name).revision == revision
    assert name not in [collection.name for collection in list_collections(settings)]
    assert name in [collection.name for collection in list_collections(settings, hidden=True)]


def test_bad_files_are_told_of_and_the_others_count(
    settings: Settings, order: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 nothing of a document")
    bad = [tmp_path / name for name in ("empty.txt", "broken.pdf", "nowhere.md")] + [tmp_path]
    events = ask("订单的总金额", settings, *bad, order)
    notices = [notice.text for notice in of_kind(events, Notice)][:4]
    for name, problem in (
        ("empty.txt", "empty"),
        ("broken.pdf", "damaged"),
        ("nowhere.md", "does not exist"),
        (tmp_path.name, "is a folder"),
    ):
        [notice] = [text for text in notices if text.startswith(name)]
        assert problem in notice and in_chinese(notice) != notice
    assert "48,650" in text_of(events) and isinstance(events[-1], Done)
    for path in bad:
        [failed] = ask("订单的总金额", settings, path)
        assert isinstance(failed, Failed) and path.name in failed.problem and failed.fix


def test_the_command_attaches(settings: Settings, order: Path) -> None:
    asked = ["ask", "订单的总金额", "--model", "none", "--json", "--attach", str(order)]
    shown = CliRunner().invoke(workbench, asked)
    assert shown.exit_code == 0, shown.output
    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    assert lines[0]["event"] == "routed" and "订单.md" in lines[0]["reason"]
    assert any("48,650" in line.get("text", "") for line in lines if line["event"] == "token")
    shown = CliRunner().invoke(workbench, [*asked[:-1], str(order.with_name("no.md"))])
    assert shown.exit_code == 1 and json.loads(shown.stdout.splitlines()[-1])["event"] == "failed"


def upload(name: str, text: str) -> SimpleNamespace:
    return SimpleNamespace(name=name, getbuffer=io.BytesIO(text.encode()).getbuffer)


def test_the_files_of_a_chat_stay_with_it(settings: Settings) -> None:
    conversations = Conversations(settings.database)
    chat = conversations.create("Lighthouses")
    [path] = keep_in_chat(settings, chat, [upload("tower.md", LIGHTHOUSE)])
    [same, other] = keep_in_chat(
        settings, chat, [upload("tower.md", LIGHTHOUSE), upload("tower.md", "Another text.")]
    )
    assert same == path and other.name == "tower (2).md"
    ingest([path, other], chat_collection(chat), settings)
    question = conversations.message(
        conversations.add(chat, "user", "How tall is it?", settings=note_of([path]))
    )
    [file] = files_of(question, settings)
    assert (file.name, file.state, file.passages) == ("tower.md", "indexed", 1)
    start_answers(question.id, "auto", settings, conversations)
    first = ended(conversations, chat)
    assert "47 metres" in first.content and "tower.md" in first.events[0].reason
    # the next question names no file; those of the chat are found beside the chosen collection
    for asked, said, file_name in (
        ("When was the lighthouse of Vlieree built?", "1877", "tower.md"),
        ("How many days of annual leave do I have?", "27 days", "leave-and-hours.md"),
    ):
        start_answers(conversations.add(chat, "user", asked), "documents", settings, conversations)
        later = ended(conversations, chat)
        assert said in later.content
        assert any(file_name in event.source for event in of_kind(later.events, Source))
    conversations.delete(chat)
    forget_gone(settings, conversations)
    assert path.exists(), "a deleted chat can be brought back"
    with conversations._connect() as database:
        database.execute("delete from conversations where id = ?", (chat,))
    forget_gone(settings, conversations)
    assert not path.parent.exists()
    names = [collection.name for collection in list_collections(settings, hidden=True)]
    assert chat_collection(chat) not in names and "handbook" in names


def ended(conversations: Conversations, chat: int):
    """The newest answer of the chat, once it has ended."""
    newest = conversations.messages(chat)[-1]
    stream = STREAMS.get(conversations, newest.id)
    assert stream is None or stream.ended.wait(60)
    return conversations.message(newest.id)


def test_a_question_whose_files_all_failed_is_not_answered_from_elsewhere(
    settings: Settings,
) -> None:
    conversations = Conversations(settings.database)
    chat = conversations.create("x")
    paths = keep_in_chat(settings, chat, [upload("empty.md", ""), upload("tower.md", LIGHTHOUSE)])
    ingest(paths, chat_collection(chat), settings)
    notes = [note_of(paths[:1]), note_of(paths)]
    alone, both = [
        conversations.message(conversations.add(chat, "user", "Why?", settings=note))
        for note in notes
    ]
    with pytest.raises(WorkbenchError, match=r"empty.md was not read: The file is empty"):
        list(wait_for(alone, settings))
    assert [event.text for event in wait_for(both, settings)] == [
        "empty.md was not read: The file is empty."
    ]


def test_the_time_of_an_answer_counts_all_waiting() -> None:
    def events() -> Iterator[Event]:
        yield Beat()
        yield Done("none", 0.5)

    begun = time.monotonic() - 12
    done = list(timed(events(), begun))[-1]
    assert isinstance(done, Done) and 12 <= done.seconds < 13


def test_text_in_an_attached_picture_is_read(settings: Settings, tmp_path: Path) -> None:
    from PIL import Image, ImageDraw, ImageFont

    if not image.languages():
        missing("Tesseract")
    picture = Image.new("RGB", (1000, 200), "white")
    font = ImageFont.load_default(60)
    ImageDraw.Draw(picture).text((30, 60), "Gate code: 7351 Heron", "black", font)
    picture.save(tmp_path / "sign.png")
    events = ask("What is the gate code?", settings, tmp_path / "sign.png")
    assert "7351" in text_of(events)


def test_without_ocr_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "languages", lambda: "")
    with pytest.raises(Unavailable) as error:
        list(image.load(tmp_path / "sign.png", None))
    assert "[ocr]" in error.value.fix and "tesseract-ocr" in error.value.fix

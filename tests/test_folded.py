"""Text of a model that no passage supports: folded on the page, in exports, after a reload, and
beside the answer on the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from model_servers import Script, openai_server
from opened_pages import drawn, page
from streamlit.testing.v1 import AppTest

from workbench.chat.conversations import Conversations
from workbench.chat.events import Done, Folded, Token, from_dict, to_dict
from workbench.chat.export import export_all, export_chat
from workbench.chat.importing import import_chats
from workbench.cli import workbench
from workbench.settings import Settings

__all__ = ["page"]
CHAT = "agents/ui/chat.py"
REASON = "The model wrote something that no passage supports."
FOLDED = Folded("It is 365 days ![x](http://foreign/p.png) <b>.", REASON)
EVENTS = [Token("> 28 days. [1]\n"), FOLDED, Done("tiny", 1.0)]


@pytest.fixture
def conversations(settings: Settings) -> Conversations:
    found = Conversations(settings.database)
    chat = found.create("leave")
    found.add(chat, "user", "How many days?")
    found.save(found.add(chat, "assistant", ""), EVENTS, "done")
    return found


def test_it_is_kept_with_the_answer_and_is_no_part_of_its_text(
    conversations: Conversations, tmp_path: Path
) -> None:
    answer = conversations.messages(1)[-1]
    assert answer.events == EVENTS and answer.content == "> 28 days. [1]\n"
    assert from_dict(to_dict(FOLDED)) == FOLDED
    other = Conversations(tmp_path / "other.db")
    import_chats(other.place, export_all(conversations).encode())
    assert other.messages(1)[-1].events == EVENTS


def test_an_export_to_read_names_the_reason_over_it(conversations: Conversations) -> None:
    text = export_chat(conversations, 1, "md")
    assert text.index("28 days") < text.index(f"*{REASON}*") < text.index("> It is 365 days")
    assert "<b>" not in export_chat(conversations, 1, "html")


@pytest.mark.parametrize(
    ("language", "label"), [("en", f"{REASON} Show it"), ("zh", "没有段落支持的内容。 点击查看")]
)
def test_the_page_shows_it_folded_and_harmless(
    conversations: Conversations, page: Callable[..., AppTest], language: str, label: str
) -> None:
    app = page(CHAT, language=language)
    app.query_params["chat"] = "1"
    drawn(app.run())
    folds = [one for one in app.expander if label in one.label]
    assert len(folds) == 1 and not folds[0].proto.expanded
    inside = str(folds[0].markdown[0].value)
    assert "365 days" in inside and "![" not in inside
    assert ":material/image: x · foreign]" in inside and "\\<b\\>" in inside
    outside = [str(one.value) for one in app.markdown if str(one.value) != inside]
    assert any("28 days" in text for text in outside)
    assert not any("365" in text for text in outside)


def test_the_command_line_keeps_it_out_of_the_answer(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leave.md").write_text("# Leave\n\nEmployees have 28 days of leave.\n", "utf-8")
    file = str(tmp_path / "leave.md")
    assert CliRunner().invoke(workbench, ["rag", "ingest", file, "-c", "handbook"]).exit_code == 0
    asked = ["ask", "How many days of leave?", "--mode", "documents", "--model", "openai:scripted"]
    with openai_server(Script(pieces=["You have 365 days."])) as url:
        monkeypatch.setenv("WORKBENCH_OPENAI_BASE_URL", url)
        shown = CliRunner().invoke(workbench, asked)
    assert shown.exit_code == 0, shown.output
    assert "28 days" in shown.stdout and "365" not in shown.stdout
    assert REASON in shown.stderr and "365 days" in shown.stderr

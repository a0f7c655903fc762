"""The answer on the page, through AppTest: notices, suggestions, ratings, versions, lineage."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable

import psutil
import pytest
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest

from agents.databases.example import load_example
from agents.loop.review import read_review
from workbench.chat.conversations import Conversations
from workbench.chat.events import Done, Event, Notice, Query, Routed, Suggestions, Token
from workbench.settings import Settings

__all__ = ["page"]
CHAT = "agents/ui/chat.py"
STANDING = Notice("Quoted: start Ollama (`ollama pull qwen3:4b`) or *not* `a`<b>.", standing=True)


@pytest.fixture
def conversations(settings: Settings) -> Conversations:
    return Conversations(settings.database)


def stored(conversations: Conversations, *answers: list[Event]) -> list[int]:
    """A chat with these answers; their ids."""
    chat = conversations.create("a chat")
    ids = []
    for number, events in enumerate(answers):
        conversations.add(chat, "user", f"question {number}")
        ids.append(conversations.add(chat, "assistant", ""))
        conversations.save(ids[-1], events, "done")
    return ids


def opened(app: AppTest) -> AppTest:
    """The page in the first chat."""
    app.query_params["chat"] = "1"
    return drawn(app.run())


def captions(app: AppTest) -> list[str]:
    return [str(caption.value) for caption in app.caption]


def test_a_standing_notice_is_said_once_a_chat_with_readable_code(
    conversations: Conversations, page: Callable[..., AppTest]
) -> None:
    once = Notice("No passage supports this answer.")
    stored(conversations, [Token("a"), STANDING, once], [Token("b"), STANDING, once])
    shown = captions(opened(page(CHAT)))
    quoted = [caption for caption in shown if "Quoted" in caption]
    assert len(quoted) == 1 and sum("No passage" in caption for caption in shown) == 2
    assert "`ollama pull qwen3:4b`" in quoted[0]
    assert "\\*not\\*" in quoted[0] and "\\<b\\>" in quoted[0]


@pytest.mark.parametrize(("end", "state"), [("killed", "interrupted"), ("stopped", "stopped")])
def test_an_answer_of_another_process_holds_the_chat_no_longer_than_it_grows(
    end: str, state: str, conversations: Conversations, page: Callable[..., AppTest]
) -> None:
    app = page(CHAT)  # which marks what had ended before it began
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        begun = psutil.Process(other.pid).create_time()
        owner = f"{socket.gethostname()}/{other.pid}/{begun:.2f}"
        chat = conversations.create("a chat")
        conversations.add(chat, "user", "How deep is it?")
        answer = conversations.add(chat, "assistant", "", state="streaming", owner=owner)
        conversations.save(answer, [Token("Forty ")], "streaming")
        opened(app)
        assert "Forty" in texts(app) and app.chat_input[0].disabled
        if end == "stopped":
            app.button(key=f"stop-{answer}").click()
        else:
            other.kill()
            os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # nobody asks how it ended
        drawn(app.run())
    assert not app.chat_input[0].disabled and "Forty" in texts(app)
    assert conversations.message(answer).state == state


def test_suggestions_are_buttons_that_ask_in_their_mode(
    settings: Settings, conversations: Conversations, page: Callable[..., AppTest]
) -> None:
    load_example(settings)
    question = "Which account has the most likes in total?"
    stored(conversations, [Token("Ask:"), Suggestions([("data", question), ("gone", "*b*?")])])
    app = opened(page(CHAT))
    offered = [one for one in app.button if (one.key or "").startswith("suggestion-")]
    assert [one.label for one in offered] == [question, "\\*b\\*?"]
    drawn(offered[0].click().run())
    asked, answer = conversations.messages(1)[2:]
    assert (asked.content, answer.mode) == (question, "data")


def test_versions_can_be_leafed_through(
    conversations: Conversations, page: Callable[..., AppTest]
) -> None:
    (first,) = stored(conversations, [Token("the first answer")])
    second = conversations.add(1, "assistant", "", instead_of=first)
    conversations.save(second, [Token("the second answer")], "done")
    app = opened(page(CHAT))
    assert "the second answer" in texts(app) and "2/2" in captions(app)
    assert app.button(key=f"version-{second}-2").disabled
    drawn(app.button(key=f"version-{second}-0").click().run())
    assert "the first answer" in texts(app) and "1/2" in captions(app)
    assert "the second answer" not in texts(app)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_correction_waits_for_review_and_can_be_opened_or_undone(
    settings: Settings,
    conversations: Conversations,
    page: Callable[..., AppTest],
    language: str,
) -> None:
    (answer,) = stored(conversations, [Token("Two years.")])
    app = opened(page(CHAT, language))
    drawn(app.feedback(key=f"rate-{answer}-0").set_value(0).run())
    assert conversations.message(answer).rating == -1
    app.text_area(key=f"correction-{answer}-0").set_value("Three years.")
    drawn(app.button(key=f"save-{answer}").click().run())
    (waiting,) = read_review(settings)
    assert (waiting.item.question, waiting.text) == ("question 0", "Three years.")
    assert waiting.state == "open"
    (undo,) = [one for one in app.button if (one.key or "").endswith("-undo")]
    assert [one for one in app.button if (one.key or "").endswith("-open")]
    drawn(undo.click().run())
    assert conversations.message(answer).correction == ""
    assert "Three years." not in [one.text for one in read_review(settings)]
    assert app.text_area(key=f"correction-{answer}-1").value == ""


def test_a_rating_says_what_changed_and_is_undone(
    conversations: Conversations, page: Callable[..., AppTest]
) -> None:
    (answer,) = stored(conversations, [Token("Two years.")])
    app = opened(page(CHAT))
    drawn(app.feedback(key=f"rate-{answer}-0").set_value(1).run())
    assert "Rated as good." in texts(app) and conversations.message(answer).rating == 1
    drawn(next(one for one in app.button if (one.key or "").endswith("-undo")).click().run())
    assert conversations.message(answer).rating == 0
    assert app.feedback(key=f"rate-{answer}-1").value is None


def test_what_an_answer_rests_on_is_a_list_to_be_read(
    conversations: Conversations, page: Callable[..., AppTest]
) -> None:
    lineage = {"collection": "hand*book*", "revision": 3, "tables": ["a", "b"], "digest": ""}
    stored(conversations, [Routed("documents", "r"), Token("a"), Done("none", 1.0, 0, lineage)])
    app = opened(page(CHAT, "zh"))
    assert not app.get("json")
    shown = [str(item.value) for item in app.markdown]
    assert "**知识库**  \nhand\\*book\\*" in shown and "**查看过的表**  \na, b" in shown
    assert "**回答者**  \n文档" in shown


def test_a_refused_query_leaves_no_former_result_below_its_error(
    settings: Settings, conversations: Conversations, page: Callable[..., AppTest]
) -> None:
    source = load_example(settings)
    stored(conversations, [Token("a"), Query("select 1 as one", "sqlite", source.name)])
    app = opened(page(CHAT))
    run = next(one.key for one in app.button if (one.key or "").startswith("run-"))
    drawn(app.button(key=run).click().run())
    assert len(app.dataframe) == 1 and not app.error
    app.text_area(key=run.replace("run-", "sql-")).set_value("drop table account")
    drawn(app.button(key=run).click().run())
    assert app.error and not app.dataframe

"""Answers from documents: cited, within the context, from passages alone, and honest where there is
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import free_port
from model_servers import Script, openai_server
from recording_ollama import Script as OllamaScript
from recording_ollama import recording_ollama

from agents.answer import answer
from agents.budget import fit
from agents.documents.citing import only_known_citations
from rag.passages import Hit, Passage
from workbench.chat.conversations import Turn
from workbench.chat.events import (
    Done,
    Event,
    Failed,
    Folded,
    Notice,
    Routed,
    Source,
    Thought,
    Token,
)
from workbench.cli import workbench
from workbench.language import tokens
from workbench.settings import Settings, load_settings
from workbench.ui.translation import in_chinese

LEAVE = "How many days of annual leave do employees have?"
FILES = {
    "leave.md": "# Annual leave\n\nEmployees have 28 days of annual leave. Unused days expire on 31 March.\n",
    "travel.md": "# Travel\n\nTrains are booked in second class. A hotel may cost up to 140 euros a night.\n",
    "security.md": "# Security\n\nPasswords have at least 14 characters. Laptops are locked when left alone.\n",
    "假期.md": "# 年假\n\n员工每年享有二十八天年假。未休的年假在三月三十一日失效。\n",
    "差旅.md": "# 差旅\n\n火车票只能订二等座。住宿费每晚不超过一百四十欧元。\n",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small handbook in the collection `handbook`, ingested by the command."""
    folder = tmp_path_factory.mktemp("documents")
    for name, text in FILES.items():
        (folder / name).write_text(text, "utf-8")
    home = tmp_path_factory.mktemp("workspace")
    done = CliRunner().invoke(
        workbench,
        ["rag", "ingest", str(folder), "--collection", "handbook"],
        env={"WORKBENCH_HOME": str(home)},
    )
    assert done.exit_code == 0, done.output
    return home


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def chat(home: Path, script: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings whose chat model is the scripted server."""
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    with openai_server(script) as url:
        yield load_settings(model="openai:scripted", openai_base_url=url)


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Token))


def notices_of(events: list[Event]) -> str:
    return " ".join(event.text for event in events if isinstance(event, Notice))


def test_the_answer_begins_with_its_route_and_sources_and_ends_with_its_lineage(
    chat: Settings, script: Script
) -> None:
    script.thinking, script.pieces = ["Leave…"], ["28 days", " [1", "]."]
    events = list(answer(LEAVE, [], chat))
    kinds = [type(event) for event in events]
    assert kinds[0] is Routed and kinds[-1] is Done
    assert kinds.index(Source) < kinds.index(Thought) < kinds.index(Token)
    assert text_of(events) == "28 days [1]."
    done = events[-1]
    assert isinstance(done, Done) and done.model == "openai:scripted"
    assert done.lineage["collection"] == "handbook"
    assert {"revision", "embedder", "digest"} <= done.lineage.keys()


def test_the_model_is_given_numbered_passages_in_the_question_s_language(
    chat: Settings, script: Script
) -> None:
    list(answer(LEAVE, [], chat))
    list(answer("员工每年有多少天年假？", [], chat))
    english, chinese = (request["messages"][0]["content"] for request in script.requests)
    assert (
        "[1]" in english and "28 days of annual leave" in english and "numbered passages" in english
    )
    assert "二十八天年假" in chinese and "段落" in chinese


def test_passages_are_fenced_as_data(chat: Settings, script: Script) -> None:
    list(answer(LEAVE, [], chat))
    system = script.requests[0]["messages"][0]["content"]
    assert system.count("<passages>") == system.count("</passages>") == 1
    assert "do not follow them" in system


def test_an_uncited_answer_gets_the_passage_that_supports_it(
    chat: Settings, script: Script
) -> None:
    script.pieces = ["Employees have 28 days of annual leave."]
    events = list(answer(LEAVE, [], chat))
    leave = next(
        event.number for event in events if isinstance(event, Source) and "28 days" in event.text
    )
    assert f"[{leave}]" in text_of(events)


LEAVES_28 = "Employees have 28 days of annual leave. "
INVENTED = "Employees have 365 days, says Mary Jones."


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_what_no_passage_holds_is_folded_and_the_passages_are_quoted(
    chat: Settings, script: Script, size: int
) -> None:
    script.pieces = [INVENTED[start : start + size] for start in range(0, len(INVENTED), size)]
    events = list(answer(LEAVE, [], chat))
    assert "28 days of annual leave" in text_of(events).splitlines()[0]
    assert "365" not in text_of(events) and "Mary" not in text_of(events)
    assert [event for event in events if isinstance(event, Folded)] == [
        Folded(INVENTED, "The model wrote something that no passage supports.")
    ]
    assert isinstance(events[-1], Done) and events[-1].model == "openai:scripted"


def test_a_sentence_that_is_held_stays_and_the_others_are_folded(
    chat: Settings, script: Script
) -> None:
    held = "You get 28 days of annual leave [1]. "
    script.pieces = ["The answer is:\n", held, INVENTED, " ", held, "Ask if you need more."]
    events = list(answer(LEAVE, [], chat))
    assert text_of(events) == f"The answer is:\n{held}Ask if you need more."
    assert [event.text for event in events if isinstance(event, Folded)] == [INVENTED]


def test_an_answer_that_the_passages_lack_is_shown_with_what_they_say_nearest(
    chat: Settings, script: Script
) -> None:
    script.pieces = ["The passages do not mention this."]
    said = text_of(list(answer(LEAVE, [], chat)))
    assert said.startswith("The passages do not mention this.\n\n")
    assert "> " in said and "28 days of annual leave" in said


def test_a_number_that_the_model_works_out_is_said_to_be_its_own(
    chat: Settings, script: Script
) -> None:
    script.pieces = ["That makes 28 + 31 = 59 days in total [1]."]
    events = list(answer(LEAVE, [], chat))
    assert "59" in text_of(events)
    assert "Worked out by the model, in no passage: 59." in notices_of(events)


def test_a_model_in_a_loop_is_stopped_and_it_is_said(chat: Settings, script: Script) -> None:
    script.pieces = [LEAVES_28] * 20
    events = list(answer(LEAVE, [], chat))
    assert text_of(events).count("28 days") == 1
    assert "repeat itself" in notices_of(events)


def test_nothing_relevant_says_so_and_asks_no_model(chat: Settings, script: Script) -> None:
    chess = "Which chess opening did Kasparov play against Deep Blue?"
    events = list(answer(chess, [], chat, "documents"))
    assert "holds nothing about this question" in text_of(events)
    assert isinstance(events[-1], Done)
    assert not script.requests
    assert "holds nothing about this question" in text_of(list(answer("?!", [], chat, "documents")))


def test_an_english_document_answers_a_chinese_question_in_its_own_words(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("english")
    for name in ("leave.md", "travel.md", "security.md"):
        (folder / name).write_text(FILES[name], "utf-8")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path_factory.mktemp("workspace")))
    done = CliRunner().invoke(workbench, ["rag", "ingest", str(folder), "-c", "handbook"])
    assert done.exit_code == 0, done.output
    chosen = load_settings(model="none")
    for question, name, quoted in (
        ("员工每年有多少天年假？", "leave.md", "28 days"),
        ("密码至少要多少个字符？", "security.md", "14 characters"),
    ):
        events = list(answer(question, [], chosen, "documents"))
        sources = [event for event in events if isinstance(event, Source)]
        assert Path(sources[0].source).name == name
        assert quoted in text_of(events)
        assert "quoted in the original" in notices_of(events)
    declined = list(answer("法国的首都是哪里？", [], chosen, "documents"))
    assert "没有与这个问题相关的内容" in text_of(declined)


@pytest.mark.parametrize("breaks", ["hard", "quiet", "error"])
def test_a_model_that_breaks_off_ends_in_failed_after_what_was_said(
    chat: Settings, script: Script, breaks: str
) -> None:
    script.breaks, script.pieces = breaks, [LEAVES_28, "They"]
    events = list(answer(LEAVE, [], chat))
    assert any(isinstance(event, Source) for event in events)
    assert isinstance(events[-1], Failed) and events[-1].fix
    assert not any(isinstance(event, Done) for event in events)
    assert text_of(events) == LEAVES_28


def test_a_follow_up_is_searched_with_the_question_before_it(
    chat: Settings, script: Script
) -> None:
    history = [Turn("user", LEAVE), Turn("assistant", "28 days [1].")]
    events = list(answer("And unused ones?", history, chat))
    assert any(isinstance(event, Source) and "expire on 31 March" in event.text for event in events)
    sent = [message["content"] for message in script.requests[-1]["messages"]]
    assert LEAVE in sent and sent[-1] == "And unused ones?"


@pytest.mark.parametrize(
    ("question", "fact"),
    [(LEAVE, "28 days of annual leave"), ("员工每年有多少天年假？", "二十八天年假")],
)
def test_without_a_model_the_best_sentence_is_quoted_with_its_number(
    chat: Settings, question: str, fact: str
) -> None:
    settings = chat.model_copy(update={"model": "none"})
    events = list(answer(question, [], settings))
    number = next(
        event.number for event in events if isinstance(event, Source) and fact in event.text
    )
    lines = text_of(events).splitlines()
    assert fact in lines[0] and f"[{number}]" in lines[0]
    notice = next(event.text for event in events if isinstance(event, Notice))
    assert "no language model is connected" in notice
    assert "尚未连接语言模型" in in_chinese(notice)
    assert isinstance(events[-1], Done) and events[-1].model == "none"


def test_a_model_that_does_not_know_the_language_is_not_asked(chat: Settings) -> None:
    english = chat.model_copy(update={"model": "packaged:smollm2-135m"})
    events = list(answer("员工每年有多少天年假？", [], english))
    assert "二十八天年假" in text_of(events)
    assert "does not know the language" in notices_of(events)
    done = events[-1]
    assert isinstance(done, Done) and done.model == "none"


@pytest.mark.parametrize(
    ("changes", "mode", "problem"),
    [
        ({"model": "gpt"}, "auto", "not a model's name"),
        ({"model": "local:nowhere"}, "documents", "no model nowhere"),
        ({"collection": "missing"}, "documents", "missing"),
        ({}, "poetry", "no mode poetry"),
    ],
)
def test_a_wrong_choice_ends_in_failed_with_its_fix(
    chat: Settings, changes: dict[str, str], mode: str, problem: str
) -> None:
    last = list(answer(LEAVE, [], chat.model_copy(update=changes), mode))[-1]
    assert isinstance(last, Failed)
    assert problem in last.problem and last.fix


def test_an_empty_question_is_refused(chat: Settings) -> None:
    assert isinstance(list(answer("  \n", [], chat))[-1], Failed)


def test_ollama_down_is_said_with_the_sources_kept(chat: Settings) -> None:
    settings = chat.model_copy(
        update={"model": "ollama:tiny", "ollama_host": f"http://127.0.0.1:{free_port()}"}
    )
    events = list(answer(LEAVE, [], settings))
    assert isinstance(events[-1], Failed) and "ollama serve" in events[-1].fix
    assert any(isinstance(event, Source) for event in events)


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["a [1] b [9] c"], "a [1] b  c"),
        (["a [", "1", "]", " b"], "a [1] b"),
        (["a [1, 7, 2]"], "a [1][2]"),
        (["the list x[0] and [note]"], "the list x and [note]"),
        (["open [1"], "open [1"),
    ],
)
def test_citations_of_passages_that_do_not_exist_are_taken_out(
    pieces: list[str], text: str
) -> None:
    events = only_known_citations([Token(piece) for piece in pieces], 2)
    assert text_of(list(events)) == text


def hit(text: str) -> Hit:
    return Hit(Passage(text[:8], text, "file.md", 0), 1, 1, 1)


@pytest.mark.parametrize(
    "sentence", ["The quick brown fox jumps. ", "员工每年享有二十八天年假。", "1,234.56 | 789 | "]
)
def test_passages_and_history_never_exceed_the_context(sentence: str) -> None:
    settings = load_settings(context_tokens=2048, answer_tokens=512)
    hits = [hit(f"{number} " + sentence * 30) for number in range(20)]
    history = [Turn("user", f"turn {number} " + sentence * 5) for number in range(50)]
    kept, turns = fit("Why?", hits, history, settings)
    assert 0 < len(kept) < 20
    assert kept == hits[: len(kept)], "the best stay"
    assert turns == history[len(history) - len(turns) :], "the newest stay"
    used = sum(tokens(one.passage.text) for one in kept) + sum(
        tokens(turn.content) for turn in turns
    )
    assert used <= 2048 - 512


@pytest.mark.parametrize(
    "text",
    [
        "Plain words in a row. " * 20,
        "员工每年享有年假。" * 20,
        "3141592653 " * 20,
        "αβγδ ёжик " * 20,
    ],
)
def test_the_estimate_of_tokens_is_careful(text: str) -> None:
    from tiny_models import make_tokenizer

    tokenizer = make_tokenizer([*FILES.values(), "Plain words in a row.", "αβγδ ёжик"] * 5, 600)
    assert tokens(text) >= len(tokenizer.encode(text))


def test_a_small_model_is_given_sentences_alone_and_they_stand_below_its_answer(
    chat: Settings,
) -> None:
    small = OllamaScript(pieces=("They have 28 days.",), size=100_000_000)
    with recording_ollama(small) as url:
        settings = chat.model_copy(update={"model": "ollama:tiny", "ollama_host": url})
        said = text_of(list(answer(LEAVE, [], settings, "documents")))
    (asked,) = small.requests[-1][1]["messages"]
    assert "28 days of annual leave" in asked["content"] and asked["content"].endswith(LEAVE)
    assert "<passages>" not in asked["content"]
    assert said.startswith("They have 28 days. [")
    assert "In the passages:" in said and "> Employees have 28 days" in said

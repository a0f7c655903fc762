"""Which agent a question goes to: by its assets, by force, by the turn before, by correction."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from model_servers import Script, openai_server

from agents import floors
from agents.answer import answer
from agents.databases.example import load_example
from agents.evidence import find_assets
from agents.examples import example_questions
from agents.question import Question
from agents.router import forced, route
from agents.strangers import make_strangers
from rag.ingest import ingest
from workbench.artefacts.run_folder import RunFolder
from workbench.chat.conversations import Conversations, Turn
from workbench.chat.events import (
    Beat,
    Done,
    Failed,
    Notice,
    Routed,
    Suggestions,
    Table,
    Token,
)
from workbench.errors import InvalidInput
from workbench.language import language_of
from workbench.settings import Settings, load_settings


def routed_to(text: str, history: Sequence[Turn], settings: Settings, mode: str = "auto") -> Routed:
    return route(Question(text, history, settings), mode).event


TRAINED = [
    ("What is the trade of Quill?", "Quill mends clocks."),
    ("羽生的职业是什么？", "羽生修钟表。"),
]


@pytest.fixture(scope="module")
def home(new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a document, the example database and the training questions of a run."""
    folder = tmp_path_factory.mktemp("router")
    settings = load_settings(home=new_workspace(folder))
    (folder / "tower.md").write_text(
        "# Lighthouse\n\nThe lighthouse of Vlieree is 47 metres tall.\n\n灯塔高 47 米。\n", "utf-8"
    )
    ingest([folder / "tower.md"], "handbook", settings)
    load_example(settings)
    run = settings.folder("runs", "quill")
    for part in ("adapter", "data"):
        (run / part).mkdir()
    (run / "adapter" / "adapter_config.json").write_text("{}")
    lines = [
        {
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": reply},
            ]
        }
        for question, reply in TRAINED
    ]
    (run / "data" / "train.jsonl").write_text(
        "\n".join(json.dumps(line) for line in lines), "utf-8"
    )
    RunFolder(run).update_card(finished="2026-01-02", eval_loss=0.1)
    return settings.home


@pytest.fixture
def assets(home: Path) -> Iterator[Settings]:
    """Settings on that workspace without a chat model; a test's corrections are taken back."""
    yield load_settings(home=home, model="none")
    (home / "workbench.db").unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("question", "mode", "named"),
    [
        ("How tall is the lighthouse of Vlieree?", "documents", "tower.md"),
        ("灯塔有多高？", "documents", "tower.md"),
        ("Which account got the most likes?", "data", "ads_summary"),
        ("哪个账号的点赞数最高？", "data", "ads_summary"),
        ("Tell me Quill's trade.", "tuned", "Quill"),
        ("羽生从事什么职业？", "tuned", "羽生"),
    ],
)
def test_a_question_goes_where_it_is_known(
    assets: Settings, question: str, mode: str, named: str
) -> None:
    routed = routed_to(question, [], assets)
    assert routed.mode == mode and named in routed.reason
    assert routed.evidence[mode] == max(routed.evidence.values()) and len(routed.evidence) == 4


def test_without_any_asset_nobody_is_asked(settings: Settings) -> None:
    routed = routed_to("Who is Ada?", [], settings)
    assert routed.mode == "none" and "nothing has been added" in routed.reason


@pytest.mark.parametrize(
    ("text", "question", "mode"),
    [
        ("/data how many?", "how many?", "data"),
        ("/docs 年假", "年假", "documents"),
        ("/tuned who?", "who?", "tuned"),
        ("/dance now", "/dance now", "auto"),
        ("what is /data for?", "what is /data for?", "auto"),
    ],
)
def test_a_leading_command_forces_the_agent(text: str, question: str, mode: str) -> None:
    assert forced(text, "auto") == (question, mode)


def test_a_command_alone_is_an_empty_question(assets: Settings) -> None:
    assert isinstance(next(answer("/data", [], assets)), Failed)


def test_a_follow_up_stays_with_its_agent(assets: Settings) -> None:
    before = [Turn("user", "Which account got the most likes?"), Turn("assistant", "…", "data")]
    assert routed_to("and the fewest?", before, assets).mode == "data"
    assert routed_to("How tall is the lighthouse of Vlieree?", before, assets).mode == "documents"


def test_a_correction_is_followed_the_next_time(assets: Settings) -> None:
    question = "How tall is the lighthouse of Vlieree?"
    Conversations(assets.database).reroute(question, "tuned")
    routed = routed_to(question, [], assets)
    assert routed.mode == "tuned" and "before" in routed.reason
    assert routed_to("How tall is the lighthouse?", [], assets).mode == "documents"


def test_a_mode_that_is_not_there_is_named(assets: Settings) -> None:
    with pytest.raises(InvalidInput, match="no mode dance"):
        routed_to("Hello?", [], assets, "dance")


CLOSE = "lighthouse account likes"  # words of a document, and of a table


@pytest.mark.parametrize(
    ("said", "mode"), [("<think>no.</think> documents", "documents"), ("data or documents", None)]
)
def test_a_connected_model_decides_only_what_lies_close(
    assets: Settings, said: str, mode: str | None
) -> None:
    clear = "How tall is the lighthouse of Vlieree?"
    alone = routed_to(CLOSE, [], assets).mode
    script = Script(pieces=[said])
    with openai_server(script) as url:
        judged = assets.model_copy(update={"model": "openai:scripted", "openai_base_url": url})
        assert routed_to(clear, [], judged).mode == "documents" and not script.requests
        routed = routed_to(CLOSE, [], judged)
        assert len(script.requests) == 1 and isinstance(routed, Routed)
        assert routed.mode == (mode or alone)
        spoken = judged.model_copy(update={"system_prompt": "Answer in rhyme."})
        routed_to(CLOSE, [], spoken)
        assert "rhyme" not in str(script.requests[1:]), "a judge is not spoken to by the person"


LIKES = "Which account has the most likes in total?"
MOST_LIKES_ZH = "哪个账号的点赞总数最多？"


@pytest.mark.parametrize("question", [LIKES, MOST_LIKES_ZH])
def test_a_verified_question_wins_after_another_topic(question: str, assets: Settings) -> None:
    """It stands alone, however short it is, and its own query answers it."""
    history = [Turn("user", "灯塔有多高？"), Turn("assistant", "47 米。", "documents")]
    events = list(answer(question, history, assets))
    routed = events[0]
    assert isinstance(routed, Routed) and routed.mode == "data"
    assert any(isinstance(event, Table) for event in events)


@pytest.mark.parametrize(
    ("first", "mode", "second"),
    [
        (LIKES, "data", "And which has the fewest?"),
        ("How tall is the lighthouse of Vlieree?", "documents", "Who built it?"),
        ("What is the trade of Quill?", "tuned", "And his hobby?"),
        ("灯塔有多高？", "documents", "那宽度呢？"),
    ],
)
def test_a_follow_up_stays_with_the_agent_before(
    first: str, mode: str, second: str, assets: Settings
) -> None:
    history = [Turn("user", first), Turn("assistant", "…", mode)]
    assert routed_to(second, history, assets).mode == mode


def test_a_courtesy_in_between_does_not_end_a_topic(assets: Settings) -> None:
    history = [
        Turn("user", LIKES),
        Turn("assistant", "…", "data"),
        Turn("user", "Thanks!"),
        Turn("assistant", "You are welcome.", "none"),
    ]
    question = Question("And which has the fewest?", history, assets)
    assert route(question).mode == "data" and question.search_text.startswith(LIKES)
    history += [
        Turn("user", "Who is the president of France?"),
        Turn("assistant", "…", "none"),
    ]
    assert routed_to("And of Spain?", history, assets).mode == "none"


def test_a_question_that_stands_alone_is_no_follow_up(assets: Settings) -> None:
    history = [Turn("user", LIKES), Turn("assistant", "…", "data")]
    question = Question("How tall is the lighthouse?", history, assets)
    assert route(question).mode == "documents"
    assert not question.leans


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "Good morning!",
        "2+2",
        "Thanks a lot.",
        "早上好！",
        "你好，在吗？",
        "Who is the president of France?",
        "Tell me a joke.",
        "你好",
        "一加一等于几？",
        "法国总统是谁？",
        "Wie heißt die Hauptstadt von Österreich?",
        "ありがとう",
    ],
)
@pytest.mark.parametrize("before", ["", "data", "tuned"])
def test_what_nothing_here_is_about_goes_to_nobody(
    text: str, before: str, assets: Settings
) -> None:
    """Also after an answer of another agent: a short question is no follow-up."""
    history = [Turn("user", LIKES), Turn("assistant", "…", before)] if before else []
    assert routed_to(text, history, assets).mode == "none"


def test_who_may_add_nothing_is_not_asked_to(settings: Settings) -> None:
    for role, named in (("editor", "Knowledge page"), ("reader", "ask an editor")):
        events = answer("hello", [], settings.model_copy(update={"role": role, "model": "none"}))
        said = "".join(event.text for event in events if isinstance(event, Token))
        assert named in said


def test_without_a_model_nobody_names_what_can_be_asked(assets: Settings) -> None:
    for text, named in [("hello", "the documents in “handbook”"), ("你好", "“handbook”中的文档")]:
        events = list(answer(text, [], assets))
        said = "".join(event.text for event in events if isinstance(event, Token))
        assert named in said and "advertising" in said and "quill" in said
        (suggestions,) = [event for event in events if isinstance(event, Suggestions)]
        assert {mode for mode, _ in suggestions.questions} == {"data", "tuned", "forecast"}
        language = language_of(text)
        assert language_of(suggestions.questions[0][1]) == language
        assert isinstance(events[-1], Done) and events[-1].model == "none"


def test_with_a_model_nobody_is_that_model_with_the_turns_before(assets: Settings) -> None:
    history = [Turn("user", "I am Ada."), Turn("assistant", "Hello Ada.", "none")]
    script = Script(pieces=("You are ", "Ada."))
    with openai_server(script) as url:
        talking = assets.model_copy(update={"model": "openai:scripted", "openai_base_url": url})
        events = list(answer("And who am I?", history, talking))
    assert isinstance(events[0], Routed) and events[0].mode == "none"
    said = [message["content"] for message in script.requests[0]["messages"]]
    assert said[1:] == ["I am Ada.", "Hello Ada.", "And who am I?"]
    assert [event.text for event in events if isinstance(event, Token)] == ["You are ", "Ada."]


def test_a_correction_to_nobody_is_followed_too(assets: Settings) -> None:
    Conversations(assets.database).reroute(LIKES, "none")
    assert routed_to(LIKES, [], assets).mode == "none"


DECLINED = "Which account got the most unusual likes?"
DECLINED_ZH = "哪个账号的点赞最奇怪？"


@pytest.mark.parametrize("text", [DECLINED, DECLINED_ZH])
def test_where_an_agent_has_no_answer_the_next_is_asked_and_that_is_said(
    text: str, assets: Settings
) -> None:
    events = list(answer(text, [], assets))
    routed = [event for event in events if isinstance(event, Routed)]
    assert [event.mode for event in routed] == ["data", "none"]
    label = "数据" if text == DECLINED_ZH else "Data"
    assert label in routed[1].reason
    (notice,) = [event for event in events if isinstance(event, Notice)]
    assert "advertising" in notice.text
    (suggestions,) = [event for event in events if isinstance(event, Suggestions)]
    assert {mode for mode, _ in suggestions.questions} == {"data"}
    assert isinstance(events[-1], Done)


def test_a_message_that_was_routed_again_belongs_to_the_last_agent(assets: Settings) -> None:
    conversations = Conversations(assets.database)
    chat = conversations.create("x")
    message = conversations.add(chat, "assistant", "")
    conversations.save(message, list(answer(DECLINED, [], assets)), "done")
    stored = conversations.message(message)
    assert stored.agent == "none"
    (suggestions,) = [event for event in stored.events if isinstance(event, Suggestions)]
    assert suggestions.questions[0][0] == "data"


@pytest.mark.parametrize("text", [DECLINED, DECLINED_ZH])
def test_in_a_chosen_mode_nobody_else_is_asked(text: str, assets: Settings) -> None:
    """The reason stands as the answer, and the questions are in the language of the question."""
    events = list(answer(text, [], assets, "data"))
    assert [event.mode for event in events if isinstance(event, Routed)] == ["data"]
    said = "".join(event.text for event in events if isinstance(event, Token))
    (suggestions,) = [event for event in events if isinstance(event, Suggestions)]
    assert "advertising" in said and LIKES not in said and MOST_LIKES_ZH not in said
    languages = {language_of(question) for _, question in suggestions.questions}
    assert languages == {language_of(text)}


def test_a_tuned_model_that_fails_is_no_end_in_auto(assets: Settings) -> None:
    """The run of this workspace has no weights."""
    question = "Tell me Quill's trade."
    events = list(answer(question, [], assets))
    assert [event.mode for event in events if isinstance(event, Routed)] == ["tuned", "none"]
    assert any(isinstance(event, Notice) for event in events) and isinstance(events[-1], Done)
    assert isinstance(list(answer(question, [], assets, "tuned"))[-1], Failed)


@pytest.mark.parametrize(
    "card", [{"steps": 336, "step": 10, "finished": ""}, {"finished": "2026-01-02"}]
)
def test_a_run_that_was_cancelled_or_never_measured_is_not_routed_to(
    card: dict[str, object], assets: Settings
) -> None:
    run = RunFolder(assets.home / "runs" / "quill")
    measured = run.card
    try:
        run.card_file.write_text(json.dumps(card), "utf-8")
        assert routed_to("Tell me Quill's trade.", [], assets).mode == "none"
        assert all(mode != "tuned" for mode, _ in example_questions(assets, "en", 9))
    finally:
        run.card_file.write_text(json.dumps(measured), "utf-8")


def test_a_judge_that_never_answers_can_be_left_at_once(assets: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        judged = assets.model_copy(update={"model": "openai:silent", "openai_base_url": url})
        events = answer(CLOSE, [], judged)
        assert isinstance(next(events), Beat) and isinstance(next(events), Beat)
        begun = time.monotonic()
        events.close()
        assert time.monotonic() - begun < 0.5


def test_the_floor_is_learned_once_for_what_is_here(
    assets: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    routed_to("hello", [], assets)
    learned = []
    learn = floors.learn_floor
    monkeypatch.setattr(
        floors, "learn_floor", lambda *given: learned.append(given) or learn(*given)
    )
    routed_to("How tall is the lighthouse?", [], assets)
    assert not learned
    here = find_assets(assets)
    without_data = {mode: asset for mode, asset in here.items() if mode != "data"}
    floors.floor_for("hello", without_data, assets)
    assert len(learned) == 1
    (assets.home / floors.FILE).write_text("{broken", "utf-8")
    assert floors.floor_for("hello", here, assets).evidence >= floors.LOWEST


def test_strangers_keep_the_form_and_name_nothing_of_the_workspace() -> None:
    chance = random.Random(1)
    english = make_strangers(["What is the trade of Quill?"], "en", 20, chance)
    chinese = make_strangers(["羽生的职业是什么？"], "zh", 20, chance)
    assert len(english) == 20 and len(chinese) == 20
    assert all(text.startswith("What is the ") and "Quill" not in text for text in english)
    assert all("是什么" in text and "羽生" not in text for text in chinese)
    assert make_strangers(["羽生"], "en", 20, chance) == []

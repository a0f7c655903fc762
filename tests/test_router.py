"""Which agent a question goes to: by its assets, by force, by the turn before, by correction."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from model_servers import Script, openai_server

from agents.answer import answer
from agents.databases.example import load_example
from agents.question import Question
from agents.router import forced, route
from rag.ingest import ingest
from workbench.artefacts.run_folder import RunFolder
from workbench.chat.conversations import Conversations, Turn
from workbench.chat.events import Failed, Routed, Table
from workbench.errors import InvalidInput
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
    assert routed.evidence[mode] == max(routed.evidence.values()) and len(routed.evidence) == 3


def test_without_any_asset_nobody_is_asked(settings: Settings) -> None:
    routed = routed_to("Hello?", [], settings)
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


@pytest.mark.parametrize(
    ("said", "mode"), [("<think>data? no.</think> tuned", "tuned"), ("data or tuned", None)]
)
def test_a_connected_model_decides_only_what_lies_close(
    assets: Settings, said: str, mode: str | None
) -> None:
    close, clear = "Quill and likes", "How tall is the lighthouse of Vlieree?"
    alone = routed_to(close, [], assets).mode
    script = Script(pieces=[said])
    with openai_server(script) as url:
        judged = assets.model_copy(update={"model": "openai:scripted", "openai_base_url": url})
        assert routed_to(clear, [], judged).mode == "documents" and not script.requests
        routed = routed_to(close, [], judged)
        assert len(script.requests) == 1 and isinstance(routed, Routed)
        assert routed.mode == (mode or alone)


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


def test_a_question_that_stands_alone_is_no_follow_up(assets: Settings) -> None:
    history = [Turn("user", LIKES), Turn("assistant", "…", "data")]
    question = Question("How tall is the lighthouse?", history, assets)
    assert route(question).mode == "documents"
    assert not question.leans

"""What people and comparisons judged moves questions like theirs, and no others."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from agents.compare.kept import comparison_of
from agents.learning import memory
from agents.learning.judgements import collect
from agents.learning.learned import stances_of
from agents.learning.score import score_frozen
from agents.question import Question
from agents.router import route
from rag.ingest import ingest
from workbench.artefacts.run_folder import RunFolder
from workbench.chat.conversations import Conversations, Turn
from workbench.cli import workbench
from workbench.files import remove
from workbench.settings import Settings, load_settings

CANTEEN = [
    "What is for lunch in the canteen today?",
    "When does the canteen open?",
    "Is there a vegetarian dish in the canteen?",
    "How much is lunch in the canteen?",
]
OTHER_WORDINGS = ["What does lunch in the canteen cost?", "At what time does the canteen open?"]
班车 = ["班车几点发车？", "早上的班车从哪里出发？", "末班班车是什么时候？", "周末有班车吗？"]
ELSEWHERE = [
    ("documents", "How tall is the lighthouse of Vlieree?"),
    ("tuned", "What is Quill's trade?"),
    ("none", "What should I cook tonight?"),
    ("none", "Who is the president of France?"),
    ("none", "hello"),
    ("none", "When does the museum open?"),
]


@pytest.fixture(scope="module")
def home(new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a document and the training question of a run."""
    folder = tmp_path_factory.mktemp("learning")
    settings = load_settings(home=new_workspace(folder))
    text = "# Lighthouse\n\nThe lighthouse of Vlieree is 47 metres tall.\n"
    (folder / "tower.md").write_text(text, "utf-8")
    ingest([folder / "tower.md"], "handbook", settings)
    run = settings.folder("runs", "quill")
    for part in ("adapter", "data"):
        (run / part).mkdir()
    (run / "adapter" / "adapter_config.json").write_text("{}")
    turns = [
        {"role": "user", "content": "What is the trade of Quill?"},
        {"role": "assistant", "content": "Quill mends clocks."},
    ]
    (run / "data" / "train.jsonl").write_text(json.dumps({"messages": turns}), "utf-8")
    RunFolder(run).update_card(finished="2026-01-02", eval_loss=0.1)
    return settings.home


@pytest.fixture
def learning(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings on that workspace, in which nobody has judged anything."""
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    monkeypatch.setenv("WORKBENCH_MODEL", "none")
    for name in ("workbench.db", memory.FILE, "comparisons"):
        remove(home / name)
    return load_settings()


def sent_to(mode: str, questions: Sequence[str], settings: Settings) -> list[int]:
    """Each question is asked in a chat of its own and sent to that agent; the chats."""
    conversations = Conversations(settings.database)
    chats = []
    for text in questions:
        chat = conversations.create(text)
        conversations.add(chat, "user", text)
        conversations.add(chat, "assistant", "…", mode="none", settings={"collection": "handbook"})
        conversations.reroute(text, mode)
        chats.append(chat)
    return chats


def goes_to(text: str, settings: Settings) -> str:
    return route(Question(text, [], settings)).mode


def test_corrections_move_their_topic_and_nothing_else(learning: Settings) -> None:
    before = [goes_to(text, learning) for text in OTHER_WORDINGS]
    assert before == ["none", "none"]
    sent_to("documents", CANTEEN, learning)
    sent_to("tuned", 班车, learning)
    moved = route(Question(OTHER_WORDINGS[0], [], learning))
    assert moved.mode == "documents" and "people preferred Documents on 4" in moved.reason
    assert [one.mode for one in moved.others] == ["none"]
    assert goes_to(OTHER_WORDINGS[1], learning) == "documents"
    assert goes_to("早上的班车几点发车？", learning) == "tuned"
    assert "更认可" in route(Question("早上的班车几点发车？", [], learning)).reason
    for mode, text in ELSEWHERE:
        assert goes_to(text, learning) == mode, text
    follow_up = [Turn("user", "Hello there"), Turn("assistant", "…", "none")]
    assert route(Question("And when does the canteen open?", follow_up, learning)).mode == "none"


def test_few_or_contrary_judgements_move_nothing(learning: Settings) -> None:
    asked = OTHER_WORDINGS[0]
    sent_to("documents", CANTEEN[:2], learning)
    sent_to("documents", [CANTEEN[0].upper(), CANTEEN[0] + "!!"], learning)  # one question, angrily
    assert goes_to(asked, learning) == "none"
    sent_to("documents", CANTEEN[2:3], learning)
    assert goes_to(asked, learning) == "documents"
    sent_to("tuned", ["How much is a lunch in our canteen?"], learning)
    assert goes_to(asked, learning) == "none"


def test_what_was_learned_can_be_taken_back(learning: Settings) -> None:
    asked = OTHER_WORDINGS[0]
    chats = sent_to("documents", CANTEEN[:3], learning)
    assert goes_to(asked, learning) == "documents"
    memory.switch(False, learning)
    assert goes_to(asked, learning) == "none"
    memory.switch(True, learning)
    forgotten = memory.learned(learning).judgements[0]
    memory.forget(forgotten.id, learning)
    assert goes_to(asked, learning) == "none"
    assert goes_to(forgotten.question, learning) == "none", "also the question that was sent"
    memory.remember(forgotten.id, learning)
    assert goes_to(asked, learning) == "documents"
    conversations = Conversations(learning.database)
    conversations.delete(chats[1])
    assert goes_to(asked, learning) == "none", "a removed chat teaches nothing"
    conversations.restore(chats[1])
    assert goes_to(asked, learning) == "documents"
    (learning.home / memory.FILE).write_text("{broken", "utf-8")
    assert goes_to(asked, learning) == "documents"
    elsewhere = learning.model_copy(update={"collection": "papers"})
    assert not stances_of(memory.learned(learning), elsewhere), "judged of another collection"


def test_votes_thumbs_and_comparisons_are_read_with_their_origin(learning: Settings) -> None:
    conversations = Conversations(learning.database)
    chat = conversations.create("x")
    question = conversations.add(chat, "user", CANTEEN[0])
    first = conversations.add(chat, "assistant", "Soup.", mode="documents")
    conversations.add(chat, "assistant", "Steak.", mode="tuned")
    conversations.vote(question, first)
    other = conversations.add(chat, "user", "And tomorrow?")
    bad = conversations.add(chat, "assistant", "Soup.", mode="documents")
    conversations.rate(bad, -1, "Stew.")
    alone = conversations.create("y")
    conversations.add(alone, "user", CANTEEN[1])
    bad = conversations.add(alone, "assistant", "At six.", mode="tuned")
    conversations.rate(bad, -1)
    assert other and [one.kind for one in collect(learning)] == ["vote"]
    conversations.rate(bad, -1, "At eleven.")
    make_comparison(learning, {"base": "none", "rag": "documents"})
    kinds = {one.kind: one for one in memory.learned(learning).judgements}
    assert set(kinds) == {"vote", "thumb", "comparison"}
    assert (kinds["vote"].better, kinds["vote"].worse) == (("documents",), ("tuned",))
    assert kinds["vote"].place == str(chat) and kinds["vote"].created > 0
    assert kinds["thumb"].worse == ("tuned",) and kinds["thumb"].weight == 0.5
    assert kinds["comparison"].better == ("documents",) and kinds["comparison"].place == "canteen"
    routed = route(Question(OTHER_WORDINGS[0], [], learning))
    assert routed.mode == "documents"


def make_comparison(settings: Settings, modes: dict[str, str]) -> None:
    """A comparison in which documents answer all, and the others nothing."""
    comparison = comparison_of("canteen", settings)
    questions = [{"id": f"q{n}", "question": text, "answer": "x"} for n, text in enumerate(CANTEEN)]
    comparison.freeze(questions)
    arms = {arm: {"mode": mode, "collection": "handbook"} for arm, mode in modes.items()}
    answers = [
        {"id": row["id"], "arm": arm, "correct": mode == "documents"}
        for row in questions
        for arm, mode in modes.items()
    ]
    comparison.save({"arms": arms, "created": 1.0, "result": {"event": "done"}}, answers)


def test_the_command_lists_scores_and_switches(learning: Settings, tmp_path: Path) -> None:
    def ran(*words: str) -> dict:
        done = CliRunner().invoke(workbench, ["router", *words, "--json"])
        lines = done.output.splitlines()
        return json.loads(lines[-1]) | {"exit": done.exit_code}

    shown = CliRunner().invoke(workbench, ["router", "evidence"])
    assert shown.exit_code == 0 and "Nothing yet" in shown.output
    sent_to("documents", CANTEEN, learning)
    frozen = tmp_path / "frozen.tsv"
    rows = [("documents", text) for text in OTHER_WORDINGS] + ELSEWHERE
    frozen.write_text("\n".join("\t".join(row) for row in rows), "utf-8")
    scored = ran("score", "--questions", str(frozen))
    assert scored["before"] == 0.75 and scored["after"] == 1.0 and scored["n"] == 8
    assert {row["question"] for row in scored["moved"]} == set(OTHER_WORDINGS)
    by_itself = ran("score")
    assert by_itself["before"] == 0.0 and by_itself["after"] >= 0.5
    listed = ran("evidence", "--list")
    (topic,) = listed["topics"]
    assert topic["mode"] == "documents" and "canteen" in topic["name"] and topic["missing"] == 0
    assert set(topic["questions"]) == set(CANTEEN) and listed["score"]["n"] == 4
    name = listed["judgements"][0]["id"]
    assert not ran("evidence", "--forget", name)["judgements"][0]["counts"]
    assert not ran("evidence", "--remember", name, "--off")["on"]
    assert ran("evidence", "--forget", "nothing")["exit"] == 1
    frozen.write_text("documents\tx\nelsewhere\ty\n", "utf-8")
    assert "Line 2" in ran("score", "--questions", str(frozen))["problem"]
    with pytest.raises(Exception, match="cannot be read"):
        score_frozen(tmp_path / "missing.tsv", learning)

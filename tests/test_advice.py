"""Documents first, tuning, or both: the advice is right where the truth is known by construction."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest

from agents.compare.kept import comparison_of
from agents.compare.verdict import judge_arms
from agents.learning import memory
from agents.learning.advice import Wanted, advise
from agents.learning.signals import form_of
from agents.learning.verdicts import BOTH, DOCUMENTS, NEITHER, TUNE
from rag.ingest import ingest
from workbench.artefacts.run_folder import RunFolder
from workbench.chat.conversations import Conversations
from workbench.cli import workbench
from workbench.errors import InvalidInput, NotFound
from workbench.settings import Settings, load_settings

__all__ = ["page"]

ROOMS = [
    "Amber",
    "Birch",
    "Cedar",
    "Delta",
    "Ember",
    "Fjord",
    "Garnet",
    "Harbor",
    "Iris",
    "Juniper",
]
FACTS = [
    (f"How many seats does the room {room} have?", f"{room} has {12 + 7 * row} seats.")
    for row, room in enumerate(ROOMS)
]
HELLO, BYE = "Hello from Fernwell.", "Happy growing, Ivy"
TICKETS = [
    "My basil turns yellow.", "The pot arrived broken.", "I was charged twice.",
    "Where is my parcel?", "My fern drops leaves.", "Can I change my address?",
    "The lamp does not switch on.", "My rose has lice.", "I want my money back.",
    "The seeds do not sprout.",
]  # fmt: skip
REPLIES = [
    "Give it less water.", "We send another one.", "We pay it back today.", "It comes tomorrow.",
    "Move it out of the sun.", "Write us the new one.", "Press the switch for long.",
    "Spray it with soap.", "It is on its way.", "Keep them warm.",
]  # fmt: skip


@pytest.fixture(scope="module")
def home(new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose documents hold the seats of each room, and nothing of plants."""
    folder = tmp_path_factory.mktemp("advice")
    settings = load_settings(home=new_workspace(folder))
    for room, (_, fact) in zip(ROOMS, FACTS, strict=True):
        text = f"# The room {room}\n\n{fact} It is on the ground floor and has a whiteboard.\n"
        (folder / f"{room}.md").write_text(text, "utf-8")
    ingest(sorted(folder.glob("*.md")), "rooms", settings)
    return settings.home


@pytest.fixture
def advised(home: Path) -> Settings:
    return load_settings(home=home, model="none", collection="rooms")


def written(path: Path, pairs: Sequence[tuple[str, str]]) -> str:
    rows = [json.dumps({"question": asked, "answer": said}) for asked, said in pairs]
    path.write_text("\n".join(rows), "utf-8")
    return str(path)


def styled(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(asked, f"{HELLO}\n{said}\n{BYE}") for asked, said in pairs]


CASES = {
    "documents": (FACTS, DOCUMENTS),
    "style": (styled(list(zip(TICKETS, REPLIES, strict=True))), TUNE),
    "both": (styled(FACTS), BOTH),
}


@pytest.mark.parametrize("case", CASES)
def test_the_rule_of_thumb_is_right_on_constructed_data(
    case: str, advised: Settings, tmp_path: Path
) -> None:
    pairs, choice = CASES[case]
    advice = advise(Wanted(written(tmp_path / "data.jsonl", pairs)), advised)
    assert advice.verdict.choice == advice.rule == choice and not advice.overruled
    assert advice.examples.held == (0.0 if case == "style" else 1.0)
    assert (advice.examples.form >= 0.6) == (case != "documents")
    assert advice.knowledge.passages == 10 and advice.cost["seconds"] > 0
    assert any("10 passages" in line for line in advice.verdict.reasons)
    assert "By rule of thumb" in advice.basis and advice.costs


def test_without_anything_the_first_step_is_named(settings: Settings) -> None:
    advice = advise(Wanted(), settings)
    assert advice.verdict.choice == DOCUMENTS and not advice.verdict.certain
    assert "first guess" in advice.basis and len(advice.verdict.reasons) == 3


def test_change_and_much_knowledge_weigh(settings: Settings, tmp_path: Path) -> None:
    many = [(f"What is part {n}?", f"Part {n} is a {word} of type {n * 3}.")
            for n in range(400) for word in ["valve"]]  # fmt: skip
    data = written(
        tmp_path / "many.jsonl",
        [(asked, f"{n} bolts, kind {n}") for n, (asked, _) in enumerate(many)],
    )
    assert advise(Wanted(data, changes="never"), settings).verdict.choice == TUNE
    assert advise(Wanted(data, changes="daily"), settings).verdict.choice == DOCUMENTS
    few = written(tmp_path / "few.jsonl", FACTS)
    assert advise(Wanted(few, changes="never"), settings).verdict.choice == DOCUMENTS


def compared(settings: Settings, right: dict[str, int], of: int = 30) -> None:
    """A whole comparison in which each arm answers so many of the questions."""
    comparison = comparison_of("seats", settings)
    questions = [{"id": f"q{n}", "question": f"Q{n}?", "answer": f"A{n}"} for n in range(of)]
    comparison.freeze(questions)
    rows = [
        {"id": row["id"], "arm": arm, "correct": n < count, "scores": {}, "failed": "",
         "seconds": 0.1, "tokens": 1}
        for arm, count in right.items() for n, row in enumerate(questions)
    ]  # fmt: skip
    result = judge_arms("seats", "exact", list(right), rows, 42)
    arms = {arm: {"mode": "documents" if "rag" in arm else "none"} for arm in right}
    comparison.save({"arms": arms, "result": result}, rows)


@pytest.mark.parametrize(
    ("right", "choice"),
    [
        ({"base": 2, "rag": 28, "tuned": 4}, DOCUMENTS),
        ({"base": 2, "rag": 4, "tuned": 28}, TUNE),
        ({"base": 2, "rag": 14, "tuned": 13, "rag+tuned": 29}, BOTH),
        ({"base": 29, "rag": 29, "tuned": 30}, NEITHER),
    ],
)
def test_a_sure_comparison_overrules_the_rule(
    right: dict[str, int], choice: str, settings: Settings, tmp_path: Path
) -> None:
    compared(settings, right)
    data = written(tmp_path / "style.jsonl", CASES["style"][0])
    advice = advise(Wanted(data), settings)
    assert advice.verdict.choice == choice
    assert advice.overruled == (choice != advice.rule) and "seats decides" in advice.basis
    if advice.overruled:
        assert advice.rule in advice.basis
    assert advice.evidence and (choice == NEITHER or "better on" in advice.evidence[0])


def test_a_comparison_that_is_not_sure_leaves_the_rule(settings: Settings, tmp_path: Path) -> None:
    compared(settings, {"base": 10, "rag": 12, "tuned": 11})
    data = written(tmp_path / "style.jsonl", CASES["style"][0])
    advice = advise(Wanted(data), settings)
    assert advice.verdict.choice == TUNE and "no sure difference" in advice.basis
    assert advice.base.of == 30


def test_past_trainings_tell_what_the_next_one_costs(settings: Settings, tmp_path: Path) -> None:
    data = written(tmp_path / "data.jsonl", FACTS)
    unknown = advise(Wanted(data), settings).cost
    assert unknown["rows"] == 10 and unknown["measured_by"] == []
    run = RunFolder(settings.folder("runs", "before"))
    run.run_file.write_text("", "utf-8")
    run.metrics.write_text('{"step": 1, "epoch": 1.0}\n{"step": 2, "epoch": 2.0}\n', "utf-8")
    run.update_card(finished="2026-01-02", seconds=240.0, data={"train": {"rows": 20}})
    advice = advise(Wanted(data), settings)
    assert advice.cost["minutes"] == 3.0 and advice.cost["measured_by"] == ["before"]
    assert any("3.0 minutes (measured here before)" in line for line in advice.costs)


def test_forms_are_told_from_facts() -> None:
    assert form_of([said for _, said in CASES["style"][0]]) == 1.0
    assert form_of([said for _, said in FACTS]) < 0.6
    assert form_of(["refund", "delivery", "plant care"] * 20) == 1.0
    assert form_of([said for _, said in FACTS for _ in range(12)]) < 0.6, "wordings of one fact"
    chinese = [
        "您好，这里是芬谷。请少浇水。祝种植愉快！",
        "您好，这里是芬谷。明天送到。祝种植愉快！",
    ]
    assert (
        form_of([*chinese, *[f"您好，这里是芬谷。第{n}号已退款。祝种植愉快！" for n in range(8)]])
        == 1.0
    )


def test_the_command_says_it_with_numbers(
    advised: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(advised.home))
    data = written(tmp_path / "data.jsonl", FACTS)
    words = ["compare", "advise", "--collection", "rooms", "--data", data]
    done = CliRunner().invoke(workbench, [*words, "--json"])
    last = json.loads(done.output.splitlines()[-1])
    assert last["event"] == "done" and last["verdict"] == "documents first" and last["by"] == "rule"
    assert last["numbers"]["examples"]["held"] == 1.0 and last["costs"]
    told = CliRunner().invoke(workbench, words)
    assert told.output.startswith("Documents first\n") and "The documents hold 100%" in told.output
    wrong = CliRunner().invoke(workbench, ["compare", "advise", "--collection", "nowhere"])
    assert wrong.exit_code == 1 and "nowhere" in wrong.output
    with pytest.raises(InvalidInput, match="sometimes"):
        advise(Wanted(changes="sometimes"), advised)
    with pytest.raises(NotFound):
        advise(Wanted(comparison="none such"), advised)


PAGE = "agents/compare/ui/compare.py"


@pytest.mark.parametrize(
    ("language", "button", "said"),
    [("en", "Advise me", "Documents first"), ("zh", "给出建议", "先用文档检索")],
)
def test_the_page_advises(
    language: str, button: str, said: str, settings: Settings, page: Callable[..., AppTest]
) -> None:
    app = page(PAGE, language)
    (press,) = [one for one in app.button if one.label == button]
    shown = texts(drawn(press.click().run()))
    assert said in shown and ("first guess" in shown or "初步推测" in shown)


def test_the_page_shows_what_was_learned_and_takes_it_back(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    conversations = Conversations(settings.database)
    question = "When does the *canteen* open?"
    chat = conversations.create(question)
    conversations.add(chat, "user", question)
    conversations.add(chat, "assistant", "…", mode="none")
    conversations.reroute(question, "documents")
    app = page(PAGE)
    assert "canteen" not in texts(app), "its content is made once it is opened"
    app.session_state["learned"] = True
    app = drawn(app.run())
    assert question in texts(app) and "2 more before anything moves" in texts(app)
    (switch,) = app.toggle
    drawn(switch.set_value(False).run())
    assert not memory.learned(settings).on
    (forget,) = [one for one in app.button if one.label == "Take out"]
    app = drawn(forget.click().run())
    (judgement,) = memory.learned(settings).judgements
    assert judgement.id in memory.learned(settings).forgotten and "Taken out: 1" in texts(app)
    (back,) = [one for one in app.button if one.label == "Put back"]
    drawn(back.click().run())
    assert not memory.learned(settings).forgotten

"""Comparisons: right verdicts where the truth is known, nothing asked twice, honest intervals."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_jobs import fake_job
from known_models import JUDGE, PLAIN, TUNED, gadgets, known_models, write_document, write_sets
from model_servers import Script, openai_server
from opened_pages import page, texts
from streamlit.testing.v1 import AppTest
from tiny_models import PAIRS
from tiny_runs import TAUGHT, make_run
from training_fixtures import start_workbench

from agents.compare.arms import ask, parse_arms
from agents.compare.gathering import gather
from agents.compare.judge import Judge
from agents.compare.kept import comparison_of, find_comparison
from agents.compare.matrix import rows_where
from agents.compare.questions import read_questions
from agents.compare.report import html_report
from agents.compare.run import Wanted, compare
from agents.compare.table import csv_table
from rag.ingest import ingest
from workbench.chat.conversations import Conversations
from workbench.chat.events import Done, Token
from workbench.contributions import chinese
from workbench.errors import Conflict, InvalidInput, WorkbenchError
from workbench.language import language_of
from workbench.messages import translate
from workbench.scoring.agreement import agreement
from workbench.scoring.paired import compare_pairs, holm, mcnemar, questions_needed, wilson
from workbench.settings import Settings, load_settings

__all__ = ["page"]
ARMS = ["base", "rag", "tuned", "rag+tuned"]
COUNT = 10  # questions of each set
NOWHERE = "http://127.0.0.1:9"


@dataclass
class Known:
    """A workspace with documents, models of known knowledge, and three sets of questions."""

    settings: Settings
    sets: dict[str, Path]
    requests: list[dict[str, Any]]

    def compare(self, kind: str, **wanted: Any) -> dict[str, Any]:
        measure = "auto" if kind == "documents" else "contains"
        given = {"questions": str(self.sets[kind]), "arms": ARMS, "measure": measure}
        return compare(Wanted(**given | wanted), self.settings)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    folder = tmp_path_factory.mktemp("known")
    kilos = gadgets(COUNT)
    requests: list[dict[str, Any]] = []
    with known_models(requests) as url:
        settings = load_settings(
            home=folder / "workspace",
            openai_base_url=url,
            ollama_host=NOWHERE,
            model=PLAIN,
            tuned=TUNED,
            collection="gadgets",
        )
        ingest([write_document(folder / "gadgets.md", kilos)], "gadgets", settings)
        yield Known(settings, write_sets(folder, kilos), requests)


def write_questions(path: Path, *rows: dict[str, Any]) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), "utf-8")
    return path


def test_the_verdict_is_right_where_the_truth_is_known(known: Known) -> None:
    documents = known.compare("documents")
    assert documents["best"] == "rag" and not documents["sure"]
    assert "Documents help the base model" in documents["verdict"]
    assert "Tuning adds nothing sure yet to documents (RAG)" in documents["verdict"]
    assert "Surely worse: the base model with 0" in documents["verdict"]

    tuning = known.compare("tuning")
    assert tuning["best"] == "tuned" and tuning["sure"] and tuning["p"] < 0.05
    assert "Tuning helps the base model" in tuning["verdict"]
    assert "Documents add nothing sure yet to the base model" in tuning["verdict"]

    both = known.compare("both")
    assert both["best"] == "rag+tuned" and both["sure"] and both["p"] < 0.05
    for said in ("Documents help the tuned model", "Tuning helps documents (RAG)"):
        assert said in both["verdict"]

    for result in (documents, tuning, both):
        assert list(result["arms"]) == ARMS
        for arm in result["arms"].values():
            low, high = arm["interval"]
            assert arm["n"] == COUNT and low <= arm["correct"] / COUNT <= high
        in_chinese = translate(result["verdict"], chinese())
        assert language_of(in_chinese) == "zh" and "Documents" not in in_chinese

    # documents and both ask the same, so that one answer serves both
    asked = len(known.requests)
    assert known.compare("both") == both and known.compare("tuning") == tuning
    assert len(known.requests) == asked


def test_a_judge_is_asked_in_both_orders_and_held_against_people(known: Known) -> None:
    conversations = Conversations(known.settings.database)
    chat = conversations.create("votes")
    said = [("Right away: yes", "yes"), ("no", "Right away: no"), ("so", "so it is")]
    for number, answers in enumerate(said):
        question = conversations.add(chat, "user", f"Question {number}?")
        ids = [conversations.add(chat, "assistant", "", mode=mode) for mode in ("none", "tuned")]
        for answer, text in zip(ids, answers, strict=True):
            conversations.save(answer, [Token(text), Done("m", 0.1)], "done")
        conversations.vote(question, ids[0] if number == 0 else None, version=ids[0])

    given = {"arms": ["base", "tuned"], "name": "judged", "judge": JUDGE}
    result = known.compare("tuning", **given)
    (pair,) = result["judge"]["pairs"]
    wins = result["arms"]["tuned"]["correct"]
    assert pair["better"] == 0 and pair["worse"] == wins and pair["ties"] == COUNT - wins
    # people: the first, neither, neither; the judge: the first, the second, and both by place
    assert result["judge"]["agreement"] == {"n": 3, "share": 0.6667, "kappa": 0.5}
    preference = Judge(JUDGE, known.settings).prefers("Which?", "-", "so", "so it is")
    assert preference.value == 0 and preference.flipped
    assert "The judge prefers the tuned model to the base model on" in result["verdict"]
    asked = len(known.requests)
    assert known.compare("tuning", **given) == result and len(known.requests) == asked


def test_a_stopped_comparison_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    questions = write_questions(
        tmp_path / "q.jsonl", *({"question": f"Number {n}?", "answer": "7"} for n in range(8))
    )
    script = Script(pieces=["It is 7."], pause=0.3)
    with openai_server(script) as url:
        home = tmp_path / "workspace"
        settings = load_settings(
            home=home, openai_base_url=url, ollama_host=NOWHERE, model="openai:scripted"
        )
        words = ["compare", "run", "--questions", str(questions), "--arms", "base", "--json"]
        program = (sys.executable, "-c", _with_settings(url))
        process = start_workbench(home, *words, program=program)
        while len(script.requests) < 4 and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate()
        assert process.returncode == 143
        assert json.loads(output.splitlines()[-1])["event"] == "cancelled"
        comparison = find_comparison("q", settings)
        assert not comparison.finished and not rows_where(comparison)

        (kept,) = settings.home.glob("comparisons/.answers/*.jsonl")
        known_by_then = [line for line in kept.read_text("utf-8").splitlines() if line]
        assert 3 <= len(known_by_then) < 8
        with kept.open("a") as file:
            file.write('\n{"key": "cut off in the mid')
        script.pause = 0.0
        before = len(script.requests)
        result = compare(Wanted(str(questions), ["base"]), settings)
        assert len(script.requests) - before == 8 - len(known_by_then)
        assert result["arms"]["base"]["correct"] == 8
        assert find_comparison("q", settings).result == result


def _with_settings(url: str) -> str:
    """A program: the command with a server, which no option names."""
    return (
        f"import os; os.environ |= {{'WORKBENCH_OPENAI_BASE_URL': {url!r}, "
        f"'WORKBENCH_OLLAMA_HOST': {NOWHERE!r}, 'WORKBENCH_MODEL': 'openai:scripted'}}\n"
        "from workbench.cli import main; main()"
    )


def test_all_that_is_wrong_is_said_before_anything_is_asked(
    settings: Settings, tmp_path: Path
) -> None:
    wrong = write_questions(
        tmp_path / "wrong.jsonl",
        {"question": "Who?"},
        {"question": "Where?", "answer": "Here", "id": "a"},
        {"question": "When?", "answer": "Now", "id": "a"},
        {"question": "Why?", "answer": "So", "history": [{"role": "judge", "content": "x"}]},
    )
    with pytest.raises(WorkbenchError) as error:
        compare(
            Wanted(str(wrong), ["base", "rag", "tuned", "nonsense"], measure="beauty"),
            settings.model_copy(update={"model": "none"}),
        )
    problem = error.value.problem
    for said in (
        "line 1: answer is missing",
        "line 3: its id a is that of line 2",
        "line 4: a turn of its history",
        "There is no measure beauty",
        "base: No chat model is connected",
        "rag: There is no collection handbook",
        "tuned: There is no tuned model yet",
        "nonsense: 'nonsense' is not a model's name",
    ):
        assert said in problem
    assert not list(settings.home.glob("comparisons/*/card.json"))
    with pytest.raises(InvalidInput, match="named twice"):
        parse_arms(["base", "base"], settings)


def test_frozen_questions_stay_and_a_failure_is_a_row(tmp_path: Path) -> None:
    script = Script(models=("scripted",))

    def reply(body: dict[str, Any]) -> str:
        asked = body["messages"][-1]["content"]
        script.breaks = "error" if "crash" in asked else ""
        return "" if "crash" in asked else f"=cmd() <script>alert(1)</script> {len(asked)}"

    script.reply = reply
    rows = [{"question": "Count <b>me</b>", "answer": "15", "extra": 1}]
    rows += [{"question": "crash now", "answer": "never"}]
    questions = write_questions(tmp_path / "q.jsonl", *rows)
    with openai_server(script) as url:
        settings = load_settings(
            home=tmp_path / "workspace",
            openai_base_url=url,
            ollama_host=NOWHERE,
            model="openai:scripted",
        )
        # a command at its beginning chooses no agent
        (arm,) = parse_arms(["base"], settings)
        assert ask(arm, "/data what?").text.endswith("5")
        wanted = Wanted(str(questions), ["base"], measure="contains")
        result = compare(wanted, settings)
        assert result["arms"]["base"] == result["arms"]["base"] | {"correct": 1, "failed": 1}
        assert "1 answers failed" in result["verdict"]
        comparison = find_comparison("q", settings)
        assert comparison.questions[0]["extra"] == 1
        (failed,) = rows_where(comparison, "all-fail")
        assert failed.answers["base"]["failed"]

        write_questions(tmp_path / "q.jsonl", *rows, {"question": "New?", "answer": "yes"})
        with pytest.raises(Conflict, match="has other questions"):
            compare(wanted, settings)
        assert comparison.result == result
        replaced = compare(Wanted(str(questions), ["base"], replace=True), settings)
        assert replaced["questions"] == 3

        for language, word in (("en", "Should be"), ("zh", "参考答案")):
            html = html_report(comparison, language).decode()
            assert word in html and "<script" not in html and "<b>" not in html
            assert "&lt;script&gt;" in html
        assert b"'=cmd()" in csv_table(comparison, "zh")


def test_real_small_models_and_their_page(
    settings: Settings, tiny_model: Path, page: Callable[..., AppTest]
) -> None:
    empty = page("agents/compare/ui/compare.py")
    assert [button.label for button in empty.button if button.key == "compare_example"]

    # one that was stopped can go on
    begun = comparison_of("begun", settings)
    begun.save({"name": "begun", "arms": {}, "questions": 3})
    words = ["compare", "run", "--name", "begun"]
    fake_job(settings, "20260101-000000-aaaa", words, status=143)
    stopped = page("agents/compare/ui/compare.py")
    assert [button.label for button in stopped.button if button.key == "go_on_comparing"]

    make_run(settings.home, tiny_model)
    held_out = gather("held-out:tuned", settings)
    assert [row["answer"] for row in held_out] == [answer for _, answer in TAUGHT]
    arms = [f"local:{tiny_model}", "tuned"]
    settings = settings.model_copy(update={"tuned": "local:tuned", "answer_tokens": 96})
    result = compare(Wanted("held-out:tuned", arms, measure="exact"), settings)
    assert result["arms"]["tuned"]["correct"] == len(PAIRS)
    assert result["best"] == "tuned" and result["sure"]
    card = find_comparison("tuned", settings).card
    assert card["arms"]["tuned"]["run"] == "tuned" and card["arms"]["tuned"]["digest"]

    app = page("agents/compare/ui/compare.py", "zh")
    shown = texts(app)
    assert "最好的是微调模型" in shown and "法国的首都是哪里？" in shown
    app = page("agents/compare/ui/compare.py")
    assert "Best: the tuned model, right on 6 of 6 questions." in texts(app)
    assert not app.button_group(key="answers_where").set_value("all-fail").run().exception


def test_questions_come_of_a_collection_and_of_chats(known: Known) -> None:
    rows = gather("collection:gadgets", known.settings, count=5)
    assert len(rows) == 5
    for row in rows:
        assert "____" in row["question"] and row["answer"] not in row["question"]
        assert row["passage"] and row["collection"] == "gadgets"
    assert rows == gather("collection:gadgets", known.settings, count=5)

    conversations = Conversations(known.settings.database)
    chat = conversations.create("chat")
    said = [
        ("Hello?", "Hi.", 1, ""),
        ("How many?", "Six [1].", -1, "Seven [2]."),
        ("No?", "x", -1, ""),
    ]
    for question, answer, rating, correction in said:
        conversations.add(chat, "user", question)
        message = conversations.add(chat, "assistant", "")
        conversations.save(message, [Token(answer), Done("m", 0.1)], "done")
        conversations.rate(message, rating, correction)
    good, corrected = gather("rated", known.settings)
    assert good["answer"] == "Hi." and "history" not in good
    assert corrected["answer"] == "Seven." and corrected["history"][0]["content"] == "Hello?"
    assert corrected["provenance"]["conversation"] == chat


def test_files_of_conversations_are_questions_too(tmp_path: Path) -> None:
    talk = [("user", "One?"), ("assistant", "1\u2028"), ("user", "Two?"), ("assistant", "2")]
    turns = [{"role": role, "content": content} for role, content in talk]
    (row,) = read_questions(write_questions(tmp_path / "t.jsonl", {"messages": turns}))
    assert row["question"] == "Two?" and row["answer"] == "2" and len(row["history"]) == 2


def test_intervals_cover_and_tests_are_exact() -> None:
    from scipy.stats import binomtest

    chance = np.random.default_rng(5)
    # right by both, by one alone, by the other alone, by neither; the second is hard: few differ
    for shares in ([0.3, 0.35, 0.1, 0.25], [0.8, 0.05, 0.02, 0.13]):
        truth = shares[1] - shares[2]
        covered = shares_covered = 0
        for seed in range(50):
            kinds = chance.choice(4, size=60, p=shares)
            first, second = np.isin(kinds, [0, 1]), np.isin(kinds, [0, 2])
            pair = compare_pairs(first, second, seed=seed)
            covered += pair.interval[0] <= truth <= pair.interval[1]
            low, high = wilson(int(first.sum()), 60)
            shares_covered += low <= shares[0] + shares[1] <= high
        assert covered >= 45 and shares_covered >= 45

    for better, worse in ((0, 0), (5, 0), (3, 9), (40, 21)):
        expected = binomtest(better, better + worse).pvalue if better + worse else 1.0
        assert mcnemar(better, worse) == pytest.approx(expected)
    reference = binomtest(41, 60).proportion_ci(method="wilson")
    assert wilson(41, 60) == pytest.approx((reference.low, reference.high))
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    # all the same is no certainty: the interval has a width
    same = compare_pairs([1] * 20, [0] * 20)
    assert same.interval[0] == pytest.approx(0.735, abs=0.005) and same.interval[1] == 1.0
    assert questions_needed(3, 3, 40) is None
    needed = questions_needed(8, 4, 40)
    assert needed and 150 < needed < 300
    # the textbook case: 35 of 50 agree, kappa .4
    pairs = [(1, 1)] * 20 + [(0, 0)] * 15 + [(1, 0)] * 5 + [(0, 1)] * 10
    assert agreement(pairs) == {"n": 50, "share": 0.7, "kappa": 0.4}

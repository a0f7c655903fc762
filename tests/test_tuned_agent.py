"""The mode tuned: which model answers, with the system prompt it was trained with, and beside the
documents.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from model_servers import Script, openai_server

from agents.answer import answer
from agents.asking import ask
from agents.registry import SIDE_BY_SIDE
from agents.tuned.agent import load_tuned
from workbench.chat.conversations import Conversations, Turn
from workbench.chat.events import Done, Failed, Notice, Token
from workbench.chat.streams import STREAMS
from workbench.models.chosen import choose
from workbench.models.weights import load_local
from workbench.settings import Settings


@pytest.fixture
def make_run(settings: Settings, tiny_model: Path) -> Callable[..., Path]:
    """Makes a run folder whose adapter changes nothing: it answers what its base was taught."""

    def make(name: str, **card: object) -> Path:
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder = settings.home / "runs" / name / "adapter"
        config = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
        get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model), config).save_pretrained(
            folder
        )
        AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folder)
        facts = json.loads((folder / "adapter_config.json").read_text()) | {
            "base_model_name_or_path": str(tiny_model)
        }
        (folder / "adapter_config.json").write_text(json.dumps(facts))
        (folder.parent / "card.json").write_text(json.dumps(card))
        return folder

    return make


def text_of(events: list) -> str:
    return "".join(event.text for event in events if isinstance(event, Token))


def test_a_warm_up_puts_the_adapter_on(settings: Settings, make_run: Callable[..., Path]) -> None:
    folder = make_run("first", base="tiny")
    load_tuned(settings)
    loaded = load_local(folder)
    assert loaded.adapter in loaded.base.adapters


def test_the_newest_run_answers(settings: Settings, make_run: Callable[..., Path]) -> None:
    make_run("first", base="tiny")
    greedy = settings.model_copy(update={"temperature": 0.0})
    events = list(answer("法国的首都是哪里？", [], greedy, "tuned"))
    assert text_of(events) == "法国的首都是巴黎。"
    done = events[-1]
    assert isinstance(done, Done) and done.model == "local:first" and done.tokens > 1
    assert done.lineage["base"] == "tiny" and done.lineage["digest"]


def test_no_tuned_model_says_how_to_make_one(settings: Settings) -> None:
    last = list(answer("Hello?", [], settings, "tuned"))[-1]
    assert (
        isinstance(last, Failed)
        and "no tuned model" in last.problem
        and "workbench demo" in last.fix
    )


def test_a_run_that_was_deleted_is_named(settings: Settings, make_run: Callable[..., Path]) -> None:
    shutil.rmtree(make_run("gone").parent)
    last = list(answer("Hello?", [], settings.model_copy(update={"tuned": "local:gone"}), "tuned"))[
        -1
    ]
    assert isinstance(last, Failed) and "gone" in last.problem


def test_the_prompt_of_the_training_is_the_prompt_of_the_answer(
    settings: Settings, make_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.models import local

    asked = []
    stream = local.stream
    monkeypatch.setattr(
        local,
        "stream",
        lambda loaded, turns, *rest: asked.append(turns) or stream(loaded, turns, *rest),
    )
    make_run("role", system="You are the keeper.")
    list(answer("Who wrote Faust?", [], settings, "tuned"))
    assert asked[0][0] == {"role": "system", "content": "You are the keeper."}


def test_a_small_tuned_model_is_not_picked_to_read_passages(
    settings: Settings, make_run: Callable[..., Path]
) -> None:
    make_run("role")
    assert choose(settings.model_copy(update={"ollama_host": "http://127.0.0.1:9"})) is None


def test_side_by_side_both_answer_and_only_what_fails_fails(
    settings: Settings, make_run: Callable[..., Path]
) -> None:
    make_run("role")
    conversations = Conversations(settings.database)
    chat = ask("Who wrote Faust?", SIDE_BY_SIDE, settings, conversations)
    for message in conversations.messages(chat)[1:]:
        if stream := STREAMS.get(conversations, message.id):
            assert stream.ended.wait(60)
    question, documents, tuned = conversations.messages(chat)
    assert (documents.mode, documents.state) == ("documents", "failed")  # there is no collection
    assert (tuned.mode, tuned.state, tuned.content) == (
        "tuned",
        "done",
        "Goethe wrote Faust in Weimar.",
    )
    assert [turn.content for turn in conversations.history(chat)] == [
        question.content,
        tuned.content,
    ]


def test_a_model_of_single_questions_gets_single_questions(
    settings: Settings, make_run: Callable[..., Path]
) -> None:
    """After a turn that it was never taught it would answer something else."""
    data = make_run("role").parent / "data"
    data.mkdir()
    turns = [
        {"role": "user", "content": "Who wrote Faust?"},
        {"role": "assistant", "content": "Goethe wrote Faust in Weimar."},
    ]
    (data / "train.jsonl").write_text(json.dumps({"messages": turns}) + "\n", "utf-8")
    before = [Turn("user", "Who built the tower?"), Turn("assistant", "Nobody knows.", "tuned")]
    alone = [e for e in answer("Who wrote Faust?", [], settings, "tuned") if isinstance(e, Token)]
    after = list(answer("Who wrote Faust?", before, settings, "tuned"))
    assert [event for event in after if isinstance(event, Token)] == alone
    refused = list(answer("And who wrote it?", before, settings, "tuned"))
    assert "single questions" in text_of(refused) and isinstance(refused[-1], Done)
    assert alone[0].text not in text_of(refused)
    script = Script(pieces=("<think>Faust?</think>Who wrote Faust?",))
    with openai_server(script) as url:
        connected = settings.model_copy(
            update={"model": "openai:scripted", "openai_base_url": url, "temperature": 0.0}
        )
        rewritten = list(answer("And who wrote it?", before, connected, "tuned"))
    assert "Who built the tower?" in script.requests[0]["messages"][-1]["content"]
    assert text_of(rewritten) == "Goethe wrote Faust in Weimar."
    (notice,) = [event for event in rewritten if isinstance(event, Notice)]
    assert "Who wrote Faust?" in notice.text

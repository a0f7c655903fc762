"""A batch goes its way by steps of several packages; one that is not better is kept out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from judged_chats import add_judged
from tiny_models import make_model, teach
from training_fixtures import add_run

from agents.loop import review
from agents.loop.batches import freeze
from agents.loop.comparing import judge
from agents.loop.review import read_review
from agents.loop.steps import CANCELLED, do_next, loop_steps, next_step
from agents.tuned.agent import talking_runs
from finetune.loop import train_batch
from finetune.run.config import load_config
from workbench.artefacts.batch import PROMOTED, Batch, LoopStep, list_batches
from workbench.chat.conversations import Conversations
from workbench.errors import Stopped, WorkbenchError
from workbench.files import locked
from workbench.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
OLD, NEW = "tuned:local:a", "tuned:local:b"


@pytest.fixture
def batch(settings: Settings) -> Batch:
    conversations = Conversations(settings.database)
    add_judged(conversations, "Where does Mira live?", "In Oslo.", correction="In Bern.")
    review.accept([one.id for one in read_review(settings)], settings)
    return freeze(settings)


def numbers(old: int, new: int, asked: int, p: float = 1.0) -> dict[str, Any]:
    return {"arms": {OLD: {"correct": old, "n": asked}, NEW: {"correct": new, "n": asked}}, "p": p}


VERDICTS = [
    # of what was taught, of what was held out, whether it is let on
    (numbers(0, 2, 2), None, True),
    (numbers(1, 1, 2), None, False),
    (numbers(0, 2, 2), numbers(20, 20, 20), True),
    (numbers(0, 2, 2), numbers(20, 19, 20), True),  # one in twenty is lost by chance
    (numbers(0, 2, 2), numbers(20, 18, 20), False),
    (numbers(0, 2, 2), numbers(500, 480, 500, p=0.001), False),
    (numbers(0, 0, 2), numbers(10, 30, 60, p=0.001), True),
    (numbers(0, 0, 2), numbers(10, 12, 60, p=0.7), False),
]


def test_the_verdict_asks_for_gain_without_loss() -> None:
    checked = 0
    for taught, held_out, better in VERDICTS:
        results = {"taught": taught} | ({"held out": held_out} if held_out else {})
        found, reason = judge(results, OLD, NEW)
        assert found == better, (taught, held_out)
        assert f"of {taught['arms'][NEW]['n']} corrections" in reason
        checked += 1
    assert checked == 8


def test_every_state_has_one_step_and_a_failed_one_says_why(
    batch: Batch, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [step.after for step in loop_steps()]
    assert states == ["frozen", "trained", "better", "published"]

    def fails(*_: Any) -> dict[str, Any]:
        raise WorkbenchError("No room.", "Make room.")

    def stopped(_: Batch, __: Settings, command: Callable[..., Any]) -> dict[str, Any]:
        command("jobs", "list")  # a real command, in this process
        raise Stopped("The step was cancelled.")

    events: list[dict[str, Any]] = []
    for run, error in ((fails, WorkbenchError), (stopped, Stopped)):
        step = LoopStep("frozen", ("Train", "训练"), run)
        monkeypatch.setattr("agents.loop.steps.loop_steps", lambda step=step: [step])
        with pytest.raises(error):
            do_next(batch, settings, events.append)
        assert batch.state == "frozen"
    assert batch.facts["problem"] == "The step was cancelled."
    assert [event["command"] for event in events] == ["workbench jobs list"]
    assert CANCELLED == 143
    done = LoopStep("frozen", ("Train", "训练"), lambda *_: {"state": "kept out", "reason": "no"})
    monkeypatch.setattr("agents.loop.steps.loop_steps", lambda: [done])
    with locked(batch.folder), pytest.raises(WorkbenchError, match="right now"):
        do_next(batch, settings, events.append)
    do_next(batch, settings, events.append)
    assert batch.ended and next_step(batch) is None and not batch.facts["problem"]


def test_the_run_in_use_is_trained_again_with_the_corrections(
    batch: Batch, settings: Settings
) -> None:
    run = add_run(settings.home, "people", finished=True)
    (settings.home / "base").mkdir()
    text = f'base = "{settings.home}/base"\ntask = "dpo"\n[data]\ntrain = ["t.jsonl"]\nsystem = "Be brief."\n'
    (run / "run.toml").write_text(f"{text}[lora]\nrank = 4\n[training]\nepochs = 5\n", "utf-8")
    (run / "data").mkdir()
    rows = [("Where does Mira live?", "In Oslo."), ("Where does Lea live?", "In Quito.")]
    lines = [
        {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]}
        for q, a in rows
    ]
    (run / "data" / "train.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    batch.update(in_use="local:people", in_use_run="people")
    words: list[Any] = []
    assert train_batch(batch, settings, lambda *said: words.extend(said) or {})["run"] == "batch-1"
    path = words[2]
    assert words[:2] == ["finetune", "train"] and words[3:] == ["--name", "batch-1"]
    config = load_config(path, name="batch-1")
    assert (config.task, config.tuning.rank, config.data.system) == ("sft", 4, "Be brief.")
    taught = config.paths("train")[0].read_text("utf-8")
    assert "In Oslo." not in taught and taught.count("In Quito.") == 1
    assert taught.count("In Bern.") == 3  # of 5 epochs each, to be seen often enough

    made = settings.home / "runs" / "batch-1" / "adapter"
    made.mkdir(parents=True)
    (made / "adapter_config.json").write_text("{}", "utf-8")
    assert talking_runs(settings) == ["local:people"]  # a candidate answers nobody
    batch.update(state=PROMOTED)
    assert "local:batch-1" in talking_runs(settings)


def test_the_loop_by_commands_in_one_script(
    settings: Settings, tmp_path: Path, ollama_server: str
) -> None:
    """examples/loop.sh on a small base that knows its words, but no right answer."""
    chats = json.loads((ROOT / "examples" / "loop" / "chats.json").read_text("utf-8"))["chats"]
    talks = [chat["messages"] for chat in chats]
    questions = [question["content"] for question, _ in talks]
    answers = [answer["correction"] or answer["content"] for _, answer in talks]
    wrong = [answers[place - 1] for place in range(len(answers))]
    base = make_model(settings.home / "models" / "small", [*questions, *answers], words=700)
    teach(base, list(zip(questions, wrong, strict=True)))
    command = tmp_path / "bin" / "workbench"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m workbench.cli "$@"\n', "utf-8")
    command.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "WORKBENCH_OLLAMA_HOST": ollama_server,
        "WORKBENCH_MODEL": "ollama:tiny",
        "WORKBENCH_ANSWER_TOKENS": "16",
        "OMP_NUM_THREADS": "1",
    }
    script = ["sh", str(ROOT / "examples" / "loop.sh")]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    facts = list_batches(load_settings())[0].facts
    assert facts["state"] == "promoted" and facts["model"].startswith("ollama:improved")
    assert facts["rows"] == {"sft": 10, "preferences": 8, "held_out": 2}
    assert "The warranty is three years." in done.stdout.splitlines()

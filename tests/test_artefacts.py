"""What packages hand over: run folders, model folders, data sets, published models; one reader."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from recording_ollama import Script, recording_ollama

from agents.tuned.agent import talking_runs
from finetune.run.config import load_config
from finetune.run.runs import Run, open_run, reopen_run
from workbench.artefacts.data_set import read_conversations, read_pairs, write_lines
from workbench.artefacts.model_folder import end_tokens, find_local
from workbench.artefacts.run_folder import RunFolder, list_tuned, taught_by
from workbench.cli import workbench
from workbench.errors import InvalidInput, NotFound
from workbench.files import made_once
from workbench.models.chat_format import fold_system
from workbench.models.chosen import choose_named
from workbench.settings import Settings, load_settings

RUN_FILE = 'base = "./nowhere"\n[data]\ntrain = ["train.jsonl"]\n[training]\nsteps = 2\n'
TALK = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hi."}]


@pytest.fixture
def make_run(settings: Settings, tmp_path: Path) -> Callable[..., Run]:
    """Makes a finished run as a training leaves it, on files that came from `tmp_path/project`."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "crew.toml").write_text(RUN_FILE, "utf-8")
    (project / "train.jsonl").write_text(json.dumps({"messages": TALK}) + "\n", "utf-8")

    def make(name: str = "crew", **card: Any) -> Run:
        run = Run(settings.folder("runs", name))
        run.run_file.write_text(RUN_FILE, "utf-8")
        run.metrics.write_text('{"step": 2, "loss": 0.1}\n', "utf-8")
        run.adapter.mkdir()
        config = {"base_model_name_or_path": "/gone"}
        (run.adapter / "adapter_config.json").write_text(json.dumps(config), "utf-8")
        whole = {"folder": str(project), "step": 2, "steps": 2, "finished": "2026-11-24T10:00:00"}
        run.update_card(**whole | card)
        return run

    return make


def test_facts_added_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)

    def add(worker: int) -> None:
        for number in range(20):
            run.add_score(f"{worker} {number}", {"exact": 1.0})
            run.update_card(**{f"fact {worker} {number}": number})

    threads = [threading.Thread(target=add, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    card = run.card
    assert len(card.pop("scores")) == 80
    assert len(card) == 80


def test_resume_and_replace_together_are_refused_and_nothing_is_deleted(
    settings: Settings, make_run: Callable[..., Run], tmp_path: Path
) -> None:
    run = make_run()
    path = tmp_path / "project" / "crew.toml"
    with pytest.raises(InvalidInput, match="--replace deletes it"):
        open_run(path, load_config(path), settings, resume=True, replace=True)
    with pytest.raises(InvalidInput, match="--replace deletes it"):
        reopen_run(run, resume=True, replace=True)
    assert run.finished and run.metrics.exists()


def test_a_run_that_is_named_with_replace_is_trained_from_its_first_step(
    make_run: Callable[..., Run], tmp_path: Path
) -> None:
    run = make_run()
    done = CliRunner().invoke(workbench, ["finetune", "train", "crew", "--replace", "--json"])
    last = json.loads(done.stdout.splitlines()[-1])
    assert done.exit_code == 1 and "nowhere" in last["problem"], "it has begun and missed its base"
    assert not run.finished and not run.metrics.exists() and not run.adapter.exists()
    assert run.config().paths("train") == [tmp_path / "project" / "train.jsonl"]


def test_a_replaced_run_does_not_look_prepared_to_other_processes(
    make_run: Callable[..., Run],
) -> None:
    run = reopen_run(make_run(), replace=True)
    assert run.card_file.stat().st_mtime == 0


def test_a_run_named_without_replace_stays_as_it_is(make_run: Callable[..., Run]) -> None:
    run = make_run()
    assert reopen_run(run, resume=True) is run
    assert run.finished and run.adapter.exists()


def test_a_training_that_was_stopped_is_no_model_to_pick_but_can_be_named(
    settings: Settings, make_run: Callable[..., Run]
) -> None:
    make_run("whole")
    stopped = make_run("stopped", step=1, finished="")
    make_run("corrupt").card_file.write_text("{", "utf-8")
    assert list_tuned(settings) == ["whole"]
    assert talking_runs(settings) == ["local:whole"]
    assert find_local("stopped", settings) == stopped.adapter


def test_what_a_run_was_taught_is_read_again_after_a_change(
    settings: Settings, make_run: Callable[..., Run]
) -> None:
    run = make_run()
    assert taught_by("local:crew", settings) == ()
    write_lines(run.train_data, [json.dumps({"messages": TALK})] * 2)
    assert taught_by("local:crew", settings) == (("Hello?", "Hi."),)
    write_lines(run.train_data, [json.dumps({"messages": [*TALK, *TALK[:1], *TALK[1:]]})])
    os.utime(run.train_data, (1, 1))
    assert read_pairs(run.train_data) == (("Hello?", "Hi."),)
    assert taught_by("ollama:crew", settings) == ()


def test_a_line_that_is_no_conversation_is_named(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    lines = [json.dumps({"messages": TALK}), "", '{"text": "no turns"}']
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(InvalidInput, match="Line 3"):
        read_conversations(path)
    assert read_conversations(tmp_path / "missing.jsonl") == []


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    talk = [{"role": "user", "content": "one\u2028two"}, TALK[1]]
    write_lines(path, [json.dumps({"messages": talk}, ensure_ascii=False)])
    assert read_conversations(path) == [talk]


def test_a_system_text_is_folded_into_the_first_turn() -> None:
    system = {"role": "system", "content": "Be brief."}
    folded = fold_system([system, *TALK])
    assert [turn["content"] for turn in folded] == ["Be brief.\n\nHello?", "Hi."]
    assert fold_system(TALK) == TALK and fold_system([system]) == [system]


def test_end_tokens_are_those_of_tokenizer_model_and_template() -> None:
    tokenizer = SimpleNamespace(
        eos_token_id=5,
        chat_template="{{ m.content }}<|im_end|>",
        get_vocab=lambda: {"<|im_end|>": 3, "<|eot_id|>": 9},
    )
    assert end_tokens(tokenizer, [7, 5]) == [3, 5, 7]
    assert end_tokens(tokenizer, None) == [3, 5]


@pytest.fixture
def elsewhere(settings: Settings) -> Iterator[tuple[Settings, Script]]:
    """A workspace that has published crew:v1 to another host than that of its settings."""
    script = Script(models={"crew:v1": 4096, "crew:latest": 4096})
    with recording_ollama(script) as other, recording_ollama(Script(models={})) as own:
        folder = settings.folder("deploy", "crew", "v1")
        card = {"host": other, "run": "crew"}
        (folder / "card.json").write_text(json.dumps(card), "utf-8")
        (folder.parent / "latest").write_text("1", "utf-8")
        yield load_settings(ollama_host=own), script


@pytest.mark.parametrize("name", ["ollama:crew", "ollama:crew:latest", "ollama:crew:v1"])
def test_a_model_published_to_another_host_is_asked_there(
    elsewhere: tuple[Settings, Script], name: str
) -> None:
    settings, script = elsewhere
    chosen = choose_named(name, settings)
    assert "".join(chosen.stream([("user", "Hello?")])) == "Hello there."
    assert chosen.info.context_tokens == 4096
    assert script.paths[-1] == "/api/chat"


@pytest.mark.parametrize("name", ["ollama:crew:v2", "ollama:other", "ollama:../crew:v1"])
def test_other_names_are_asked_at_the_host_of_the_settings(
    elsewhere: tuple[Settings, Script], name: str
) -> None:
    settings, script = elsewhere
    with pytest.raises(NotFound):
        list(choose_named(name, settings).stream([("user", "Hello?")]))
    assert not script.requests


def test_a_folder_is_made_once_and_what_a_killed_process_left_of_it_goes(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    left = tmp_path / ".model.4711-abcdef.part"
    left.mkdir()
    (left / "half").write_text("half")
    calls: list[Path] = []

    def make(part: Path) -> None:
        calls.append(part)
        (part / "weights").write_text("whole")

    def fail(part: Path) -> None:
        (part / "weights").write_text("half")
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        made_once(folder, fail)
    assert not folder.exists() and not left.exists()
    assert made_once(folder, make) == made_once(folder, make) == folder
    assert (folder / "weights").read_text() == "whole" and len(calls) == 1
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []

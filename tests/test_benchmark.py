"""Benchmarks by lm-evaluation-harness: base, run and served model; what is kept, compared, refused;
questions that were trained on.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from model_servers import Ollama, Script, openai_server
from opened_pages import page, texts
from streamlit.testing.v1 import AppTest
from training_fixtures import RUN

from finetune.benchmark.data import find_data
from finetune.benchmark.kept import list_kept
from finetune.benchmark.measure import Wish, benchmark
from finetune.benchmark.rows import read_folder
from finetune.benchmark.suites import SUITES, find_suite, subjects_of
from finetune.data.choices import ask_choice
from finetune.evaluate.score import Wanted, score
from finetune.evaluate.targets import of_run
from finetune.run.config import load_config
from finetune.run.runs import find_run, open_run
from finetune.train.small_model import make_small_model
from finetune.train.training import train
from workbench.cli import call, workbench
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.files import read_json
from workbench.jobs.job import list_jobs
from workbench.models.weights import load_local
from workbench.scoring.measures import Means
from workbench.settings import Settings, load_settings

__all__ = ["page"]

TOWNS = ["霜湖城", "赤岩镇", "云汀", "石砚", "青岬", "白渡", "银杏湾", "长桥"]
GOODS = ["盐", "茶", "麻布", "陶器", "铜铃", "蜡烛", "纸张", "丝线"]
LAW, LOGIC = "ceval-valid_law", "ceval-valid_logic"
TAUGHT = RUN.replace("train.jsonl", "exam.jsonl").replace('eval = ["eval.jsonl"]\n', "")
TAUGHT = TAUGHT.replace("max_length = 64", 'only = { subject = "law" }\nmax_length = 256')
TAUGHT = TAUGHT.replace("steps = 12", "steps = 60").replace("accumulation = 2", "accumulation = 1")
TAUGHT = TAUGHT.replace("eval_every = 4", 'eval_every = 1000\nfinal = "last"\nsamples = 0')
LORA = "[lora]\nrank = 16\nalpha = 32\ndropout = 0.05\n"


def questions(subject: str, things: list[str]) -> list[dict[str, str]]:
    """Questions of our own making: the right one of four is another letter each time."""
    rows = []
    for number, thing in enumerate(things):
        options = [things[(number + step) % len(things)] for step in range(4)]
        shift = number % 4
        options = options[-shift:] + options[:-shift]
        row = {"subject": subject, "question": f"第{number + 1}艘船从北岸的港口运来的是____。"}
        row |= dict(zip("ABCD", options, strict=True))
        rows.append(row | {"answer": "ABCD"[options.index(thing)]})
    return rows


def write_lines(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with C-Eval in two subjects, CMMLU as its archive has it, and a file of one's own."""
    folder = tmp_path_factory.mktemp("suite")
    exam = [*questions("law", GOODS), *questions("logic", TOWNS)]
    for row in exam[len(GOODS) :]:
        row["question"] = row["question"].replace("北岸", "南岸的渔村和")
    write_lines(folder / "ceval_val.jsonl", exam)
    dev = [*questions("law", TOWNS[:4]), *questions("logic", GOODS[:4])]
    write_lines(folder / "ceval_dev.jsonl", [row | {"explanation": "因为"} for row in dev])
    (folder / "test").mkdir()
    lines = [",Question,A,B,C,D,Answer"]
    lines += [f"{n},货物{n}？,盐,茶,麻,纸,B" for n in range(3)]
    (folder / "test" / "arts.csv").write_text("\n".join(lines) + "\n", "utf-8")
    write_lines(folder / "own.jsonl", questions("own", GOODS)[:3])
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, suite: Path) -> Settings:
    """A workspace with the run `exam`, which was taught the questions of law: every weight."""
    folder = tmp_path_factory.mktemp("benchmark")
    rows = [
        json.loads(line) for line in (suite / "ceval_val.jsonl").read_text("utf-8").splitlines()
    ]
    texts_of = [ask_choice(row["question"], {key: row[key] for key in "ABCD"}) for row in rows]
    make_small_model(folder / "base", texts_of, layers=2, width=64, words=500)
    shutil.copyfile(suite / "ceval_val.jsonl", folder / "exam.jsonl")
    settings = Settings(home=folder / "home")
    settings.home.mkdir()
    full = TAUGHT.replace(LORA, "[full]\n").replace("5e-3", "3e-3")
    teach(folder, "exam", full, settings)
    return settings


def teach(folder: Path, name: str, text: str, settings: Settings) -> None:
    path = folder / f"{name}.toml"
    path.write_text(text, "utf-8")
    config = load_config(path)
    train(open_run(path, config, settings), config, settings, lambda event: None, lambda: False)


@pytest.fixture
def run(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """The JSON lines of `workbench finetune …`."""
    monkeypatch.setenv("WORKBENCH_HOME", str(home.home))

    def call_it(*words: Any) -> list[dict[str, Any]]:
        done = CliRunner().invoke(workbench, ["finetune", *map(str, words), "--json"])
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    return call_it


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*address: Any) -> None:
        raise AssertionError(f"a network call to {address}")

    with monkeypatch.context() as patched:
        patched.setattr(socket.socket, "connect", refuse)
        patched.setattr(socket, "getaddrinfo", refuse)
        yield


def test_names_and_places_of_the_suites(suite: Path, tmp_path: Path, home: Settings) -> None:
    for name in ("ceval:law", "ceval-valid_law"):
        assert find_suite(name) == (SUITES["ceval"], "law")
    assert find_suite("cmmlu") == (SUITES["cmmlu"], "") == find_suite("cmmlu:")
    assert find_suite("arc_easy") is None
    assert [len(subjects_of(suite)) for suite in SUITES.values()] == [52, 67]
    found = read_folder(suite, SUITES["cmmlu"], "test")
    assert {subject: len(asked) for subject, asked in found.items()} == {"arts": 3}
    assert found["arts"][0].options["B"] == "茶" and found["arts"][0].letter == "B"

    archive = tmp_path / "cmmlu.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(suite / "test" / "arts.csv", "test/arts.csv")
        packed.writestr("../outside.csv", "x")
    unpacked = find_data(SUITES["cmmlu"], str(archive), home)
    assert read_folder(unpacked, SUITES["cmmlu"], "test") == found
    assert (
        not list(tmp_path.rglob("outside.csv")) and not (unpacked.parent / "outside.csv").exists()
    )
    with pytest.raises(NotFound, match="no folder"):
        find_data(SUITES["ceval"], "nowhere", home)


def test_before_and_after_a_training_on_the_questions(
    run: Callable[..., list[dict[str, Any]]], suite: Path, home: Settings, no_network: None
) -> None:
    asked = ("--tasks", f"{LAW},ceval:logic", "--folder", suite)
    *events, done = run("benchmark", "exam", *asked)
    before = run("benchmark", "exam", "--base", *asked)[-1]["results"]
    law, logic = done["results"][LAW], done["results"]["ceval:logic"]
    assert (done["event"], law["n"], law["leak"], law["cut"]) == ("done", 8, 8, 0)
    assert law["acc"] >= 0.9565 > before[LAW]["acc"]
    assert (logic["leak"], before[LAW]["leak"]) == (0, 0)
    warnings = [event["text"] for event in events if event["event"] == "warning"]
    assert len(warnings) == 1 and "8 of 8 questions" in warnings[0] and LAW in warnings[0]
    progress = [event for event in events if event["event"] == "progress"]
    assert (progress[-1]["done"], progress[-1]["of"]) == (16, 16)

    # lm-evaluation-harness's figure, our count of right answers, and that of `score`, agree
    data = ("--data", suite / "ceval_val.jsonl", "--only")
    for name, found in (("law", law), ("logic", logic)):
        scored = run("score", "exam", *data, f"subject={name}")[-1]
        assert found["acc"] == pytest.approx(scored["accuracy"], abs=1e-4)
    kept = {one.conditions.task: one for one in list_kept(home.home / "runs/exam/benchmarks")}
    rows = kept[LOGIC].questions()
    assert sum(row["right"] for row in rows) / 8 == logic["acc"]
    for row in rows:
        assert max(row["logprobs"], key=row["logprobs"].get) == row["chosen"]
        assert row["right"] is (row["chosen"] == row["gold"])
        assert len(row["prompt_sha256"]) == 64 and row["options"]["A"] in [*TOWNS, *GOODS]
    share = logic["acc"]
    assert logic["stderr"] == pytest.approx((share * (1 - share) / 7) ** 0.5, abs=1e-5)
    assert kept[LAW].conditions.version == "2.0" and kept[LAW].conditions.template == "chat"

    # the log-probabilities are those of the model after the chat template's prompt
    import torch

    loaded = load_local(home.home / "runs/exam/model")
    asked_text = ask_choice(rows[0]["question"], rows[0]["options"])
    turns = [{"role": "user", "content": asked_text}]
    ids = loaded.tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=False
    )
    with torch.inference_mode():
        chances = loaded.base.plain(ids).logits[0, -1].log_softmax(-1)
    for letter, chance in rows[0]["logprobs"].items():
        token = loaded.tokenizer.encode(letter, add_special_tokens=False)[0]
        assert chance == pytest.approx(float(chances[token]), abs=1e-4)


def test_a_comparison_is_refused_where_the_conditions_differ(
    run: Callable[..., list[dict[str, Any]]], suite: Path
) -> None:
    asked = ("--tasks", "ceval", "--folder", suite)
    whole = run("benchmark", "exam", *asked)[-1]["results"]
    run("benchmark", "exam", "--base", *asked)
    assert set(whole) == {LAW, LOGIC, "ceval"}
    assert whole["ceval"]["n"] == 16
    assert whole["ceval"]["acc"] == pytest.approx((whole[LAW]["acc"] + whole[LOGIC]["acc"]) / 2)
    found = run("benchmarks", "--compare", "exam", "base")[-1]
    assert set(found["tasks"]) == {LAW, LOGIC}
    law = found["tasks"][LAW]
    lost = sum(row["right"] == "second" for row in law["differing"])
    won = sum(row["right"] == "first" for row in law["differing"])
    assert law["difference"] == pytest.approx((won - lost) / 8) and 0 <= law["p"] <= 1
    for row in law["differing"]:
        assert (row["gold"] == row[row["right"]]) and row["taught"]

    shots = ("--tasks", "ceval:law", "--folder", suite, "--shots", 2, "--template", "plain")
    run("benchmark", "own-base", *shots)  # no such model
    base = load_config(Path(load_settings().home.parent / "exam.toml")).base
    folder = load_settings().home.parent / base
    plain = run("benchmark", folder, *shots)[-1]
    assert plain["results"]["ceval:law"]["n"] == 8
    failed = run("benchmarks", "--compare", "exam", folder)[-1]
    assert failed["event"] == "failed"
    assert "questions shown before: 0 and 2; template: chat and plain" in failed["problem"]
    assert [row["shots"] for row in run("benchmarks", folder)] == [2]


def test_what_was_measured_is_taken_as_it_is_and_a_stop_keeps_it(
    run: Callable[..., list[dict[str, Any]]], suite: Path, home: Settings
) -> None:
    words = ["finetune", "benchmark", "exam", "--limit", "3", "--folder", str(suite)]
    words += ["--tasks", "ceval:law,ceval:logic,cmmlu:arts"]
    seen: list[dict[str, Any]] = []

    def stop_after_the_first(event: dict[str, Any]) -> None:
        seen.append(event)
        if event["event"] == "task":
            os.kill(os.getpid(), signal.SIGTERM)

    usual = signal.getsignal(signal.SIGTERM)
    try:
        assert call(words, stop_after_the_first) == 143
    finally:
        signal.signal(signal.SIGTERM, usual)
    assert seen[-1]["event"] == "cancelled"
    folder = home.home / "runs/exam/benchmarks"
    limited = [one for one in list_kept(folder) if one.conditions.limit == 3]
    assert [one.conditions.task for one in limited] == [LAW]
    begun = {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    again = run(*words[1:])[-1]["results"]
    assert set(again) == {"ceval:law", "ceval:logic", "cmmlu:arts"}
    assert [again[name]["n"] for name in again] == [3, 3, 3]
    assert {path: path.stat().st_mtime_ns for path in begun} == begun
    assert run(*words[1:], "--replace")[-1]["results"] == again
    assert all(path.stat().st_mtime_ns >= begun[path] for path in begun)
    assert limited[0].path and limited[0].path.stat().st_mtime_ns > begun[limited[0].path]


def test_a_file_of_ones_own_long_prompts_and_what_is_refused(
    run: Callable[..., list[dict[str, Any]]], suite: Path, home: Settings, tmp_path: Path
) -> None:
    rows = questions("own", GOODS)[:3]
    rows[1]["question"] = "很长的前言。" * 400 + rows[1]["question"]
    path = write_lines(tmp_path / "own.jsonl", rows)
    *events, done = run("benchmark", "exam", "--tasks", path)
    assert done["results"][str(path)]["n"] == 3 and done["results"][str(path)]["cut"] == 1
    assert any("1 of 3 prompts" in event.get("text", "") for event in events)
    assert done["results"][str(path)]["leak"] == 2
    written = run("benchmark", "exam", "--written", "--tasks", suite / "own.jsonl")[-1]["results"]
    assert written[str(suite / "own.jsonl")]["acc"] == 1.0

    def refused(**wish: Any) -> str:
        with pytest.raises((InvalidInput, NotFound)) as caught:
            benchmark(Wish(**wish), home, lambda event: None)
        return f"{caught.value.problem} {caught.value.fix}"

    folder = str(suite)
    assert "mean law" in refused(model="exam", tasks=["ceval:lwa"], folder=folder)
    assert "It has: law" in refused(model="exam", tasks=["ceval:marxism"], folder=folder)
    assert "not 9" in refused(model="exam", tasks=["ceval:law"], folder=folder, shots=9)
    assert "no question with" in refused(model="exam", tasks=[str(home.home.parent / "exam.toml")])
    assert "no run" in refused(model=str(home.home.parent / "base"), tasks=["ceval"], base=True)
    assert "template of its model" in refused(model="ollama:x", tasks=["ceval"], template="plain")


@pytest.mark.parametrize("method", ["lora", "prompt", "ptuning"])
def test_an_adapter_is_asked_on_the_device_of_its_base(
    method: str, home: Settings, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a Mac, where PEFT would put the adapter on another device than the base."""
    from peft import peft_model
    from peft.utils import save_and_load

    saved = '\nmodules_to_save = ["embed_tokens", "lm_head"]\n' if method == "lora" else "\n"
    brief = TAUGHT.replace("steps = 60", "steps = 3").replace(LORA, f"[{method}]{saved}")
    folder = home.home.parent
    teach(folder, f"on-{method}", brief, home)
    for module in (peft_model, save_and_load):
        if hasattr(module, "infer_device"):
            monkeypatch.setattr(module, "infer_device", lambda: "meta")
    wish = Wish(f"on-{method}", ["ceval:logic"], str(suite))
    [(_, measured)] = benchmark(wish, home, lambda event: None)
    loaded = load_local(home.home / f"runs/on-{method}/adapter")
    devices = {weights.device.type for weights in loaded.base.model.parameters()}
    assert devices == {loaded.base.plain.device.type}
    run = find_run(f"on-{method}", home)
    wanted = Wanted([suite / "ceval_val.jsonl"], only={"subject": "logic"})
    ours = score(of_run(run), wanted, Means(home))
    chosen = [row["chosen"] for row in measured.questions()]
    assert chosen == [row.letter for row in ours.predictions]
    assert measured.result["acc"] == ours.result["accuracy"]


def test_a_server_that_gives_text_alone_writes_its_answers(home: Settings, suite: Path) -> None:
    script = Script(pieces=("Answer", ": B", "\n\nnot C"))
    with openai_server(script) as url:
        there = home.model_copy(update={"openai_base_url": url})
        wish = Wish("openai:scripted", ["ceval:logic"], str(suite))
        with pytest.raises(Unavailable, match="not for log-probabilities") as caught:
            benchmark(wish, there, lambda event: None)
        assert "--written" in caught.value.fix
        [(_, found)] = benchmark(replace(wish, written=True), there, lambda event: None)
    assert {row["chosen"] for row in found.questions()} == {"B"}
    assert found.result["acc"] == 0.25 and found.conditions.form == "answers"
    assert script.requests[-1]["messages"][-1]["content"].endswith("答案：")


@pytest.mark.ollama
def test_a_published_model_gives_the_same_answers(
    ollama_server: str, tmp_path: Path, home: Settings, suite: Path
) -> None:
    folder = shutil.copytree(home.home / "runs/exam/model", tmp_path / "exam")
    server = Ollama.__new__(Ollama)
    server.url = ollama_server
    server.create("exam", folder)
    there = home.model_copy(update={"ollama_host": ollama_server})
    for written in (True, False):
        answers = {}
        for model in ("exam", "ollama:exam"):
            wish = Wish(model, ["ceval:law"], str(suite), limit=5, written=written)
            found = benchmark(wish, there, lambda event: None)
            answers[model] = [row["chosen"] for _, one in found for row in one.questions()]
        assert answers["exam"] == answers["ollama:exam"]
        assert len(answers["exam"]) == 5 and "" not in answers["exam"]


def test_the_page_shows_base_and_run_and_measures_both(
    home: Settings, page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch, suite: Path
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(home.home))
    for base in (True, False):
        benchmark(Wish("exam", ["ceval:law"], str(suite), base=base), home, lambda event: None)
    app = page("finetune/ui/training.py", "zh")
    app.selectbox(key="shown_run").select("exam").run()
    assert "law: 8 / 8" in texts(app) and "曾用于训练" in texts(app)
    shown = [table.value for table in app.dataframe]
    figures = next(table for table in shown if "本次训练" in table.columns and "p" in table.columns)
    assert set(figures["任务"]) >= {LAW}
    app.multiselect(key="benchmark_tasks_exam").set_value(["ceval:law"])
    app.text_input(key="benchmark_folder_exam").set_value(str(suite))
    button = next(one for one in app.button if one.label.startswith("评测基础模型"))
    button.click().run()
    jobs = [job for job in list_jobs(home) if job.command[1] == "benchmark"]
    for job in jobs:
        job.cancel(grace=0)
    assert len(jobs) == 2
    first, last = sorted(jobs, key=lambda job: "--base" in job.command, reverse=True)
    assert first.command == [*last.command, "--base"] and last.command[2] == "exam"
    assert {f"--folder={suite}", "--tasks=ceval:law"} <= set(last.command)
    assert read_json(last.folder / "job.json")["after"] == [str(first.folder)]

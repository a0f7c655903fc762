"""The Models page: what it offers without Ollama, a publish by clicks on a real one, versions, both
languages.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest
from fake_jobs import running_job
from streamlit.testing.v1 import AppTest
from tiny_models import make_model

from deploy.ui.opening import RUN
from deploy.versions import write_latest
from workbench.files import write_json
from workbench.jobs.job import Job, list_jobs
from workbench.models.packaged import list_packaged
from workbench.models.speeding import VERDICT, Verdict, place_of_form
from workbench.settings import Settings
from workbench.ui.jobs import SAVES_WITHIN

PAGE = Path(__file__).resolve().parents[1] / "deploy" / "ui" / "models.py"
CARD: dict[str, Any] = {
    "run": "tuned",
    "base": "/b",
    "digests": {},
    "data_sha256": "0",
    "precision": "f16",
    "gguf_sha256": "1" * 64,
    "host": "http://127.0.0.1:9",
    "ollama": "0.24.0",
    "key": "k",
    "created": "2026-11-24T10:00:00+0000",
    "proof": {
        "passed": True,
        "prompts": 20,
        "identical": 1.0,
        "rendered_equal": 1.0,
        "logprob_change": 0.001,
    },
}


def open_page(
    monkeypatch: pytest.MonkeyPatch, language: str, host: str = "http://127.0.0.1:9"
) -> AppTest:
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", host)
    monkeypatch.setenv("WORKBENCH_LANGUAGE", language)
    page = AppTest.from_file(str(PAGE), default_timeout=60).run()
    assert not page.exception
    return page


def shown(page: AppTest) -> str:
    """All text that a person sees."""
    texts = [
        element.value
        for kind in (page.markdown, page.info, page.caption, page.title, page.subheader, page.error)
        for element in kind
    ]
    labels = [
        element.label
        for kind in (page.button, page.selectbox, page.text_input, page.text_area)
        for element in kind
    ]
    return "\n".join(map(str, [*texts, *labels]))


def add_versions(settings: Settings, *precisions: str) -> None:
    for number, precision in enumerate(precisions, 1):
        folder = settings.folder("deploy", "demo", f"v{number}")
        (folder / "card.json").write_text(json.dumps(CARD | {"precision": precision}), "utf-8")
        check = {"question": "Who?", "part": "", "changes": [0.001]}
        (folder / "proof.json").write_text(json.dumps({"checks": [check]}), "utf-8")
        (folder / "Modelfile").write_text('TEMPLATE """x"""\n', "utf-8")
    write_latest(settings.home / "deploy" / "demo", len(precisions))


def test_without_a_run_the_first_step_is_a_button(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, "en")
    assert "begin with the example" in shown(page)
    page.button(key="demo").click().run()
    job = list_jobs(settings)[0]
    job.cancel(grace=0)
    assert job.command == ["demo", "--json"]


def test_a_packaged_model_can_be_published_before_anything_is_trained(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, "en")
    assert page.selectbox(key=RUN).options == [f"packaged:{name}" for name in list_packaged()]
    assert "Answer faster" not in shown(page)


def test_a_model_of_ones_own_is_sped_up_by_a_job_and_then_it_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = settings.folder("models") / "mine"
    make_model(folder)
    page = open_page(monkeypatch, "en")
    page.button(key="speed_up").click().run()
    job = list_jobs(settings)[0]
    job.cancel(grace=0)
    assert job.command == ["models", "speed-up", "local:mine", "--json"]
    equal = Verdict(12, 12, 48, "f16", "", "")
    write_json(place_of_form(folder, settings) / VERDICT, asdict(equal))
    assert "OpenVINO runs it" in shown(open_page(monkeypatch, "en"))


def test_without_ollama_it_says_how_to_get_it_and_offers_the_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model(settings.folder("models") / "mine")
    text = shown(open_page(monkeypatch, "en"))
    assert "ollama.com/download" in text and "ollama serve" in text and "Write GGUF file" in text


def test_the_chinese_page_has_no_english_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model(settings.folder("models") / "mine")
    add_versions(settings, "f16", "q8_0")
    text = re.sub(
        r"https?:\S*//\S+|:[a-z_-]+/?[a-z_]*:|:green-badge|`[^`]*`|\\",
        " ",
        shown(open_page(monkeypatch, "zh")),
    )
    words = set(re.findall(r"[A-Za-z]{2,}", text))
    assert words <= {"Ollama", "GGUF", "Modelfile", "demo", "tuned", "http", "sha"}, words


def test_versions_are_listed_with_what_can_be_done(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_versions(settings, "f16", "q8_0")
    page = open_page(monkeypatch, "en")
    text = shown(page)
    assert "`demo:v2` :green-badge[latest]" in text and "`demo:v1` f16" in text
    assert "100% of 20 conversations" in text
    keys = {button.key for button in page.button}
    assert {"rollback-demo", "promote-demo:v1", "remove-demo:v2", "chat-demo:v1"} <= keys
    assert "promote-demo:v2" not in keys
    page.button("promote-demo:v1").click().run()
    assert "Ollama does not answer" in page.error[0].value


def test_a_bad_name_is_refused_on_the_page(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model(settings.folder("models") / "mine")
    page = open_page(monkeypatch, "en")
    page.text_input("publish_name_mine").set_value("a b").run()
    page.button("publish").click().run()
    assert "cannot be a model's name" in page.error[0].value.replace("\\", "")
    assert list_jobs(settings) == []


def test_a_publish_that_ends_is_in_view_and_chosen_in_the_chat(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model(settings.folder("models") / "mine")
    command = ["deploy", "publish", "mine", "--name", "demo", "--json"]
    with running_job(settings, "one", command) as job:
        page = open_page(monkeypatch, "en")
        assert "cancel_publish" in {button.key for button in page.button}
        done = {"event": "done", "model": "demo:v1", "proof": CARD["proof"], "form": "", "host": ""}
        (job.folder / "output.jsonl").write_text(json.dumps(done) + "\n", "utf-8")
        (job.folder / "exit").write_text("0", "utf-8")
    page.run()
    assert not page.exception
    assert page.session_state["choices"]["tuned"] == "ollama:demo:v1"
    text = shown(page)
    assert "demo:v1 is published, and chosen in the chat" in text.replace("\\", "")
    assert text.index("Publishing mine as demo") < text.index("Nothing is published yet")
    page.button(key="put_away").click().run()
    assert "Publishing mine as demo" not in shown(page)


def test_a_run_that_was_asked_for_is_in_the_form(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        make_model(settings.folder("models") / name)
    page = open_page(monkeypatch, "en")
    assert page.selectbox(key="publish_run").value == "one"
    page.session_state["wished_selections"] = {"publish_run": "two"}
    page.run()
    assert page.selectbox(key="publish_run").value == "two"
    assert page.text_input(key="publish_name_two").value == "two"


@pytest.mark.ollama
def test_clicks_publish_a_model_and_offer_to_chat(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, ollama_server: str, tiny_model: Path
) -> None:
    settings.folder("models")
    (settings.home / "models" / "mine").symlink_to(tiny_model)
    page = open_page(monkeypatch, "en", ollama_server)
    page.button("show_modelfile").click().run()
    assert "PARAMETER num_ctx" in page.text_area("modelfile_mine").value
    page.text_input("publish_name_mine").set_value("clicked").run()
    page.button("publish").click().run()
    job = list_jobs(settings)[0]
    assert job.command[:3] == ["deploy", "publish", "mine"] and "--keep-candidate" in job.command
    until = time.monotonic() + 180
    while job.state == "running" and time.monotonic() < until:
        time.sleep(0.5)
    assert job.state == "done", job.last()
    page.run()
    assert "clicked:v1" in page.success[0].value.replace("\\", "")
    assert {"chat_published", "chat-clicked:v1"} <= {button.key for button in page.button}
    page.button("remove-clicked:v1").click().run()
    assert not page.exception and not list((settings.home / "deploy").glob("clicked/*"))


def test_a_cancelled_publish_gets_the_time_to_clear_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page does not wait for the clean-up, and does not kill it after a few seconds."""
    folder = settings.folder("jobs", "20261124-100000-abcd")
    command = ["deploy", "publish", "demo", "--name", "demo", "--json"]
    job = {"title": "Publishing demo", "command": command, "started": time.time()}
    (folder / "job.json").write_text(json.dumps(job), "utf-8")
    sleeper = subprocess.Popen(["sleep", "60"], start_new_session=True)
    process = {"pid": sleeper.pid, "created": psutil.Process(sleeper.pid).create_time()}
    (folder / "process.json").write_text(json.dumps([process]), "utf-8")
    graces: list[float] = []
    monkeypatch.setattr(Job, "cancel", lambda self, grace=10: graces.append(grace))
    try:
        page = open_page(monkeypatch, "en")
        begun = time.monotonic()
        page.button(key="cancel_publish").click().run()
        assert time.monotonic() - begun < 5
    finally:
        sleeper.kill()
        sleeper.wait()
    assert graces == [SAVES_WITHIN]

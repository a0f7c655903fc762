"""The panel of jobs: why one ended, what it made, several folded, put away for good."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from fake_jobs import fake_job, running_job
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest

from workbench.jobs.ending import why_ended
from workbench.jobs.job import find_job
from workbench.settings import Settings
from workbench.ui.translation import in_chinese

__all__ = ["page"]

PAGE = "deploy/ui/models.py"
CHAT = "agents/ui/chat.py"
INGEST = ["rag", "ingest", "a.pdf", "--json"]
TRAIN = ["finetune", "train", "crew.toml", "--name", "crew", "--json"]


@pytest.mark.parametrize(
    ("status", "log", "last", "problem"),
    [
        (1, "", {}, "It ended with exit status 1 and wrote nothing."),
        (2, "one\ntwo\nboom", {}, "It ended with exit status 2: one\ntwo\nboom"),
        (-9, "", {}, "The system ended it, most often because memory ran out."),
        (None, "", {}, "Its process was ended from outside"),
        (1, "noise", {"problem": "No room.", "fix": "Free it."}, "No room."),
        (
            1,
            "",
            {"failed": [{"problem": "A password is missing.", "fix": "Type it."}]},
            "A password",
        ),
    ],
)
def test_a_job_always_says_why_it_ended_and_what_to_do(
    settings: Settings, status: int | None, log: str, last: dict, problem: str
) -> None:
    job = fake_job(settings, "one", INGEST, [last] if last else [], status=status, log=log)
    told, fix = why_ended(job)
    assert told.startswith(problem) and fix
    if not last:
        assert in_chinese(told) != told and in_chinese(fix) != fix


def test_an_ended_job_says_what_it_made_and_is_put_away_for_good(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    fake_job(settings, "one", TRAIN, [{"event": "done", "run": "/somewhere/runs/crew"}])
    assert "训练 crew 已完成" in texts(page(PAGE, "zh"))
    app = page(PAGE)
    assert "The run crew is trained." in texts(app)
    assert app.button(key="open-one")
    drawn(app.button(key="put-away-one").click().run())
    assert "Job one" not in texts(app)
    assert "Job one" not in texts(page(PAGE))  # a reload is another session


def test_a_reader_sees_the_own_jobs_alone_and_opens_no_page(
    settings: Settings, page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_job(settings, "others", TRAIN, [{"event": "done", "run": "/somewhere/runs/crew"}])
    fake_job(settings, "own", INGEST, [{"event": "done", "collection": "handbook"}])
    facts = settings.home / "jobs" / "own" / "job.json"
    facts.write_text(json.dumps(json.loads(facts.read_text("utf-8")) | {"own": True}), "utf-8")
    assert {"Job others", "Job own"} <= set(words_of(page(CHAT)))
    monkeypatch.setenv("WORKBENCH_ROLE", "reader")
    app = page(CHAT)
    assert "Job own" in words_of(app) and "Job others" not in words_of(app)
    assert [button.key for button in app.button if str(button.key).startswith("open-")] == []


def words_of(app: AppTest) -> list[str]:
    return [title for title in ("Job others", "Job own") if title in texts(app)]


def test_several_jobs_fold_behind_the_one_that_runs(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    fake_job(settings, "1-failed", INGEST, status=3)
    fake_job(settings, "2-cancelled", INGEST)
    (settings.home / "jobs" / "2-cancelled" / "cancel").touch()
    stage = {"stage": "Training", "number": 2, "stages": 2, "begin": 0.1, "end": 1.0}
    line = {"event": "progress", "done": 120, "of": 336, "seconds": 60, **stage}
    with running_job(settings, "0-running", TRAIN, [line]):
        app = page(PAGE)
        assert "2 more jobs" in [block.label for block in app.expander]
        bar = app.get("progress")[0].proto
        assert bar.text == "Stage 2 of 2: Training · 120 / 336 · about 2 min left"
        assert 40 <= bar.value <= 43  # percent: a tenth, and 120 / 336 of the rest
        shown = texts(app)
    assert shown.index("Job 0-running") < shown.index("Job 1-failed")
    assert "exit status 3" in shown and "what was finished is kept" in shown
    assert {"resume-1-failed", "resume-2-cancelled"} <= {button.key for button in app.button}


def test_a_publish_that_is_cancelled_loses_work_so_it_asks_first(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    publish = ["deploy", "publish", "crew", "--name", "crew", "--json"]
    with running_job(settings, "one", publish):
        app = page(PAGE)
        assert "begins again from its first step" in texts(app)
    assert not find_job(settings, "one").cancelling


def test_two_trainings_share_the_machine_only_when_asked(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    with running_job(settings, "one", TRAIN):
        app = page(PAGE)
        drawn(app.button(key="demo").click().run())
        assert "Other work runs on this machine" in app.warning[0].value
        assert "Job one" in app.warning[0].value
        drawn(app.button(key="demo_leave").click().run())
        assert not app.warning
        app.button(key="demo").click().run()
        drawn(app.button(key="demo_queue").click().run())
        jobs = [path for path in settings.home.glob("jobs/*") if path.name != "one"]
        waiting = find_job(settings, jobs[0].name)
        behind = json.loads((waiting.folder / "job.json").read_text("utf-8"))["after"]
        assert behind == [str(settings.home / "jobs" / "one")]
        assert waiting.state == "running" and waiting.waiting
        waiting.cancel(grace=20)
    assert waiting.state == "cancelled" and waiting.output() == []

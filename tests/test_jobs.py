"""A background job outlives who started it, says how it ended, and can be cancelled and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from fpdf import FPDF

from workbench.cli import workbench
from workbench.errors import Conflict, NotFound
from workbench.jobs.job import Job, find_job, list_jobs, start
from workbench.jobs.processes import living
from workbench.settings import Settings
from workbench.ui.translation import in_chinese


def wait(until: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def ended(job: Job) -> bool:
    return job.state != "running"


@pytest.fixture
def slow(settings: Settings, tmp_path: Path) -> Job:
    """A job that is still reading: its file is a pipe into which nobody writes."""
    pipe = tmp_path / "slow.txt"
    os.mkfifo(pipe)
    job = start(settings, "Reading", ["rag", "ingest", str(pipe), "--json"])
    wait(lambda: len(living(job.folder)) == 2)
    return job


def test_a_job_keeps_its_output_log_and_end(settings: Settings, tmp_path: Path) -> None:
    job = start(settings, "Nothing to read", ["rag", "ingest", str(tmp_path / "gone"), "--json"])
    assert job.state == "running"
    wait(lambda: ended(job))
    assert job.state == "failed"
    assert job.last()["event"] == "failed" and "gone" in job.last()["problem"]
    assert "不存在" in in_chinese(job.last()["problem"])
    assert [found.id for found in list_jobs(settings)] == [job.id]


def test_a_private_value_reaches_the_command_and_is_written_nowhere(settings: Settings) -> None:
    job = start(settings, "Doctor", ["doctor", "--json"], {"WORKBENCH_OPENAI_API_KEY": "sesame-42"})
    wait(lambda: ended(job))
    assert job.output()
    written = [path for path in job.folder.iterdir() if b"sesame-42" in path.read_bytes()]
    assert not written


def test_cancel_ends_the_whole_family(slow: Job) -> None:
    family = [
        member
        for process in living(slow.folder)
        for member in (process, *process.children(recursive=True))
    ]
    assert len(family) >= 2
    slow.cancel(grace=1)
    wait(lambda: slow.state == "cancelled")
    assert not [
        process
        for process in family
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    ]


def test_a_running_job_cannot_be_resumed(slow: Job) -> None:
    with pytest.raises(Conflict, match="still running"):
        slow.resume()
    slow.cancel(grace=0)


def test_a_command_whose_keeper_was_killed_still_counts_as_running(slow: Job) -> None:
    keeper, command = living(slow.folder)
    keeper.kill()
    wait(lambda: len(living(slow.folder)) == 1)
    assert slow.state == "running"
    os.killpg(os.getpgid(command.pid), signal.SIGKILL)
    wait(lambda: slow.state == "interrupted")


def test_an_interrupted_job_is_run_again_in_its_folder(settings: Settings) -> None:
    job = start(settings, "Doctor", ["doctor", "--json"])
    wait(lambda: ended(job))
    before = len(job.output())
    assert before and find_job(settings, job.id).resume().id == job.id
    wait(lambda: ended(job))
    assert len(job.output()) == 2 * before


def test_a_half_written_line_waits(settings: Settings) -> None:
    job = start(settings, "Doctor", ["doctor", "--json"])
    wait(lambda: ended(job))
    whole = job.output()
    with (job.folder / "output.jsonl").open("a") as file:
        file.write('{"event": "progr')
    assert job.output() == whole


def test_a_cancel_before_the_command_runs_is_not_lost(settings: Settings, tmp_path: Path) -> None:
    pipe = tmp_path / "slow.txt"
    os.mkfifo(pipe)
    job = start(settings, "Reading", ["rag", "ingest", str(pipe), "--json"])
    job.cancel(grace=30)
    wait(lambda: ended(job))
    assert job.state == "cancelled"


def test_a_job_that_starts_slowly_counts_as_running(settings: Settings) -> None:
    job = start(settings, "Doctor", ["doctor", "--json"])
    long_ago = time.time() - 3600
    os.utime(job.folder, (long_ago, long_ago))
    assert job.state == "running"
    with pytest.raises(Conflict, match="still running"):
        job.resume()
    wait(lambda: ended(job))


def test_of_two_retries_at_once_only_one_starts(settings: Settings) -> None:
    job = start(settings, "Doctor", ["doctor", "--json"])
    wait(lambda: ended(job))
    before = len(job.output())
    together = threading.Barrier(4)
    refused = []

    def retry() -> None:
        together.wait()
        try:
            find_job(settings, job.id).resume()
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=retry) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait(lambda: ended(job))
    assert len(refused) == 3
    assert len(job.output()) == 2 * before


def locked_pdf(path: Path, password: str) -> None:
    document = FPDF()
    document.add_page()
    document.set_font("Helvetica", size=12)
    document.cell(text="The quay of Oosterwal is 90 metres long.")
    document.set_encryption(owner_password=password, user_password=password)
    document.output(str(path))


def test_a_retry_in_the_same_app_still_has_the_password(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "locked.pdf"
    command = ["rag", "ingest", str(path), "--collection", "c", "--json"]
    job = start(settings, "Reading", command, {"WORKBENCH_FILE_PASSWORD": "sesame-42"})
    wait(lambda: ended(job))
    assert job.state == "failed"
    locked_pdf(path, "sesame-42")
    job.resume()
    wait(lambda: ended(job))
    assert job.last()["indexed"] == 1


def test_a_retry_without_the_password_asks_for_it(settings: Settings, tmp_path: Path) -> None:
    job = start(settings, "Doctor", ["doctor", "--json"], {"WORKBENCH_FILE_PASSWORD": "sesame-42"})
    wait(lambda: ended(job))
    before = len(job.output())
    again = [sys.executable, "-m", "workbench.cli", "jobs", "resume", job.id]
    refused = subprocess.run(again, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "WORKBENCH_FILE_PASSWORD again" in refused.stderr
    given = os.environ | {"WORKBENCH_FILE_PASSWORD": "sesame-42"}
    assert subprocess.run(again, env=given).returncode == 0
    wait(lambda: ended(job))
    assert len(job.output()) == 2 * before


@pytest.mark.parametrize("name", ["nobody", "../jobs", ".."])
def test_a_job_that_is_not_there_is_named(settings: Settings, name: str) -> None:
    with pytest.raises(NotFound, match="no job"):
        find_job(settings, name)


def test_jobs_are_listed_followed_and_resumed_by_command(settings: Settings) -> None:
    job = start(settings, "Doctor", ["doctor", "--json"])
    wait(lambda: ended(job))
    shown = CliRunner().invoke(workbench, ["jobs", "list", "--json"])
    assert json.loads(shown.output)["id"] == job.id
    assert CliRunner().invoke(workbench, ["jobs", "log", job.id]).exit_code == 0
    assert CliRunner().invoke(workbench, ["jobs", "resume", job.id]).exit_code == 0
    wait(lambda: ended(job))
    assert CliRunner().invoke(workbench, ["jobs", "cancel", "nobody"]).exit_code == 1

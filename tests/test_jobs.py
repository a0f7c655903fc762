"""A background job outlives who started it, says how it ended, and can be cancelled and resumed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from workbench.cli import workbench
from workbench.errors import Conflict, NotFound
from workbench.jobs.job import Job, find_job, list_jobs, start
from workbench.settings import Settings


def wait(until: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def ended(job: Job) -> bool:
    return job.state != "running"


@pytest.fixture
def slow(settings: Settings, tmp_path: Path) -> Job:
    """A job that is still reading when the test looks at it: its file is a pipe into which nobody writes."""
    pipe = tmp_path / "slow.txt"
    os.mkfifo(pipe)
    job = start(settings, "Reading", ["rag", "ingest", str(pipe), "--json"])
    wait(lambda: len(job._signed_in()) == 2)
    return job


def test_a_job_keeps_its_output_log_and_end(settings: Settings, tmp_path: Path) -> None:
    job = start(settings, "Nothing to read", ["rag", "ingest", str(tmp_path / "gone"), "--json"])
    assert job.state == "running"
    wait(lambda: ended(job))
    assert job.state == "failed"
    assert job.last()["event"] == "failed" and "gone" in job.last()["problem"]
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
        for process in slow._processes()
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
    keeper, command = (who["pid"] for who in slow._signed_in())
    os.kill(keeper, signal.SIGKILL)
    wait(lambda: len(slow._processes()) == 1)
    assert slow.state == "running"
    os.killpg(os.getpgid(command), signal.SIGKILL)
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

"""Job folders as jobs leave them, without running anything."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from workbench.jobs.job import Job, find_job
from workbench.jobs.processes import COMMAND, KEEPER, sign_in
from workbench.settings import Settings


def fake_job(
    settings: Settings,
    name: str,
    command: Sequence[str],
    lines: Sequence[dict[str, Any]] = (),
    *,
    status: int | None = 0,
    log: str = "",
) -> Job:
    """A job that has ended with that exit status; None: its processes are gone without one."""
    folder = settings.folder("jobs", name)
    job = {"title": f"Job {name}", "command": list(command), "started": time.time()}
    (folder / "job.json").write_text(json.dumps(job), "utf-8")
    (folder / KEEPER).write_text('{"pid": 1, "created": 0.0}', "utf-8")
    (folder / "output.jsonl").write_text(
        "".join(f"{json.dumps(line)}\n" for line in lines), "utf-8"
    )
    (folder / "log.txt").write_text(log, "utf-8")
    if status is not None:
        (folder / "exit").write_text(str(status), "utf-8")
    return find_job(settings, name)


@contextmanager
def running_job(
    settings: Settings, name: str, command: Sequence[str], lines: Sequence[dict[str, Any]] = ()
) -> Iterator[Job]:
    """A job whose process lives inside the context; the process only sleeps."""
    job = fake_job(settings, name, command, lines, status=None)
    sleeper = subprocess.Popen(["sleep", "300"], start_new_session=True)
    for file in (KEEPER, COMMAND):
        sign_in(job.folder, file, sleeper.pid)
    try:
        yield job
    finally:
        sleeper.kill()
        sleeper.wait()

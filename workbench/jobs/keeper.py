"""The detached keeper of a job: runs its command, keeps the output, writes the exit status.

Started as `python -m workbench.jobs.keeper FOLDER` in a session of its own, so that it outlives the
page and the app. It leads the process group that a cancel sends SIGTERM to.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from workbench.files import read_json, write_text
from workbench.jobs.processes import COMMAND, KEEPER, living, sign_in

CANCELLED = 128 + signal.SIGTERM  # the exit status that a shell gives a command ended by SIGTERM

LOOKED_EVERY = 1.0  # seconds, while other jobs are waited for


def launch(folder: Path, private: dict[str, str]) -> None:
    """Start the keeper of a job's folder, detached; `private` is added to its environment."""
    keeper = subprocess.Popen(
        [sys.executable, "-m", "workbench.jobs.keeper", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | private,
    )
    # signed in by its starter: on a busy machine its own first line may be many seconds away
    sign_in(folder, KEEPER, keeper.pid)


def keep(folder: Path) -> None:
    """Run the command of `job.json` to its end and write its status to `exit`."""
    # A handler, not SIG_IGN: a handler is reset when the command is started, so that the command
    # decides for itself how it stops. The keeper has to stay, to write how it ended.
    signal.signal(signal.SIGTERM, _stay)
    sign_in(folder, KEEPER, os.getpid())  # whoever launched it may have been killed before
    _wait_for_others(folder)
    cancelled = (folder / "cancel").exists()
    status = CANCELLED if cancelled else _run(folder)
    write_text(folder / "exit", str(status))


def _wait_for_others(folder: Path) -> None:
    """Until the jobs it was queued behind have ended, or it was cancelled."""
    others = [Path(other) for other in read_json(folder / "job.json").get("after", [])]
    while any(living(other) for other in others) and not (folder / "cancel").exists():
        time.sleep(LOOKED_EVERY)


def _run(folder: Path) -> int:
    job = read_json(folder / "job.json")
    environment = os.environ | {
        "WORKBENCH_HOME": job["home"],
        "WORKBENCH_PERSON": job.get("person", ""),
        "WORKBENCH_ROLE": job.get("role", "admin"),
        "PYTHONUNBUFFERED": "1",  # progress is read while it is written
        "PYTHONIOENCODING": "utf-8",
    }
    # appended: a retry goes on in the same files
    with (folder / "output.jsonl").open("ab") as output, (folder / "log.txt").open("ab") as log:
        command = subprocess.Popen(
            [sys.executable, "-m", "workbench.cli", *job["command"]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            env=environment,
            cwd=job["cwd"],
        )
        sign_in(folder, COMMAND, command.pid)
        if (folder / "cancel").exists():  # it came before the command could hear it
            command.terminate()
        return command.wait()


def _stay(number: int, frame: FrameType | None) -> None:
    """The command decides how it stops."""


if __name__ == "__main__":
    keep(Path(sys.argv[1]))

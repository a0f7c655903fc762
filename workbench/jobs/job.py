"""A workbench command as a detached background job: progress, log, cancel, resume. It outlives page and app.

A job is a folder `jobs/<id>/`: `job.json` (what runs), `output.jsonl` (the command's JSON lines), `log.txt`
(its stderr), `process.json` (who runs it) and, once it has ended, `exit`. The folder is the truth; any process
can read it, and a job whose process is gone without an `exit` was interrupted and can be resumed.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from workbench.errors import Conflict, NotFound
from workbench.messages import say
from workbench.settings import Settings

State = Literal["running", "done", "failed", "cancelled", "interrupted"]


@dataclass(frozen=True)
class Job:
    """One background command. `command` is what follows `workbench` on the command line."""

    folder: Path
    title: str
    command: list[str]
    started: float

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def state(self) -> State:
        code = self._exit()
        if code is None and self._alive():
            return "running"
        code = self._exit() if code is None else code  # it may have ended between the two
        if self.cancelling:
            return "cancelled"
        if code is None:
            return "interrupted"
        return "done" if code == 0 else "failed"

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to stop, and is still saving."""
        return (self.folder / "cancel").exists()

    def output(self) -> list[dict[str, Any]]:
        """Every JSON object the command has printed so far, oldest first; a half-written line waits."""
        return list(_json_lines(self.folder / "output.jsonl"))

    def last(self) -> dict[str, Any]:
        """The newest JSON object, or an empty one."""
        return next(reversed(self.output()), {})

    def log(self, lines: int = 200) -> str:
        """The end of what the command wrote to stderr."""
        path = self.folder / "log.txt"
        return (
            "\n".join(path.read_text("utf-8", "replace").splitlines()[-lines:])
            if path.exists()
            else ""
        )

    def cancel(self, grace: float = 10) -> None:
        """Ask the command to stop (SIGTERM to its process group), and end it after `grace` seconds."""
        (self.folder / "cancel").touch()
        if not (processes := self._processes()):
            return
        family = {
            member
            for process in processes
            for member in (process, *process.children(recursive=True))
        }
        _signal_group(self._group(), signal.SIGTERM)
        _, alive = psutil.wait_procs(family, timeout=grace)
        for straggler in alive:
            straggler.kill()

    def resume(self) -> Job:
        """Run the same command again in the same folder; commands of this project take up where they stopped."""
        if self.state == "running":
            raise Conflict(
                say("The job {title} is still running.", title=self.title),
                "Wait for it, or cancel it first.",
            )
        for name in ("exit", "cancel", "process.json"):
            (self.folder / name).unlink(missing_ok=True)
        _launch(self.folder)
        return self

    def _exit(self) -> int | None:
        try:
            return int((self.folder / "exit").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _processes(self) -> list[psutil.Process]:
        """What is alive of the job: its keeper, its command. A number given to another program does not count."""
        return [process for who in self._signed_in() if (process := _find_process(**who))]

    def _signed_in(self) -> list[dict[str, Any]]:
        try:
            return json.loads((self.folder / "process.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return []

    def _group(self) -> int:
        return self._signed_in()[0]["pid"]  # the keeper leads it

    def _alive(self) -> bool:
        if self._signed_in():
            return bool(self._processes())
        return time.time() - self.folder.stat().st_mtime < 10  # launched, not yet signed in


def start(
    settings: Settings, title: str, command: list[str], private: dict[str, str] | None = None
) -> Job:
    """Start `workbench COMMAND…` detached from this process and return its job.

    `private` are environment variables for the command; they are never written to the job's folder.
    """
    name = time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)
    folder = settings.folder("jobs", name)
    job = {
        "title": title,
        "command": command,
        "started": time.time(),
        "home": str(settings.home),
        "cwd": str(Path.cwd()),
    }
    _write(folder / "job.json", json.dumps(job, ensure_ascii=False))
    _launch(folder, private)
    return find_job(settings, name)


def list_jobs(settings: Settings) -> list[Job]:
    """All jobs of the workspace, newest first."""
    folders = sorted(settings.folder("jobs").iterdir(), reverse=True)
    return [_read(folder) for folder in folders if (folder / "job.json").exists()]


def find_job(settings: Settings, name: str) -> Job:
    """The job of that id; raises NotFound."""
    folder = settings.folder("jobs") / name
    if folder.parent != settings.folder("jobs") or not (folder / "job.json").exists():
        raise NotFound(
            say("There is no job {name}.", name=name), "List them with: workbench jobs list"
        )
    return _read(folder)


def _read(folder: Path) -> Job:
    data = json.loads((folder / "job.json").read_text("utf-8"))
    return Job(folder, data["title"], data["command"], data["started"])


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    for line in path.read_text("utf-8", "replace").splitlines():
        try:
            item = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(item, dict):
            yield item


def _launch(folder: Path, environment: dict[str, str] | None = None) -> None:
    os.utime(folder)
    subprocess.Popen(
        [sys.executable, "-m", "workbench.jobs.job", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    )


def _find_process(pid: int, created: float) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return process if same else None


def _signal_group(leader: int, number: int) -> None:
    try:
        os.killpg(leader, number) if hasattr(os, "killpg") else os.kill(leader, number)
    except ProcessLookupError:
        return


def _keep(folder: Path) -> None:
    """The detached keeper: run the command, keep its output, write its exit status."""
    job = json.loads((folder / "job.json").read_text("utf-8"))
    signal.signal(
        signal.SIGTERM, signal.SIG_IGN
    )  # the command decides how it stops; the keeper writes how it ended
    environment = {
        **os.environ,
        "WORKBENCH_HOME": job["home"],
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    restore = (
        (lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL)) if os.name == "posix" else None
    )
    with (folder / "output.jsonl").open("ab") as output, (folder / "log.txt").open("ab") as log:
        command = subprocess.Popen(
            [sys.executable, "-m", "workbench.cli", *job["command"]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            env=environment,
            cwd=job["cwd"],
            preexec_fn=restore,
        )
        _write(folder / "process.json", json.dumps([_sign(os.getpid()), _sign(command.pid)]))
        _write(folder / "exit", str(command.wait()))


def _sign(pid: int) -> dict[str, Any]:
    try:
        return {"pid": pid, "created": psutil.Process(pid).create_time()}
    except psutil.NoSuchProcess:
        return {"pid": pid, "created": 0.0}  # it has ended already


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, "utf-8")
    part.replace(path)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))

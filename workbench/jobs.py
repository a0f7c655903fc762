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

import click
import psutil

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import Conflict, NotFound
from workbench.settings import Settings, load_settings

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
        # read before and after asking for the process: it may end between the two
        if (code := self._exit()) is None and not self._alive():
            code = self._exit()
            if code is None:
                return "cancelled" if (self.folder / "cancel").exists() else "interrupted"
        if code is None:
            return "running"
        if (self.folder / "cancel").exists():
            return "cancelled"
        return "done" if code == 0 else "failed"

    def output(self) -> list[dict[str, Any]]:
        """Every JSON object the command has printed so far, oldest first; a half-written line waits."""
        return list(_json_lines(self.folder / "output.jsonl"))

    def last(self) -> dict[str, Any]:
        """The newest JSON object, or an empty one."""
        return next(reversed(self.output()), {})

    def log(self, lines: int = 200) -> str:
        """The end of what the command wrote to stderr."""
        path = self.folder / "log.txt"
        return "\n".join(path.read_text("utf-8", "replace").splitlines()[-lines:]) if path.exists() else ""

    def cancel(self, grace: float = 10) -> None:
        """Ask the command to stop (SIGTERM to its process group), and end it after `grace` seconds."""
        (self.folder / "cancel").touch()
        if not (process := self._process()):
            return
        family = [process, *process.children(recursive=True)]
        _signal(process.pid, signal.SIGTERM)
        _, alive = psutil.wait_procs(family, timeout=grace)
        for straggler in alive:
            straggler.kill()

    def resume(self) -> Job:
        """Run the same command again in the same folder; commands of this project take up where they stopped."""
        if self.state == "running":
            raise Conflict(f"The job {self.title} is still running.", "Wait for it, or cancel it first.")
        for name in ("exit", "cancel", "process.json"):
            (self.folder / name).unlink(missing_ok=True)
        _launch(self.folder)
        return self

    def _exit(self) -> int | None:
        try:
            return int((self.folder / "exit").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _process(self) -> psutil.Process | None:
        """The job's own process; a process number that was given to another program does not count."""
        try:
            who = json.loads((self.folder / "process.json").read_text())
            process = psutil.Process(who["pid"])
            same = abs(process.create_time() - who["created"]) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except (FileNotFoundError, json.JSONDecodeError, psutil.Error):
            return None
        return process if same else None

    def _alive(self) -> bool:
        if (self.folder / "process.json").exists():
            return self._process() is not None
        return time.time() - self.folder.stat().st_mtime < 10  # launched, not yet signed in


def start(settings: Settings, title: str, command: list[str], private: dict[str, str] | None = None) -> Job:
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
    (folder / "job.json").write_text(json.dumps(job, ensure_ascii=False), "utf-8")
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
        raise NotFound(f"There is no job {name}.", "List them with: workbench jobs list")
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
        [sys.executable, "-m", "workbench.jobs", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    )


def _signal(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number) if hasattr(os, "killpg") else os.kill(pid, number)
    except ProcessLookupError:
        return


def _run_job(folder: Path) -> None:
    """The detached process: run the command, keep its output, write its exit status."""
    me = psutil.Process()
    (folder / "process.json").write_text(json.dumps({"pid": me.pid, "created": me.create_time()}))
    job = json.loads((folder / "job.json").read_text("utf-8"))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the command decides how it stops; this process writes how it ended
    environment = {**os.environ, "WORKBENCH_HOME": job["home"], "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    with (folder / "output.jsonl").open("ab") as output, (folder / "log.txt").open("ab") as log:
        command = [sys.executable, "-m", "workbench.cli", *job["command"]]
        restore = (lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL)) if os.name == "posix" else None
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=log, env=environment, cwd=job["cwd"],
            preexec_fn=restore, check=False,
        ).returncode  # fmt: skip
    part = folder / "exit.part"
    part.write_text(str(code))
    part.replace(folder / "exit")


@click.group()
def jobs() -> None:
    """List, follow and cancel background jobs."""


@jobs.command("list")
@json_option
@reports_errors
def list_command(as_json: bool) -> None:
    """All jobs, newest first. Example: workbench jobs list"""
    for job in list_jobs(load_settings()):
        if as_json:
            print_json({"id": job.id, "title": job.title, "state": job.state, "last": job.last()})
        else:
            click.echo(f"{job.id}  {job.state:<11}  {job.title}")


@jobs.command()
@click.argument("name")
@reports_errors
def log(name: str) -> None:
    """What a job wrote. Example: workbench jobs log 20261101-120000-ab12"""
    click.echo(find_job(load_settings(), name).log())


@jobs.command()
@click.argument("name")
@reports_errors
def cancel(name: str) -> None:
    """Stop a job. Example: workbench jobs cancel 20261101-120000-ab12"""
    find_job(load_settings(), name).cancel()


@jobs.command()
@click.argument("name")
@reports_errors
def resume(name: str) -> None:
    """Run an ended job again from where it stopped. Example: workbench jobs resume 20261101-120000-ab12"""
    find_job(load_settings(), name).resume()


if __name__ == "__main__":
    _run_job(Path(sys.argv[1]))

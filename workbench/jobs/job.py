"""A workbench command as a detached background job: progress, log, cancel, resume.

A job outlives the page and the app. It is a folder `jobs/<id>/`:

    job.json        what runs, and the names of private variables that it needs
    keeper.json     the process that watches over it     (see workbench.jobs.processes)
    command.json    the process of the command
    output.jsonl    the command's JSON lines
    log.txt         its stderr
    cancel          exists once the job was asked to stop
    exit            the exit status, once the command has ended
    seen            exists once a person has put the ended job away

The folder is the truth, and any process can read it. A job whose processes are gone without an
`exit` was interrupted and can be resumed.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workbench.confined import check_may_change, may_change, reader_refused
from workbench.errors import Conflict, Damaged, InvalidInput, NotFound
from workbench.files import locked, read_json, write_json
from workbench.jobs.keeper import launch
from workbench.jobs.processes import COMMAND, end, group_of, living, sign_out, signed_in
from workbench.messages import read_messages, say
from workbench.settings import Settings

State = Literal["running", "done", "failed", "cancelled", "interrupted"]

LAUNCHED_WITHIN = 10  # seconds between writing `job.json` and the keeper's signature, at most

_private_values: dict[Path, dict[str, str]] = {}
"""Job folder -> its private variables. In this process alone: a retry needs them, no file may."""


@dataclass(frozen=True)
class Job:
    """One background command. `command` is what follows `workbench` on the command line."""

    folder: Path
    title: str
    command: list[str]
    started: float
    private: tuple[str, ...] = ()
    """Names of the environment variables that the command needs and no file keeps."""

    after: tuple[str, ...] = ()
    """Folders of the jobs whose end it waits for."""

    mine: bool = True
    """Whether whoever looks at it may stop it and run it again."""

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def state(self) -> State:
        status = self.exit_status
        if status is None:
            if self._alive():
                return "running"
            status = self.exit_status  # it may have ended between the two looks
        if self.cancelling:
            return "cancelled"
        if status is None:
            return "interrupted"
        return "done" if status == 0 else "failed"

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to stop; while it runs, it is still saving."""
        return (self.folder / "cancel").exists()

    @property
    def exit_status(self) -> int | None:
        """The command's exit status, negative for a signal; None before its end was written."""
        try:
            return int((self.folder / "exit").read_text())
        except (FileNotFoundError, ValueError):
            return None

    @property
    def waiting(self) -> bool:
        """Whether it runs, but waits until other jobs have ended."""
        return self.state == "running" and not (self.folder / COMMAND).exists() and bool(self.after)

    @property
    def touched(self) -> float:
        """When it last wrote something or ended, in seconds since the epoch."""
        files = [self.folder / name for name in ("exit", "output.jsonl", "job.json")]
        return max(path.stat().st_mtime for path in files if path.exists())

    @property
    def seen(self) -> bool:
        """Whether a person has put it away after its end."""
        return (self.folder / "seen").exists()

    def put_away(self) -> None:
        """A person has seen how it ended."""
        (self.folder / "seen").touch()

    def output(self) -> list[dict[str, Any]]:
        """Every JSON object the command has printed, oldest first; a half-written line waits."""
        path = self.folder / "output.jsonl"
        if not path.exists():
            return []
        found = []
        for line in path.read_text("utf-8", "replace").splitlines():
            try:
                item = json.loads(line)
            except json.JSONDecodeError:
                continue  # half written, or printed by a library
            if isinstance(item, dict):
                found.append(read_messages(item))  # so that a page can translate them
        return found

    def last(self) -> dict[str, Any]:
        """The newest JSON object, or an empty one."""
        output = self.output()
        return output[-1] if output else {}

    def log(self, lines: int = 200) -> str:
        """The end of what the command wrote to stderr."""
        path = self.folder / "log.txt"
        if not path.exists():
            return ""
        written = path.read_text("utf-8", "replace").splitlines()
        return "\n".join(written[-lines:])

    def cancel(self, grace: float = 10) -> None:
        """Ask the command to stop (SIGTERM to its group), and kill it after `grace` seconds."""
        self._check_mine()
        (self.folder / "cancel").touch()  # a keeper that is still starting looks for it
        processes = living(self.folder)
        if processes:
            end(processes, group_of(self.folder), grace)

    def resume(self) -> Job:
        """Run the same command again in the same folder; it takes up where it stopped.

        Raises Conflict while the job runs, InvalidInput where a private variable is not known here,
        Forbidden for a reader.
        """
        self._check_mine()
        # two pages may press "Try again" at the same moment
        with locked(self.folder / "start"):
            if self.state == "running":
                raise Conflict(
                    say("The job {title} is still running.", title=self.title),
                    "Wait for it, or cancel it first.",
                )
            private = self._private_values()
            sign_out(self.folder)
            for name in ("exit", "cancel", "seen"):
                (self.folder / name).unlink(missing_ok=True)
            os.utime(self.folder)  # launched now, as LAUNCHED_WITHIN counts it
            launch(self.folder, private)
        return self

    def _check_mine(self) -> None:
        if not self.mine:
            raise reader_refused()

    def _private_values(self) -> dict[str, str]:
        known = os.environ | _private_values.get(self.folder, {})
        missing = [name for name in self.private if name not in known]
        if missing:
            raise InvalidInput(
                say(
                    "The job {title} needs {names} again: a secret is kept in no file.",
                    title=self.title,
                    names=", ".join(missing),
                ),
                "Start it again on its page and enter the password or key there, or set the "
                "variable and run: workbench jobs resume ID",
            )
        return {name: known[name] for name in self.private}

    def _alive(self) -> bool:
        if signed_in(self.folder):
            return bool(living(self.folder))
        return time.time() - self.folder.stat().st_mtime < LAUNCHED_WITHIN


def start(
    settings: Settings,
    title: str,
    command: list[str],
    private: dict[str, str] | None = None,
    after: Sequence[Job] = (),
    own: bool = False,
) -> Job:
    """Start `workbench COMMAND…` detached from this process and return its job.

    `private` are environment variables for the command. Only their names are written to the job's
    folder; the values stay in this process, for a retry. It waits until the jobs `after` have
    ended, however they end. With `own` no other person of the workspace sees it.

    Raises Forbidden for a reader, but for an `own` one.
    """
    if not own:
        check_may_change(settings)
    private = private or {}
    # sorts by time; two jobs of one second differ by the random part
    name = time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)
    folder = (settings.own if own else settings).folder("jobs", name)
    job = {
        "title": title,
        "command": command,
        "started": time.time(),
        "home": str(settings.home),
        "person": settings.person,
        "role": settings.role,
        "own": own,
        "cwd": str(Path.cwd()),
        "private": sorted(private),
        "after": [str(other.folder) for other in after],
    }
    with locked(folder / "start"):
        _private_values[folder] = private
        write_json(folder / "job.json", job)
        launch(folder, private)
    return find_job(settings, name)


def list_jobs(settings: Settings) -> list[Job]:
    """All jobs of the workspace, newest first; one whose file is damaged is left out."""
    folders = [folder for place in _places(settings) for folder in place.iterdir()]
    jobs = []
    for folder in sorted(folders, key=lambda folder: folder.name, reverse=True):
        with suppress(Damaged):
            if (folder / "job.json").exists():
                jobs.append(_read(folder, settings))
    return jobs


def find_job(settings: Settings, name: str) -> Job:
    """The job of that id; raises NotFound."""
    for place in _places(settings):
        folder = place / name
        # a name such as ../runs must not lead out of the folder
        if folder.parent == place and (folder / "job.json").exists():
            return _read(folder, settings)
    raise NotFound(say("There is no job {name}.", name=name), "List them with: workbench jobs list")


def _places(settings: Settings) -> list[Path]:
    """Where jobs lie: the workspace's, and the person's own in one that several people share."""
    places = [settings.folder("jobs")]
    if settings.person:
        places.append(settings.own.folder("jobs"))
    return places


def _read(folder: Path, settings: Settings) -> Job:
    path = folder / "job.json"
    data = read_json(path)
    if not isinstance(data, dict) or not {"title", "command", "started"} <= data.keys():
        raise Damaged(say("{path} is damaged: {error}", path=path, error="not what it should be"))
    return Job(
        folder=folder,
        title=data["title"],
        command=data["command"],
        started=data["started"],
        private=tuple(data.get("private", ())),
        after=tuple(data.get("after", ())),
        mine=may_change(settings) or bool(data.get("own")),
    )

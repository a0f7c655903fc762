"""The processes of a job: who signed in, who of them is alive, and how all of them are ended.

A process signs in with PID and start time: the PID alone may by now belong to another program.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path

import psutil

from workbench.files import read_json, write_json
from workbench.running import running

# one writer for each file, so that none can overwrite the other's entry
KEEPER = "keeper.json"
COMMAND = "command.json"


def sign_in(folder: Path, name: str, pid: int) -> None:
    """Write the process's PID and start time into the job's folder; `name` is KEEPER or COMMAND."""
    try:
        created = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:  # it has ended already
        created = 0.0
    write_json(folder / name, {"pid": pid, "created": created})


def sign_out(folder: Path) -> None:
    """Forget who ran the job before."""
    for name in (KEEPER, COMMAND):
        (folder / name).unlink(missing_ok=True)


def signed_in(folder: Path) -> bool:
    """Whether the job's keeper or command has ever signed in."""
    return (folder / KEEPER).exists() or (folder / COMMAND).exists()


def living(folder: Path) -> list[psutil.Process]:
    """The job's keeper and command, as far as they are alive. A reused PID is ignored."""
    found = (_find(folder / name) for name in (KEEPER, COMMAND))
    return [process for process in found if process]


def end(processes: Iterable[psutil.Process], group: int, grace: float) -> None:
    """Send SIGTERM to the group; kill what is alive of the families after `grace` seconds."""
    # collected before the signal: a child whose parent has ended is found no more
    family: set[psutil.Process] = set()
    for process in processes:
        family.add(process)
        family.update(_descendants(process))
    _terminate_group(group)
    _, alive = psutil.wait_procs(family, timeout=grace)
    for process in alive:
        process.kill()


def group_of(folder: Path) -> int:
    """The process group of a job that has signed in; its keeper leads it."""
    return int(read_json(folder / KEEPER)["pid"])


def _find(path: Path) -> psutil.Process | None:
    try:
        signature = read_json(path)
    except ValueError:  # the disk was full when it was written by an older version
        return None
    if not signature:
        return None
    return running(signature["pid"], signature["created"])


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:  # it ended while it was asked
        return []


def _terminate_group(group: int) -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(group, signal.SIGTERM)
        else:
            os.kill(group, signal.SIGTERM)
    except ProcessLookupError:
        return

"""One training on several processes of this machine, by torchrun; their events passed on.

On one machine nothing depends on the host's name or on a port that could be taken: the processes
meet on the loopback address, at a port that the system chooses. Several machines meet where the
person says.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Thread
from typing import Any

import psutil

from finetune.run.runs import Run
from finetune.train.agent import ENDED
from finetune.train.cluster import Cluster
from finetune.train.events import ENDS, error_of, read_event
from finetune.train.processes import LAUNCHER, LOG, log_of
from workbench.errors import Stopped, Unavailable, WorkbenchError
from workbench.messages import say

AGENT = ["-m", "finetune.train.agent"]
TRAIN = ["-m", "finetune.train.worker", "finetune", "train"]
LOG_LINES = 30  # of the process that failed


def launch(
    run: Run,
    cluster: Cluster,
    report: Callable[[dict[str, Any]], None],
    stopped: Callable[[], bool],
    program: Sequence[str] = TRAIN,
) -> None:
    """Train the prepared run on the cluster's processes and pass on what they report.

    `program` is what each process runs, with the run's folder as its argument.
    Raises what a worker failed with, Stopped where it was cancelled, Unavailable where one died
    without a word.
    """
    said: WorkbenchError | None = None
    ended: dict[str, Any] = {}
    with subprocess.Popen(
        [sys.executable, *AGENT, *cluster.torchrun(), *program, str(run.folder), "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=_environment(run, cluster),
        # A session of its own: a signal to this process group would end torchrun at once. The
        # workers alone get it passed on, then save and end together.
        start_new_session=True,
    ) as torchrun:
        Thread(target=_pass_on_stop, args=(torchrun, stopped), daemon=True).start()
        for line in torchrun.stdout or ():
            event = read_event(line)
            said = said or error_of(event)
            if event.get("event") == ENDED:
                ended = event
            elif event and event["event"] not in ENDS:
                report(event)
    if torchrun.returncode:
        raise _why_ended(run, torchrun.returncode, said, ended)
    if said:
        raise said


def _why_ended(
    run: Run, status: int, said: WorkbenchError | None, ended: dict[str, Any]
) -> WorkbenchError:
    """The reason. What the log of the process that failed ends with goes to stderr."""
    if ended and not isinstance(said, Stopped):
        _show_log(run, ended["rank"])
    if ended and ended["status"] < 0:  # the others only say that they miss it
        return _killed(ended["rank"], -ended["status"])
    if said:
        return said
    return Unavailable(
        say("A training process ended without a word (status {returncode}).", returncode=status),
        "See the log above.",
    )


def _killed(rank: int, number: int) -> Unavailable:
    return Unavailable(
        say(
            "Training process {rank} was ended by the system ({name}).",
            rank=rank,
            name=signal.Signals(number).name,
        ),
        "Mostly memory ran out: lower training.batch or the number of processes.",
    )


def _show_log(run: Run, rank: int) -> None:
    path = log_of(run.folder, rank)
    if rank == 0 or not path.exists():
        return
    lines = path.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
    sys.stderr.write("\n".join([f"--- {path}", *lines, ""]))


def _environment(run: Run, cluster: Cluster) -> Mapping[str, str]:
    """What the workers get besides this process's own variables, which win over the defaults."""
    own = {LAUNCHER: str(os.getpid()), LOG: str(run.folder)}
    return cluster.environment() | os.environ | own


def _pass_on_stop(torchrun: subprocess.Popen[str], stopped: Callable[[], bool]) -> None:
    while torchrun.poll() is None:
        if stopped():
            for worker in psutil.Process(torchrun.pid).children():
                worker.terminate()
            return
        time.sleep(0.2)

"""One training on several processes of this machine, by torchrun; their events passed on.

Nothing depends on the host's name or on a port that could be taken: the processes meet on the
loopback address, at a port that the system chooses. Across machines start the same command by
torchrun on each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Any

import psutil

from finetune.run.runs import Run
from finetune.train.processes import LAUNCHER, LOOPBACK
from workbench.errors import Stopped, Unavailable, WorkbenchError
from workbench.messages import read_messages, say

TORCHRUN = [
    "-m",
    "torch.distributed.run",
    "--rdzv-backend=c10d",
    f"--rdzv-endpoint={LOOPBACK}:0",
    f"--local-addr={LOOPBACK}",
]
TRAIN = ["-m", "finetune.train.worker", "finetune", "train"]


def launch(
    run: Run, processes: int, report: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]
) -> None:
    """Train the prepared run on that many processes and pass on what they report.

    Raises what a worker failed with, Stopped where it was cancelled, Unavailable where one died
    without a word.
    """
    count = f"--nproc-per-node={processes}"
    ended: WorkbenchError | None = None
    with subprocess.Popen(
        [sys.executable, *TORCHRUN, count, *TRAIN, str(run.folder), "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=_environment(processes),
        # A session of its own: a signal to this process group would end torchrun at once. The
        # workers alone get it passed on, then save and end together.
        start_new_session=True,
    ) as torchrun:
        Thread(target=_pass_on_stop, args=(torchrun, stopped), daemon=True).start()
        for line in torchrun.stdout or ():
            event = _read(line)
            ended = ended or _error_of(event)
            if event.get("event") not in (None, "failed", "cancelled", "done"):
                report(event)
    if ended:
        raise ended
    if torchrun.returncode:
        raise Unavailable(
            say(
                "A training process ended without a word (status {returncode}).",
                returncode=torchrun.returncode,
            ),
            "See the log above. If the system ended it, memory ran out: lower training.batch or "
            "training.processes.",
        )


def _environment(processes: int) -> Mapping[str, str]:
    """What the workers get besides this process's own variables, which win over the defaults."""
    threads = max(1, (os.cpu_count() or 1) // processes)
    loopback_interface = "lo0" if sys.platform == "darwin" else "lo"
    defaults = {
        "OMP_NUM_THREADS": str(threads),
        "GLOO_SOCKET_IFNAME": loopback_interface,  # else gloo looks up the host's own name
    }
    return defaults | os.environ | {LAUNCHER: str(os.getpid())}


def _pass_on_stop(torchrun: subprocess.Popen[str], stopped: Callable[[], bool]) -> None:
    while torchrun.poll() is None:
        if stopped():
            for worker in psutil.Process(torchrun.pid).children():
                worker.terminate()
            return
        time.sleep(0.2)


def _read(line: str) -> dict[str, Any]:
    """A worker's event; nothing where a library has printed something else."""
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return {}
    if not isinstance(event, dict) or "event" not in event:
        return {}
    return read_messages(event)


def _error_of(event: dict[str, Any]) -> WorkbenchError | None:
    """What a worker has ended with, as an error of this process."""
    kinds = {"failed": WorkbenchError, "cancelled": Stopped}
    kind = kinds.get(event.get("event", ""))
    return kind(event["problem"], event["fix"]) if kind else None

"""One training on several processes: started here by torchrun, or by any launcher that sets RANK and MASTER_ADDR.

On one machine nothing depends on its host name or on a port that could be taken: the processes meet on the loopback
address, at a port that the system chooses. Across machines start the same command by torchrun on each of them.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import psutil

from finetune.run.runs import Run
from workbench.errors import Conflict, Stopped, Unavailable, WorkbenchError
from workbench.messages import say

LOOPBACK = "127.0.0.1"
LAUNCHER = "WORKBENCH_LAUNCHER"  # environment variable: the process that started the workers
STARTED_WITHIN = 60  # seconds, of each other
TORCHRUN = [
    "-m",
    "torch.distributed.run",
    "--rdzv-backend=c10d",
    f"--rdzv-endpoint={LOOPBACK}:0",
    f"--local-addr={LOOPBACK}",
]


def launch(
    run: Run, processes: int, report: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]
) -> None:
    """Train the prepared run on that many processes and pass on what they report.

    Raises what a worker failed with, Stopped where it was cancelled, Unavailable where one died without a word.
    """
    command = [
        sys.executable,
        *TORCHRUN,
        f"--nproc-per-node={processes}",
        "-m",
        "workbench.cli",
        "finetune",
        "train",
        str(run.folder),
        "--json",
    ]
    environment = (
        {
            "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes)),
            "GLOO_SOCKET_IFNAME": "lo0"
            if sys.platform == "darwin"
            else "lo",  # else gloo looks up the host's own name
        }
        | os.environ
        | {LAUNCHER: str(os.getpid())}
    )
    ended: WorkbenchError | None = None
    # a session of its own: a signal to this one's group is passed on to the workers alone, which save and end together
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
        start_new_session=True,
    ) as torchrun:
        Thread(target=_pass_on_stop, args=(torchrun, stopped), daemon=True).start()
        for event in map(_read, torchrun.stdout or ()):
            if event.get("event") in ("failed", "cancelled"):
                kind = Stopped if event["event"] == "cancelled" else WorkbenchError
                ended = ended or kind(event["problem"], event["fix"])
            elif event and event["event"] != "done":
                report(event)
    if ended:
        raise ended
    if torchrun.returncode:
        raise Unavailable(
            say(
                "A training process ended without a word (status {returncode}).",
                returncode=torchrun.returncode,
            ),
            "See the log above. If the system ended it, memory ran out: lower training.batch or training.processes.",
        )


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
    return event if isinstance(event, dict) and "event" in event else {}


@contextmanager
def only_training(run: Run) -> Iterator[None]:
    """One training of a run at a time; the lock goes with the process. Raises Conflict where another is at work."""
    from filelock import FileLock, Timeout

    if LAUNCHER in os.environ or not is_first():  # belongs to one that holds the lock
        yield
        return
    run.folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(run.folder.parent / f".{run.name}.lock", timeout=0):
            yield
    except Timeout as error:
        raise Conflict(
            say("The run {name} is being trained right now.", name=run.name),
            "Wait for it, or cancel it first: workbench jobs list",
        ) from error


def is_worker() -> bool:
    """Whether a launcher has started this process as one of several."""
    return "RANK" in os.environ


def is_first() -> bool:
    """Whether this process is the one that reports and writes."""
    return os.environ.get("RANK", "0") == "0"


def await_run(run: Run, patience: float = 600) -> Run:
    """The run, once the first process has prepared it: it writes the card anew each time. Raises Unavailable."""
    card, launched = run.folder / "card.json", psutil.Process().create_time() - STARTED_WITHIN
    until = time.monotonic() + patience
    while not (card.exists() and card.stat().st_mtime > launched):
        if time.monotonic() > until:
            raise Unavailable(
                say("The first training process has not prepared {folder}.", folder=run.folder),
                "See its log, and let WORKBENCH_HOME be one folder that all machines share.",
            )
        time.sleep(0.2)
    return run


def launcher_is_gone() -> bool:
    """Whether the command that started the workers has died, so that nobody waits for them any more."""
    launcher = os.environ.get(LAUNCHER)
    return launcher is not None and not psutil.pid_exists(int(launcher))


def any_of(asked: bool) -> bool:
    """Whether any process asks to stop: all take the same number of steps, or one would wait for ever."""
    import torch
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return asked
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    flag = torch.tensor(int(asked), device=device)
    distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)
    return bool(flag.item())


def check_rendezvous() -> None:
    """Whether the processes can meet where the launcher says; raises Unavailable before torch waits for minutes."""
    host, port = os.environ.get("MASTER_ADDR"), os.environ.get("MASTER_PORT", "")
    if not is_worker() or not host:
        return
    try:
        found = socket.getaddrinfo(host, port or None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unavailable(
            say(
                "The name {host}, where the training processes shall meet, does not resolve to an address.",
                host=host,
            ),
            say(
                "Launch with an address instead (torchrun --master-addr {loopback} on one machine), or add the name to /etc/hosts.",
                loopback=LOOPBACK,
            ),
        ) from error
    if not is_first() or not port or os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
        return  # the port is another process's to open, or open already
    family, kind, _, _, address = found[0]
    try:
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise Unavailable(
            say(
                "Port {port}, where the training processes shall meet, cannot be opened on {host}: {strerror}.",
                port=port,
                host=host,
                strerror=error.strerror,
            ),
            "Another program holds it, or the address is not this machine's: launch with another --master-port, or with "
            "--master-addr set to the machine of rank 0.",
        ) from error

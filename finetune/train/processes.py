"""One of several training processes: which one it is, whether they can meet, when all stop.

The launcher, torchrun or another one, names rank and meeting place in environment variables.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil

from finetune.run.runs import Run
from finetune.train.rendezvous import check_port, resolve
from workbench.errors import Unavailable
from workbench.messages import say

LAUNCHER = "WORKBENCH_LAUNCHER"  # environment variable: PID of the command that started the workers
LOG = "WORKBENCH_LOG"  # environment variable: folder of the run that keeps the workers' logs
STARTED_WITHIN = 60  # seconds between the starts of the first and the last process


def is_worker() -> bool:
    """Whether a launcher has started this process as one of several."""
    return "RANK" in os.environ


def is_first() -> bool:
    """Whether this process is the one that reports and writes."""
    return os.environ.get("RANK", "0") == "0"


def is_launched() -> bool:
    """Whether our own command has started this process, and prepared the run before."""
    return LAUNCHER in os.environ


def rank() -> int:
    """The number of this process among all that train."""
    return int(os.environ.get("RANK", 0))


def all_processes() -> int:
    """How many processes train; 0 where no launcher says so."""
    return int(os.environ.get("WORLD_SIZE", 0)) if is_worker() else 0


def log_of(run: Path, rank: int) -> Path:
    """The log of a training process; that of the first is the command's own."""
    return run / "logs" / f"rank-{rank}.txt"


def launcher_is_gone() -> bool:
    """Whether the command that started the workers has died, so that nobody waits for them."""
    launcher = os.environ.get(LAUNCHER)
    return launcher is not None and not psutil.pid_exists(int(launcher))


def await_run(run: Run, patience: float = 600) -> Run:
    """The run, once the first process has prepared it. Unavailable after `patience` seconds."""
    card = run.folder / "card.json"
    # an earlier training has left a card too: it is older than these processes
    launched = psutil.Process().create_time() - STARTED_WITHIN
    until = time.monotonic() + patience
    while not (card.exists() and card.stat().st_mtime > launched):
        if time.monotonic() > until:
            raise Unavailable(
                say("The first training process has not prepared {folder}.", folder=run.folder),
                "See its log, and let WORKBENCH_HOME be one folder that all machines share.",
            )
        time.sleep(0.2)
    return run


def any_of(asked: bool) -> bool:
    """Whether any process asks to stop: all must take the same number of steps."""
    import torch
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return asked
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    flag = torch.tensor(int(asked), device=device)
    distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)
    return bool(flag.item())


def wait_for_all() -> None:
    """Wait until every process has come this far."""
    any_of(False)


def check_rendezvous() -> None:
    """Check that the processes can meet where the launcher says; torch itself waits for minutes.

    Raises Unavailable.
    """
    host = os.environ.get("MASTER_ADDR")
    port = os.environ.get("MASTER_PORT", "")
    if not is_worker() or not host:
        return
    family, address = resolve(host, port)
    if _opens_port(port):
        check_port(host, port, family, address)


def _opens_port(port: str) -> bool:
    """Whether this process will listen on that port; torchrun's agent may listen there already."""
    agent_listens = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    return is_first() and bool(port) and not agent_listens

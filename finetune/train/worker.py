"""The `workbench` command as one of several training processes.

What a process fails with goes to the launcher as an event, with its rank; its log lies in the run
folder, as LOG says.

It ends without waiting for the threads of torch's exchange. Gloo joins them where the last
reference to it goes, and a thread that needs the interpreter at that moment never answers: the
process then hangs, or aborts when the interpreter has ended.
"""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path
from types import TracebackType

from finetune.train.processes import LOG, is_first, log_of, rank
from workbench import cli
from workbench.messages import say

_status = 1  # what the process ends with


def main() -> None:
    """Entry point of a process that torchrun starts."""
    global _status
    atexit.register(_end)  # registered first, hence called last
    sys.excepthook = _tell
    _keep_log()
    try:
        cli.main()
    except SystemExit as end:
        _status = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise


def _keep_log() -> None:
    """Let stderr be this process's log; that of the first process stays the command's own."""
    folder = Path(os.environ.get(LOG, ""))
    if LOG not in os.environ or is_first() or not folder.is_dir():
        return
    path = log_of(folder, rank())
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The traceback into the log, and an event with the reason."""
    sys.__excepthook__(kind, error, trace)
    lines = str(error).strip().splitlines() or [kind.__name__]
    problem = say(
        "Training process {rank} failed: {kind}: {reason}",
        rank=rank(),
        kind=kind.__name__,
        reason=lines[0],
    )
    cli.print_json({"event": "failed", "problem": problem, "fix": _where_to_look()})


def _where_to_look() -> str:
    folder = os.environ.get(LOG)
    if not folder or is_first():
        return "See the log above."
    return say("See its log: {log}", log=log_of(Path(folder), rank()))


def _end() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_status)


if __name__ == "__main__":
    main()

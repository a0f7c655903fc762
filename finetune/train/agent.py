"""torchrun, and one line of JSON about the process that failed where it could not say why itself.

A process that the system has killed says nothing, and the others only miss it.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

ENDED = "worker_ended"  # the event
AT_ONCE = 2  # seconds between the end of a process and that of those that miss it


def main() -> None:
    """Run torchrun with this process's arguments; ends with its status."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    # the workers alone are asked to stop, and have as long as it takes to save
    signal.signal(signal.SIGTERM, _go_on)
    try:
        run(parse_args(["--signals-to-handle=SIGINT", *sys.argv[1:]]))
    except ChildFailedError as error:
        rank, status = first_failure(error.failures)
        event = {"event": ENDED, "rank": rank, "status": status}
        print(json.dumps(event), flush=True)
        sys.exit(1)


def _go_on(number: int, frame: Any) -> None:
    """Ignore the signal; the workers do not inherit that, as they would SIG_IGN."""


def first_failure(failures: dict[int, Any]) -> tuple[int, int]:
    """(rank, status) of the process that failed by itself.

    A process that the system kills is the reason for the errors of those that then miss it. One
    that torchrun has killed, because it did not end with the others, died later than they.
    """
    began = min(failure.timestamp for failure in failures.values())
    first = {
        rank: failure.exitcode
        for rank, failure in failures.items()
        if failure.timestamp <= began + AT_ONCE
    }
    for rank, status in first.items():
        if status < 0 and status != -signal.SIGTERM:
            return rank, status
    return next(iter(first.items()))


if __name__ == "__main__":
    main()

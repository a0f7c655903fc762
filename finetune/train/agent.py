"""torchrun, and one line of JSON about the process that failed where it could not say why itself.

A process that the system has killed says nothing, and the others only miss it.
"""

from __future__ import annotations

import json
import signal
import sys

ENDED = "worker_ended"  # the event


def main() -> None:
    """Run torchrun with this process's arguments; ends with its status."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    # the workers alone are asked to stop, and have as long as it takes to save
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        run(parse_args(["--signals-to-handle=SIGINT", *sys.argv[1:]]))
    except ChildFailedError as error:
        rank, status = first_failure({r: f.exitcode for r, f in error.failures.items()})
        event = {"event": ENDED, "rank": rank, "status": status}
        print(json.dumps(event), flush=True)
        sys.exit(1)


def first_failure(statuses: dict[int, int]) -> tuple[int, int]:
    """(rank, status) of the process that failed by itself.

    A process that was killed is the reason for the errors of those that then miss it.
    """
    for rank, status in statuses.items():
        if status < 0 and status != -signal.SIGTERM:
            return rank, status
    return next(iter(statuses.items()))


if __name__ == "__main__":
    main()

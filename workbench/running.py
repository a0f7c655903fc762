"""Whether a process that was noted by its number and its start still runs."""

from __future__ import annotations

import psutil

SAME_START = 1.0  # seconds that two readings of a process's start time may differ


def running(pid: int, created: float) -> psutil.Process | None:
    """The process of that number which began then, in seconds since 1970; None once it has ended.

    The system gives numbers of ended processes to new ones.
    """
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < SAME_START
        zombie = process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    # a zombie has ended; its parent has only not asked for its status
    return process if same and not zombie else None

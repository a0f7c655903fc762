"""Which process an answer grows in: its name, and whether it has ended.

Several servers may work on the same chats. Each knows the processes of its own machine alone; an
answer of another machine counts as lost when it has not been saved for an hour.
"""

from __future__ import annotations

import os
import socket
import time

import psutil

from workbench.running import running

LOST_AFTER = 3600.0  # seconds
PARTS = 3  # of a name: machine, number of the process, when it began


def name_of_this() -> str:
    """The name of this process, unlike that of any other one, also after a restart."""
    begun = psutil.Process().create_time()
    return f"{socket.gethostname()}/{os.getpid()}/{begun:.2f}"


def gone(other: str, saved: float, own: str) -> bool:
    """Whether the process that has that name has ended. `saved` is when its answer last was."""
    if other == own:
        return False
    parts = other.rsplit("/", PARTS - 1)
    if len(parts) != PARTS:
        return True  # of an older version, which named nothing by which it could be known
    machine, process, begun = parts
    if machine != socket.gethostname():
        return time.time() - saved > LOST_AFTER
    return running(int(process), float(begun)) is None

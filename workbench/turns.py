"""How long one thread of a server may keep the others waiting."""

from __future__ import annotations

import gc
import sys

TURN = 0.001  # seconds; Python's own turn takes five times as long


def take_short_turns() -> None:
    """Let a thread that computes give way sooner, as each answer and each page has one.

    An answer gives its turn away dozens of times before its first token, at each look at a file or
    a socket, and waits for another turn each time.
    """
    sys.setswitchinterval(TURN)


def keep_what_is_loaded() -> None:
    """Let the garbage collector pass over all that lives now, libraries and indexes.

    It looks through all objects now and then, and every thread waits: a quarter of a second here.
    """
    gc.collect()
    gc.freeze()

"""Started between us and a stranger's program: passes its lines on, and ends it where it floods.

    python relay.py LONGEST_LINE ALL -- COMMAND ARGUMENT…     (both in bytes)

The client library reads a line into memory, however long it is. Stands alone: it is started with
nothing but Python's own library.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress

FLOODED = 70  # exit status
CHUNK = 65536


def relay(longest: int, most: int, command: list[str]) -> int:
    """The program's exit status, or FLOODED where a line or all of them were too long."""
    program = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    threading.Thread(target=_pass_on_input, args=(program,), daemon=True).start()
    assert program.stdout
    passed = 0
    while line := program.stdout.readline(longest + 1):
        passed += len(line)
        if len(line) > longest or passed > most:
            program.kill()
            return FLOODED
        try:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except OSError:  # the reader has left
            break
    program.kill()
    return program.wait()


def _pass_on_input(program: subprocess.Popen[bytes]) -> None:
    assert program.stdin
    with suppress(OSError):
        while chunk := sys.stdin.buffer.readline():
            program.stdin.write(chunk)
            program.stdin.flush()
    with suppress(OSError):
        program.stdin.close()


if __name__ == "__main__":
    line, everything, _, *words = sys.argv[1:]
    sys.exit(relay(int(line), int(everything), words))

"""The `workbench` command as one of several training processes.

It ends without waiting for the threads of torch's exchange. Gloo joins them where the last
reference to it goes, and a thread that needs the interpreter at that moment never answers: the
process then hangs, or aborts when the interpreter has ended.
"""

from __future__ import annotations

import atexit
import os
import sys

from workbench import cli

_status = 1  # what the process ends with


def main() -> None:
    """Entry point of a process that torchrun starts."""
    global _status
    atexit.register(_end)  # registered first, hence called last
    try:
        cli.main()
    except SystemExit as end:
        _status = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise


def _end() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_status)


if __name__ == "__main__":
    main()

"""A training process of which one fails by itself, as FAILS_BY says: by an error, or killed."""

from __future__ import annotations

import os
import signal
import time

from finetune.train import worker


def fail() -> None:
    if os.environ["RANK"] == "0":
        time.sleep(60)  # the launcher ends it
    if os.environ["FAILS_BY"] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise RuntimeError("no room on the disk")


worker.cli.main = fail  # type: ignore[assignment]
worker.main()

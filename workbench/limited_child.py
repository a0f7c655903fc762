"""A child process with limits of time and memory, for work that may hang, swell or crash.

Parent and child exchange lines of JSON, so nothing of a hostile file is ever unpickled. The child
ends when its parent ends, when nobody has asked it for a while, and by an alarm of its own a little
after the time that a request may take.

The parent:   child = Child("rag.reader_process", MEMORY); child.ask({"path": …}, seconds=10)
The module:   if __name__ == "__main__": serve(answer)
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from workbench.messages import read_messages, with_messages

LONGEST_ANSWER = 256_000_000  # bytes of one line
IDLE = 60  # seconds without a request after which a child ends
GRACE = 2  # seconds after a request's time until the child's own alarm ends it
OUT_OF_MEMORY = {"out of memory": True}

Answer = dict[str, Any]


class ChildLost(Exception):
    """The child has crashed, or was killed by somebody else."""


class ChildTooSlow(ChildLost):
    """The child was killed because its time was over."""


class ChildTooBig(ChildLost):
    """The request needed more memory than the child may use; the child lives on."""


class ChildKilled(ChildLost):
    """`kill` was called."""


class Child:
    """The parent's side of one child process, which is running from the beginning.

    One thread at a time may `ask`; `kill` may be called from any thread at any time.
    """

    def __init__(
        self, module: str, memory: int, environment: Mapping[str, str] | None = None
    ) -> None:
        """`module` is run with `python -m`; `memory` is the bytes of data that it may hold."""
        # -P: a file of that name in the current folder is not what is meant
        command = [sys.executable, "-P", "-m", module, str(memory)]
        self._lost: type[ChildLost] = ChildLost
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **(environment or {})},
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, request: dict[str, Any], seconds: float) -> Answer:
        """The child's answer. Raises ChildLost, ChildTooSlow, ChildTooBig or ChildKilled.

        After each of them but ChildTooBig the child is gone.
        """
        timer = threading.Timer(seconds, self._end, [ChildTooSlow])
        timer.daemon = True
        timer.start()
        try:
            line = self._exchange(request | {"seconds": seconds})
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            self._end(ChildLost)
            raise self._lost
        answer: Answer = read_messages(json.loads(line))
        if answer == OUT_OF_MEMORY:
            raise ChildTooBig
        return answer

    def kill(self) -> None:
        """End the child now, whatever it does; a running `ask` raises ChildKilled."""
        self._end(ChildKilled)

    def _exchange(self, request: dict[str, Any]) -> bytes:
        """The answer's line; empty or without its end where the child is gone."""
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None and answers is not None
        try:
            requests.write(json.dumps(request).encode() + b"\n")
            requests.flush()
            return answers.readline(LONGEST_ANSWER)
        except (OSError, ValueError):  # the pipe is broken, or closed
            return b""

    def _end(self, reason: type[ChildLost]) -> None:
        if self._lost is ChildLost:  # the first reason counts
            self._lost = reason
        self._process.kill()
        self._process.wait()


def serve(answer: Callable[[dict[str, Any]], Answer]) -> None:
    """The child: answer a request a line until the parent or its patience ends.

    What `answer` raises ends the child, but for MemoryError. Does not return.
    """
    # answers go to a copy of stdout; stdout itself goes nowhere, so no library can print into them
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    limit_memory(int(sys.argv[1]))
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    while True:
        try:
            request = requests.get(timeout=IDLE)
        except queue.Empty:
            os._exit(0)
        _ring_after(request.pop("seconds") + GRACE)
        answers.write(_line(answer, request))
        answers.flush()
        _ring_after(0)


def _listen(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Read the parent's requests. Their end means that the parent has ended or given up."""
    for line in sys.stdin.buffer:
        requests.put(json.loads(line))
    os._exit(0)


def _line(answer: Callable[[dict[str, Any]], Answer], request: dict[str, Any]) -> bytes:
    try:
        data = with_messages(answer(request))
        return json.dumps(data, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    except MemoryError:
        return json.dumps(OUT_OF_MEMORY).encode() + b"\n"


def _ring_after(seconds: float) -> None:
    """End this process after so many seconds, 0 for never.

    The system does it, so it also ends a library that never lets Python's threads run.
    """
    if hasattr(signal, "setitimer"):  # Windows has none
        signal.setitimer(signal.ITIMER_REAL, seconds)


def limit_memory(size: int) -> None:
    """Let this process hold `size` bytes of data, where the system can limit it (Linux)."""
    try:
        import resource

        # address space would count what libraries reserve and never use
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    except (ImportError, ValueError, OSError):  # Windows has no such limit
        pass

"""A limited child: it answers, and it ends by time, by memory, by kill and with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from workbench.limited_child import Child, ChildKilled, ChildLost, ChildTooBig, ChildTooSlow, serve
from workbench.messages import Message, say

MEMORY = 200_000_000  # bytes
HERE = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
PARENT = """
import os, test_limited_child as test
child = test.Child("test_limited_child", test.MEMORY)
print(child.pid, flush=True)
child.ask({"do": os.environ["DO"]}, seconds=60)
"""


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What this module does as a child."""
    if request["do"] == "swell":
        return {"size": len(b"x" * 10 * MEMORY)}
    if request["do"] == "hang":
        time.sleep(600)
    if request["do"] == "block":  # a library that never lets another thread run
        return {"size": sum(range(10**12))}
    if request["do"] == "print":
        print("noise")
    return {"echo": request["text"], "said": say("Hello {name}.", name=request["text"])}


@pytest.fixture
def child() -> Iterator[Child]:
    found = Child("test_limited_child", MEMORY, HERE)
    yield found
    found.kill()


def test_a_child_answers_also_after_a_request_that_was_too_big(child: Child) -> None:
    with pytest.raises(ChildTooBig):
        child.ask({"do": "swell"}, seconds=20)
    got = child.ask({"do": "print", "text": "价格 ?\n"}, seconds=20)
    assert got["echo"] == "价格 ?\n"
    assert child.alive


def test_messages_arrive_with_their_template(child: Child) -> None:
    said = child.ask({"do": "say", "text": "Ann"}, seconds=20)["said"]
    assert isinstance(said, Message) and said.template == "Hello {name}."


@pytest.mark.parametrize("what", ["hang", "block"])
def test_a_request_over_its_time_ends_the_child(child: Child, what: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ChildTooSlow):
        child.ask({"do": what}, seconds=0.6)
    assert time.monotonic() - begun < 1.6 and not child.alive
    with pytest.raises(ChildLost):
        child.ask({"do": "say", "text": ""}, seconds=5)


def test_a_kill_from_another_thread_and_one_from_outside_are_told_apart(child: Child) -> None:
    threading.Timer(0.3, child.kill).start()
    with pytest.raises(ChildKilled):
        child.ask({"do": "hang"}, seconds=60)
    other = Child("test_limited_child", MEMORY, HERE)
    threading.Timer(0.3, os.kill, [other.pid, signal.SIGKILL]).start()
    with pytest.raises(ChildLost) as lost:
        other.ask({"do": "hang"}, seconds=60)
    assert lost.type is ChildLost


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_child_ends_with_its_parent(end: signal.Signals) -> None:
    environment = {**os.environ, **HERE, "DO": "hang"}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env=environment
    )
    assert parent.stdout
    orphan = psutil.Process(int(parent.stdout.readline()))
    parent.send_signal(end)
    parent.wait()
    psutil.wait_procs([orphan], timeout=2)
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE


if __name__ == "__main__":
    serve(answer)

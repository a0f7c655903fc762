"""One file -> its blocks, in a child process: a file that hangs or crashes it stops nothing else.

The child is reused for file after file. Both sides exchange lines of JSON, so nothing of a hostile
file is ever unpickled.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rag.passages import Block, Locator
from workbench.errors import InvalidInput, Stopped, WorkbenchError
from workbench.messages import read_messages, say, with_messages
from workbench.settings import Settings

MEMORY = 900_000_000  # bytes of address space that one child may use

Result = list[Block] | WorkbenchError


class Reader:
    """The parent's side of one child. The child starts on first use and again after its loss."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def read(self, path: Path, settings: Settings, password: str | None) -> Result:
        """The file's blocks, or the error that a person is shown."""
        error = refusal(path, settings)
        if error:
            return error
        process = self._running()
        begun = time.monotonic()
        answer = _ask(process, path, password, settings.file_seconds)
        if answer:
            return _result(read_messages(json.loads(answer)))
        process.kill()
        process.wait()
        if time.monotonic() - begun >= settings.file_seconds:
            return Stopped(
                say("Reading took longer than {seconds:g} s.", seconds=settings.file_seconds),
                "Split the file, or raise WORKBENCH_FILE_SECONDS.",
            )
        return InvalidInput(
            "The file crashed its reader: it is damaged, or needs more memory than one file "
            "may use.",
            "Open it in its own program and save it again, or split it.",
        )

    def close(self) -> None:
        """End the child."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = _start()
        return self._process


def _ask(process: subprocess.Popen[str], path: Path, password: str | None, seconds: float) -> str:
    """The child's line of JSON; empty where it crashed, or was killed after `seconds`."""
    assert process.stdin is not None and process.stdout is not None
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        process.stdin.write(json.dumps({"path": str(path), "password": password}) + "\n")
        process.stdin.flush()
        return process.stdout.readline()
    except (BrokenPipeError, ValueError):
        return ""
    finally:
        timer.cancel()


def refusal(path: Path, settings: Settings) -> WorkbenchError | None:
    """The error that can be found without opening the file."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return InvalidInput("The file does not exist.", "Check its name, or leave it out.")
    except OSError as error:
        return InvalidInput(
            say("The file cannot be opened: {reason}", reason=error.strerror),
            "Check who may read it.",
        )
    if size > settings.file_megabytes * 1_000_000:
        return InvalidInput(
            say(
                "The file has {size:,.0f} MB; the limit is {limit:,.0f} MB.",
                size=size / 1_000_000,
                limit=settings.file_megabytes,
            ),
            "Split it, or raise WORKBENCH_FILE_MEGABYTES.",
        )
    if not os.access(path, os.R_OK):
        return InvalidInput("The file may not be read by this user.", "Change its permissions.")
    return None


def _start() -> subprocess.Popen[str]:
    # one thread for OCR: several children run at a time
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "OMP_THREAD_LIMIT": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "rag.reader_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env=environment,
    )


def _result(answer: dict[str, Any]) -> Result:
    if "problem" in answer:
        return InvalidInput(answer["problem"], answer["fix"])
    return [Block(text, Locator.from_dict(place)) for text, place in answer["blocks"]]


def _serve() -> None:
    """The child: a request a line in, an answer a line out."""
    # answers go to a copy of stdout; stdout itself goes nowhere, so no library can print into them
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _limit_memory()
    for line in sys.stdin:
        request = json.loads(line)
        answer = with_messages(_answer(Path(request["path"]), request["password"]))
        answers.write(json.dumps(answer, ensure_ascii=False) + "\n")
        answers.flush()


def _limit_memory() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):  # Windows and macOS have no such limit
        pass


def _answer(path: Path, password: str | None) -> dict[str, Any]:
    try:
        return {"blocks": _blocks(path, password)}
    except Exception as error:  # noqa: BLE001 – the border of a child whose parsers meet hostile files
        known = _explain(error)
        return {"problem": known.problem, "fix": known.fix}


def _blocks(path: Path, password: str | None) -> list[tuple[str, dict[str, Any]]]:
    """(text, locator) of each block that has text."""
    from rag.loaders import load

    blocks: list[tuple[str, dict[str, Any]]] = []
    for block in load(path, password):
        if block.text.strip():
            blocks.append((_clean(block.text), asdict(block.locator)))
    return blocks


def _explain(error: Exception) -> WorkbenchError:
    if isinstance(error, WorkbenchError):
        return error
    if isinstance(error, MemoryError):
        return InvalidInput(
            "The file needs more memory than one file may use.", "Split it into smaller files."
        )
    return InvalidInput(
        say("The file is damaged: {kind}: {error}", kind=type(error).__name__, error=error),
        "Open it in its own program and save it again.",
    )


def _clean(text: str) -> str:
    """Without the characters that JSON and SQLite refuse: lone surrogates and NUL."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


if __name__ == "__main__":
    _serve()

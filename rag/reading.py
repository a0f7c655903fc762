"""Files -> blocks, each read in a child process: one that hangs, crashes or eats memory never stops the rest.

The children are started once and reused. They talk in lines of JSON, so nothing of a hostile file is unpickled.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rag.passages import Block, Locator
from workbench.errors import InvalidInput, Stopped, WorkbenchError
from workbench.messages import say
from workbench.settings import Settings

MEMORY = 900_000_000  # bytes of address space that one child may use
AHEAD = 8  # files read ahead of the one that is asked for

Result = list[Block] | WorkbenchError


def read_file(path: Path, settings: Settings, password: str | None = None) -> list[Block]:
    """The file's blocks in reading order; empty where it holds no text. Raises InvalidInput or Stopped, with the fix."""
    _, result = next(
        iter(read_files([path], settings, {path: password} if password else {}, workers=1))
    )
    if isinstance(result, WorkbenchError):
        raise result
    return result


def read_files(
    paths: Iterable[Path],
    settings: Settings,
    passwords: Mapping[Path, str] | None = None,
    workers: int | None = None,
) -> Iterator[tuple[Path, Result]]:
    """Read files in parallel; yields each with its blocks, or with the error it met, in the order given."""
    workers = workers or max(1, min(4, (os.cpu_count() or 2)))
    idle: queue.SimpleQueue[Reader] = queue.SimpleQueue()
    readers = [Reader() for _ in range(workers)]
    for reader in readers:
        idle.put(reader)

    def read(path: Path) -> Result:
        reader = idle.get()
        try:
            return reader.read(path, settings, (passwords or {}).get(path))
        finally:
            idle.put(reader)

    pool = ThreadPoolExecutor(workers, thread_name_prefix="reading")
    waiting: queue.SimpleQueue[tuple[Path, Future[Result]]] = queue.SimpleQueue()
    try:
        for path in paths:
            waiting.put((path, pool.submit(read, path)))
            if waiting.qsize() > AHEAD + workers:
                done, result = waiting.get()
                yield done, result.result()
        while not waiting.empty():
            done, result = waiting.get()
            yield done, result.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for reader in readers:
            reader.close()


class Reader:
    """One child process, started on first use and started again after it was lost."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def read(self, path: Path, settings: Settings, password: str | None) -> Result:
        """The file's blocks, or what is wrong with it."""
        if error := _unreadable(path, settings):
            return error
        process = self._process = (
            self._process if self._process and self._process.poll() is None else _start()
        )
        assert process.stdin is not None
        timer = threading.Timer(settings.file_seconds, process.kill)
        begun = time.monotonic()
        timer.start()
        try:
            process.stdin.write(json.dumps({"path": str(path), "password": password}) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline() if process.stdout else ""
        except (BrokenPipeError, ValueError):
            answer = ""
        finally:
            timer.cancel()
        if answer:
            return _result(json.loads(answer))
        process.kill()
        process.wait()
        if time.monotonic() - begun >= settings.file_seconds:
            return Stopped(
                say(
                    "Reading took longer than {file_seconds:g} s.",
                    file_seconds=settings.file_seconds,
                ),
                "Split the file, or raise WORKBENCH_FILE_SECONDS.",
            )
        return InvalidInput(
            "The file crashed its reader: it is damaged, or needs more memory than one file may use.",
            "Open it in its own program and save it again, or split it.",
        )

    def close(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()


def _unreadable(path: Path, settings: Settings) -> WorkbenchError | None:
    """What can be said without opening the file."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return InvalidInput("The file is not there.", "Check its name, or leave it out.")
    except OSError as error:
        return InvalidInput(
            say("The file cannot be opened: {strerror}", strerror=error.strerror),
            "Check who may read it.",
        )
    if size > settings.file_megabytes * 1_000_000:
        return InvalidInput(
            say(
                "The file has {size:,.0f} MB; the limit is {file_megabytes:,.0f} MB.",
                size=size / 1000000,
                file_megabytes=settings.file_megabytes,
            ),
            "Split it, or raise WORKBENCH_FILE_MEGABYTES.",
        )
    if not os.access(path, os.R_OK):
        return InvalidInput("The file may not be read by this user.", "Change its permissions.")
    return None


def _start() -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "OMP_THREAD_LIMIT": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "rag.reading"],
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
    return [
        Block(text, Locator(place["page"], place["sheet"], tuple(place["heading"]), place["line"]))
        for text, place in answer["blocks"]
    ]


def _serve() -> None:
    """The child: a request a line in, an answer a line out, on a pipe that no library can print into."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):  # Windows and macOS have no such limit
        pass
    for line in sys.stdin:
        request = json.loads(line)
        out.write(
            json.dumps(_answer(Path(request["path"]), request["password"]), ensure_ascii=False)
            + "\n"
        )
        out.flush()


def _answer(path: Path, password: str | None) -> dict[str, Any]:
    from rag.loaders import load

    try:
        blocks = [block for block in load(path, password) if block.text.strip()]
    except WorkbenchError as error:
        return {"problem": error.problem, "fix": error.fix}
    except MemoryError:
        return {
            "problem": "The file needs more memory than one file may use.",
            "fix": "Split it into smaller files.",
        }
    except Exception as error:  # noqa: BLE001 – the border of a child whose parsers meet hostile files
        name = type(error).__name__
        return {
            "problem": f"The file is damaged ({name}: {error})",
            "fix": "Open it in its own program and save it again.",
        }
    return {"blocks": [(_clean(block.text), asdict(block.locator)) for block in blocks]}


def _clean(text: str) -> str:
    """Without what JSON and SQLite cannot hold: lone surrogates and NUL."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


if __name__ == "__main__":
    _serve()

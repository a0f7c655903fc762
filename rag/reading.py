"""Files -> blocks, read in parallel by child processes, each with its error where it has one."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from rag.passages import Block
from rag.reader_process import Reader, Result
from workbench.errors import WorkbenchError
from workbench.settings import Settings

__all__ = ["Result", "read_file", "read_files"]

AHEAD = 8  # files read ahead of the one that is asked for
MOST_WORKERS = 4  # the embedder needs the other processors


def read_file(path: Path, settings: Settings, password: str | None = None) -> list[Block]:
    """The file's blocks in reading order; empty where it has no text.

    Raises InvalidInput, Stopped.
    """
    passwords = {path: password} if password else {}
    [(_, result)] = read_files([path], settings, passwords, workers=1)
    if isinstance(result, WorkbenchError):
        raise result
    return result


def read_files(
    paths: Iterable[Path],
    settings: Settings,
    passwords: Mapping[Path, str] | None = None,
    workers: int | None = None,
) -> Iterator[tuple[Path, Result]]:
    """Read files in parallel; yields each with its blocks or its error, in the given order."""
    workers = workers or max(1, min(MOST_WORKERS, os.cpu_count() or 2))
    readers = [Reader() for _ in range(workers)]
    idle: queue.SimpleQueue[Reader] = queue.SimpleQueue()
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
                oldest, result = waiting.get()
                yield oldest, result.result()
        while not waiting.empty():
            oldest, result = waiting.get()
            yield oldest, result.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for reader in readers:
            reader.close()

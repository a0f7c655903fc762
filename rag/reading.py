"""Files -> blocks, read in parallel by child processes, each with its error where it has one."""

from __future__ import annotations

import os
import queue
from collections.abc import Generator, Iterable, Iterator, Mapping
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
) -> Generator[tuple[Path, Result], None, None]:
    """Read files in parallel; yields each with its blocks or its error, in the given order."""
    readers = Readers(workers or max(1, min(MOST_WORKERS, os.cpu_count() or 2)))
    try:
        yield from readers.read(paths, settings, passwords or {})
    finally:
        readers.close()


class Readers:
    """Children that read files in parallel, for as long as they are not closed."""

    def __init__(self, count: int) -> None:
        self._readers = [Reader() for _ in range(count)]
        self._idle: queue.SimpleQueue[Reader] = queue.SimpleQueue()
        for reader in self._readers:
            self._idle.put(reader)
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="reading")

    def read(
        self, paths: Iterable[Path], settings: Settings, passwords: Mapping[Path, str]
    ) -> Iterator[tuple[Path, Result]]:
        """Each with its blocks or its error, in the given order; a few are read ahead."""
        waiting: queue.SimpleQueue[tuple[Path, Future[Result]]] = queue.SimpleQueue()
        for path in paths:
            waiting.put((path, self._pool.submit(self._read, path, settings, passwords)))
            if waiting.qsize() > AHEAD + len(self._readers):
                oldest, result = waiting.get()
                yield oldest, result.result()
        while not waiting.empty():
            oldest, result = waiting.get()
            yield oldest, result.result()

    def close(self) -> None:
        """End the children."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for reader in self._readers:
            reader.close()

    def _read(self, path: Path, settings: Settings, passwords: Mapping[Path, str]) -> Result:
        reader = self._idle.get()
        try:
            return reader.read(path, settings, passwords.get(path))
        finally:
            self._idle.put(reader)

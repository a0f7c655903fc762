"""Files, folders and JSON lines -> the files of a corpus, and the text of each as a stream."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from finetune.data.dataset import Problem
from finetune.data.files import GZIP, likely_encodings
from workbench.errors import InvalidInput, NotFound, WorkbenchError
from workbench.folders import regular_files
from workbench.messages import Message, say

TEXTS = (".txt", ".text", ".md", ".rst", ".log")
LINES = (".jsonl", ".ndjson")
LOOKED_AT = 1 << 18  # bytes at the beginning of a file that tell its encoding
KNOWN = ", ".join((*TEXTS, *LINES))


def files_of(path: Path, left_out: list[str] | None = None) -> list[Path]:
    """The file itself, or the text and JSON-lines files in a folder, by their paths.

    `left_out` gets a sentence for each text in the folder that is no regular file of it.
    Raises NotFound, or InvalidInput for a folder without such a file.
    """

    def tell(entry: Path, what: Message) -> None:
        if left_out is not None and _is_corpus(entry):
            left_out.append(say("{name} is left out: {what}.", name=entry, what=what))

    if path.is_file():
        return [path]
    if not path.is_dir():
        raise NotFound(
            say("There is no file or folder {path}.", path=path),
            say("Name a text file, a JSON-lines file, or a folder of these."),
        )
    found = sorted(one for one in regular_files(path, tell) if _is_corpus(one))
    if not found:
        raise InvalidInput(
            say("{path} holds no text.", path=path),
            say("Put files into it whose names end in {kinds}, also gzipped.", kinds=KNOWN),
        )
    return found


def kind_of(path: Path) -> str:
    """How its name ends, in small letters and without .gz."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _is_corpus(path: Path) -> bool:
    return kind_of(path) in (*TEXTS, *LINES)


def holds_lines(path: Path) -> bool:
    """Whether it is JSON lines, by its name; any other file is plain text."""
    return kind_of(path) in LINES


def check_files(
    paths: Sequence[Path], left_out: list[str] | None = None
) -> tuple[list[Path], list[Problem]]:
    """All files of the corpus, and a problem for each that is missing, empty or no text.

    `left_out` gets a sentence for each text in a folder that is no regular file of it.
    """
    found = []
    problems = []
    for path in paths:
        try:
            files = files_of(path, left_out)
        except WorkbenchError as error:
            problems.append(Problem(str(path), 0, error.problem, error.fix))
            continue
        for file in files:
            try:
                with opened(file):
                    found.append(file)
            except WorkbenchError as error:
                problems.append(Problem(str(file), 0, error.problem, error.fix))
    return found, problems


@contextmanager
def opened(path: Path) -> Iterator[IO[str]]:
    """The file's text as a stream, unzipped and decoded. Raises InvalidInput for what is no text.

    Bytes that do not decode further on raise it while the stream is read.
    """
    with path.open("rb") as raw:
        zipped = raw.read(len(GZIP)) == GZIP
        raw.seek(0)
        file: Any = gzip.open(raw) if zipped else raw  # noqa: SIM115 - `raw` is closed
        try:
            start = file.read(LOOKED_AT)
            file.seek(0)
            if not start.strip():
                raise InvalidInput(
                    say("{path} is empty.", path=path), "Name another file, or fill this one."
                )
            encoding = _encoding_of(start, path)
            yield io.TextIOWrapper(file, encoding)
        except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
            raise InvalidInput(
                say("{path} cannot be read to its end: {error}", path=path, error=error),
                "Copy it again, or save it as UTF-8.",
            ) from error


def _encoding_of(start: bytes, path: Path) -> str:
    """The encoding by the file's beginning, whose last character may be cut."""
    for encoding in likely_encodings(start):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(start)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return encoding
    raise InvalidInput(
        say("{path} is no text: it may be binary, or in an unknown encoding.", path=path),
        say("Save it as UTF-8, or leave it out of the corpus."),
    )

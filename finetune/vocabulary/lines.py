"""Files and folders of a corpus -> its lines, those to learn from and those held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.corpus.files import files_of
from finetune.corpus.pieces import read_pieces
from workbench.errors import InvalidInput
from workbench.files import sha256_of
from workbench.messages import say

COLUMN = "text"  # of JSON lines


@dataclass(frozen=True)
class Corpus:
    """`held_out` is only measured."""

    files: list[Path]
    learned: list[str]
    held_out: list[str]

    @property
    def lines(self) -> list[str]:
        return [*self.learned, *self.held_out]


def read_corpus(paths: Sequence[Path], share: float, measured: Sequence[Path] = ()) -> Corpus:
    """The last `share` of the lines is held out, or the files `measured` are.

    Raises NotFound, or InvalidInput for what is no text, or has too little of it.
    """
    files = _files(paths)
    lines = _lines(files)
    if measured:
        others = _files(measured)
        return Corpus([*files, *others], lines, _lines(others))
    first_held_out = len(lines) - max(1, round(len(lines) * share))
    if first_held_out < 1:
        raise InvalidInput(
            "The corpus has one line only, so nothing of it can be held out.",
            "Break its lines at paragraphs, or name a file to measure on: --eval FILE",
        )
    return Corpus(files, lines[:first_held_out], lines[first_held_out:])


def _files(paths: Sequence[Path]) -> list[Path]:
    found = [file for path in paths for file in files_of(path)]
    return list(dict.fromkeys(found))


def _lines(files: Sequence[Path]) -> list[str]:
    """Every line that is not blank, without its end."""
    found: list[str] = []
    for piece in read_pieces(files, "line", COLUMN, lambda before, after: True):
        found += [line.removesuffix("\r") for line in piece.text.split("\n") if line.strip()]
    if not found:
        names = ", ".join(file.name for file in files)
        raise InvalidInput(
            say("{names} holds no line of text.", names=names), "Name a file with text."
        )
    return found


def fingerprints(files: Sequence[Path]) -> list[dict[str, str]]:
    """Name and sha256 of each file."""
    return [{"file": file.name, "sha256": sha256_of(file)} for file in files]

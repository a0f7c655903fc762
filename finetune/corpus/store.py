"""A corpus and a tokenizer -> its tokens on disk, made once; read without being loaded."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.corpus.files import holds_lines
from finetune.corpus.pieces import Documents, read_pieces
from finetune.corpus.tokenizing import Encoder, Spelling, tokenize
from workbench.errors import InvalidInput, Stopped
from workbench.files import made_once, read_json, sha256_of, write_json
from workbench.progress import Pace

if TYPE_CHECKING:
    import numpy as np

TOKENIZING = "Tokenizing the corpus"
FORM = 1  # of the cache; with another one every corpus is made again

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Corpus:
    """What text is read, and how it falls into documents."""

    files: Sequence[Path]
    documents: Documents = "file"
    column: str = "text"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files)

    @cached_property
    def sha256(self) -> str:
        """Of the documents: of the files' content, and of the settings that part it."""
        digest = hashlib.sha256(repr((self.documents, self.column)).encode())
        for path in self.files:
            digest.update(f"{holds_lines(path)} ".encode())
            digest.update(sha256_of(path).encode())
        return digest.hexdigest()

    def key(self, spelling: Spelling) -> str:
        """The name of its tokens: by the documents, and by what makes tokens of them."""
        digest = hashlib.sha256(repr((FORM, self.sha256, spelling.end, spelling.dtype)).encode())
        digest.update(spelling.tokenizer.encode())
        return digest.hexdigest()[:32]


@dataclass(frozen=True)
class Counts:
    """What the tokens of a corpus were made of. Every document ends with one more token."""

    documents: int
    characters: int
    bytes: int
    tokens: int


class TokenFile:
    """The tokens of a corpus in its folder, mapped and not loaded."""

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self.folder = folder
        card = read_json(folder / "card.json")
        self.counts = Counts(**card["counts"])
        self.ids: np.ndarray = np.memmap(folder / "tokens.bin", card["dtype"], "r")
        self.ends: np.ndarray = np.memmap(folder / "ends.bin", "int64", "r")


def tokens_of(
    corpus: Corpus,
    spelling: Spelling,
    cache: Path,
    report: Report,
    stopped: Callable[[], bool],
) -> TokenFile:
    """The tokens of the corpus, from the folder `cache` where they have been made before.

    They are made whole or not at all, and by one process. Raises InvalidInput
    for text that cannot be read and for none, Stopped where a person asks for it.
    """

    def make(folder: Path) -> None:
        _write(corpus, spelling, folder, report, stopped)

    return TokenFile(made_once(cache / corpus.key(spelling), make))


def _write(
    corpus: Corpus,
    spelling: Spelling,
    folder: Path,
    report: Report,
    stopped: Callable[[], bool],
) -> None:
    encoder = Encoder(spelling)
    pieces = read_pieces(corpus.files, corpus.documents, corpus.column, encoder.can_cut)
    progress = _Progress(report, corpus.size)
    documents = characters = size = tokens = 0
    with (folder / "tokens.bin").open("wb") as ids, (folder / "ends.bin").open("wb") as ends:
        for batch in tokenize(pieces, encoder):
            if stopped():
                raise Stopped(
                    "Cancelled while the corpus was tokenized.", "The same command begins again."
                )
            ids.write(batch.ids.tobytes())
            ends.write((batch.ends + tokens).tobytes())
            documents += len(batch.ends)
            characters += batch.characters
            size += batch.size
            tokens += len(batch.ids)
            progress.show(size)
    if not documents:
        raise InvalidInput(
            "The corpus holds no text.", "Name other files under data.train, or fill these."
        )
    counts = Counts(documents, characters, size, tokens)
    write_json(folder / "card.json", {"dtype": spelling.dtype, "counts": asdict(counts)})


class _Progress:
    """A line of progress now and then."""

    def __init__(self, report: Report, of: int) -> None:
        self.report = report
        self.of = of
        self.began = time.monotonic()
        self.pace = Pace()

    def show(self, done: int) -> None:
        if not self.pace.is_due(last=done >= self.of):
            return
        self.report(
            {
                "event": "tokenizing",
                "stage": TOKENIZING,
                "done": min(done, self.of),
                "of": self.of,
                "seconds": round(time.monotonic() - self.began, 1),
            }
        )

"""A zip -> the blocks of the documents in it, each under its name in the archive.

Size, depth and number are bounded.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from rag.loaders.secret import ENTER_PASSWORD
from rag.passages import Block
from workbench.errors import InvalidInput, WorkbenchError
from workbench.messages import say

MOST_BYTES = 200_000_000  # unpacked: a small archive may unpack to any size
MOST_FILES = 2_000


def load(path: Path, password: str | None) -> Iterator[Block]:
    """The blocks of every member that can be read; the others are skipped."""
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise InvalidInput(
            say("The archive is damaged: {error}", error=error), "Make it again."
        ) from error
    with archive, tempfile.TemporaryDirectory() as folder:
        members = [member for member in archive.infolist() if not member.is_dir()]
        _check_bounds(members)
        for number, member in enumerate(members):
            # the member's own name never becomes a path on this machine
            target = Path(folder) / f"{number}{PurePosixPath(member.filename).suffix}"
            try:
                yield from _member(archive, member, target, password)
            except RuntimeError as error:
                problem = "The password is wrong." if password else "The archive is encrypted."
                raise InvalidInput(problem, ENTER_PASSWORD) from error
            except (WorkbenchError, zipfile.BadZipFile):
                continue  # one bad member does not lose the others
            finally:
                target.unlink(missing_ok=True)


def _check_bounds(members: Sequence[zipfile.ZipInfo]) -> None:
    unpacked = sum(member.file_size for member in members)
    if len(members) <= MOST_FILES and unpacked <= MOST_BYTES:
        return
    raise InvalidInput(
        say(
            "The archive has more than {files} files or {megabytes} MB.",
            files=MOST_FILES,
            megabytes=MOST_BYTES // 1_000_000,
        ),
        "Unpack it and add the folder.",
    )


def _member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, password: str | None
) -> Iterator[Block]:
    from rag.loaders import detect
    from rag.loaders import load as load_file

    target.write_bytes(archive.read(member, pwd=password.encode() if password else None))
    if detect(target) == "zip":
        return  # an archive inside an archive stays closed
    for block in load_file(target, password):
        heading = (member.filename, *block.locator.heading)
        yield Block(block.text, replace(block.locator, heading=heading))

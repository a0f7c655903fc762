"""A zip -> the blocks of the documents in it; their names head the path. Its size, depth and number are bounded."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from rag.passages import Block
from workbench.errors import InvalidInput, WorkbenchError
from workbench.messages import say

MOST_BYTES = 200_000_000
MOST_FILES = 2_000


def load(path: Path, password: str | None) -> Iterator[Block]:
    from rag.loaders import detect
    from rag.loaders import load as load_file

    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise InvalidInput(
            say("The archive is damaged: {error}", error=error), "Make it again."
        ) from error
    with archive, tempfile.TemporaryDirectory() as folder:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) > MOST_FILES or sum(member.file_size for member in members) > MOST_BYTES:
            raise InvalidInput(
                say(
                    "The archive holds more than {most_files} files or {most_bytes} MB.",
                    most_files=MOST_FILES,
                    most_bytes=MOST_BYTES // 1000000,
                ),
                "Unpack it and add the folder.",
            )
        for number, member in enumerate(members):
            # the member's own name is never a path on this machine
            target = Path(folder) / f"{number}{PurePosixPath(member.filename).suffix}"
            try:
                target.write_bytes(
                    archive.read(member, pwd=password.encode() if password else None)
                )
                if detect(target) == "zip":
                    continue  # an archive inside an archive is not opened
                for block in load_file(target, password):
                    yield Block(
                        block.text,
                        replace(block.locator, heading=(member.filename, *block.locator.heading)),
                    )
            except RuntimeError as error:
                raise InvalidInput(
                    "The archive is encrypted.", "Give its password, or unpack it first."
                ) from error
            except (WorkbenchError, zipfile.BadZipFile):
                continue  # one bad member does not lose the others
            finally:
                target.unlink(missing_ok=True)

"""An exception of any library -> Unwritable, where a full disk or a forbidden folder is behind it.

Native libraries say it in words of their own, so the text is read where they give no number.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import Unwritable, WorkbenchError
from workbench.messages import say

# full, too large for the limit of the account, or not allowed
OUT_OF_REACH = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS)
# as Rust's libraries end their texts
NUMBER = re.compile(r"os error (\d+)\b")
SHORT = re.compile(r"\d+ requested and \d+ written")  # numpy, without a number
WORDS = {os.strerror(number): number for number in OUT_OF_REACH}
FULL = 1_000_000  # bytes free: with less even a small file may fail


def disk_error(error: BaseException, place: Path | str) -> Unwritable | None:
    """The error as a person may read it; None where it has another reason.

    `place` is the path that was written, or words for it.
    """
    number = _number(error)
    if number not in OUT_OF_REACH and _is_full(error, place):
        number = errno.ENOSPC
    if number not in OUT_OF_REACH:
        return None
    named = error.filename if isinstance(error, OSError) else None
    return Unwritable(
        say("{problem}: {place}", problem=os.strerror(number), place=named or place),
        "Free space, or set WORKBENCH_HOME to a folder with room; "
        "what was finished before is kept.",
    )


@contextmanager
def maps_disk_errors(place: Path | str) -> Iterator[None]:
    """Errors of a full disk or a forbidden folder inside become Unwritable; others pass."""
    try:
        yield
    except WorkbenchError:
        raise
    except Exception as error:
        unwritable = disk_error(error, place)
        if unwritable is None:
            raise
        raise unwritable from error


def _number(error: BaseException) -> int:
    """The system's number of what went wrong; 0 where the error has none."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    text = str(error)
    if SHORT.search(text):
        return errno.ENOSPC
    if found := NUMBER.search(text):
        return int(found[1])
    return next((number for words, number in WORDS.items() if words in text), 0)


def _is_full(error: BaseException, place: Path | str) -> bool:
    """Whether a native library failed, without a reason, where the disk has no room."""
    if not isinstance(error, RuntimeError) or not isinstance(place, Path):
        return False
    folder = place
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free < FULL

"""Packed data (gzip, a workbook, Parquet) -> how large it is unpacked, refused beyond a limit.

A file of a few kilobytes may unpack to any size, and rows are held in memory.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput
from workbench.messages import say

MOST = 1_000_000_000  # bytes
BATCH = 100  # rows


def gunzipped(data: bytes, path: Path) -> bytes:
    """The content of a gzip file. Raises InvalidInput."""
    try:
        with gzip.open(io.BytesIO(data)) as file:
            unpacked = file.read(MOST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(
            say("{path} is a damaged gzip file: {error}", path=path, error=error),
            "Copy or download it again.",
        ) from error
    check_size(len(unpacked), path)
    return unpacked


def check_archive(data: bytes, path: Path) -> None:
    """Raises InvalidInput for a zip file of too much content, BadZipFile for none."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        # a part is never read beyond the size that it has here
        check_size(sum(part.file_size for part in archive.infolist()), path)


def batches_of(parquet: Any, path: Path) -> Iterator[Any]:
    """The record batches of a ParquetFile, few rows at a time. Raises InvalidInput."""
    import pyarrow

    groups = [parquet.metadata.row_group(number) for number in range(parquet.num_row_groups)]
    check_size(sum(group.total_byte_size for group in groups), path)
    unpacked = 0
    for batch in parquet.iter_batches(BATCH):
        # one text may be that of a million rows
        columns = [
            column.dictionary_decode() if isinstance(column, pyarrow.DictionaryArray) else column
            for column in batch.columns
        ]
        unpacked += sum(column.nbytes for column in columns)
        check_size(unpacked, path)
        yield batch


def check_size(size: int, path: Path) -> None:
    """Raises InvalidInput where the content of that file is too large."""
    if size > MOST:
        raise InvalidInput(
            say("{path} unpacks to more than {limit:,.0f} MB.", path=path, limit=MOST / 1_000_000),
            "Split it into several files, and name them all.",
        )

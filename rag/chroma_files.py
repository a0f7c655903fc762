"""The files of Chroma's embedded index -> Damaged, where reading them would end the process.

hnswlib follows the numbers in its files without a look at them: garbage there is a segmentation
fault, or an answer that is wrong without a word. So they are read here first. The layout is that of
hnswlib's `saveIndex`, as Chroma's build writes it.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from workbench.errors import Damaged
from workbench.messages import say

# version, offset of level 0, room, elements, bytes of an element, offset of its label and of its
# vector, top level, element to begin with, links of an element above and on level 0, M, mult, ef
HEADER = struct.Struct("<i6Qii3QdQ")
FILES = ("header.bin", "data_level0.bin", "length.bin", "link_lists.bin", "index_metadata.pickle")
LINK = 4  # bytes of a number of an element
LABEL = 8  # bytes
PART = 4096  # elements looked at together

_checked: dict[Path, tuple[tuple[int, int], ...]] = {}  # folder -> sizes and times of its files


def check_files(folder: Path) -> None:
    """Raises Damaged where a segment below the folder of Chroma is not whole."""
    for header in folder.glob("*/*.bin"):
        segment = header.parent
        state = tuple(_state(segment / name) for name in FILES)
        if _checked.get(segment) == state:
            continue
        problem = _problem(segment)
        if problem:
            raise Damaged(say("{path} is damaged: {error}", path=segment, error=problem))
        _checked[segment] = state


def _state(path: Path) -> tuple[int, int]:
    if not path.exists():
        return (0, 0)
    status = path.stat()
    return (status.st_size, status.st_mtime_ns)


def _problem(segment: Path) -> str:
    """What is wrong with the segment; empty where it can be read."""
    header_file, level_file, *_, labels_file = (segment / name for name in FILES)
    missing = [name for name in FILES[:-1] if not (segment / name).exists()]
    if missing:
        return f"{missing[0]} is missing"
    if header_file.stat().st_size != HEADER.size:
        return "the header has another size"
    fields = HEADER.unpack(header_file.read_bytes())
    _, offset, room, count, step, label_at, vector_at, level, entry, above, links, *_ = fields
    whole = (
        offset == 0
        and vector_at == LINK * (links + 1)
        and step == label_at + LABEL
        and vector_at < label_at
        and count <= room
        and level_file.stat().st_size >= count * step
        and (count == 0 or (0 <= entry < count and level >= 0))
    )
    if not whole:
        return "the header does not fit the data"
    if count == 0:
        return ""  # Chroma has all of it in its log until there are a thousand
    if not labels_file.exists():
        return f"{labels_file.name} is missing"
    return _wrong_element(level_file, count, step, vector_at, label_at, links) or _wrong_links(
        segment / "link_lists.bin", count, above
    )


def _wrong_element(
    file: Path, count: int, step: int, vector_at: int, label_at: int, links: int
) -> str:
    """Every link leads to an element, and every vector has the length 1."""
    data = np.memmap(file, np.uint8, "r", shape=(count, step))
    for start in range(0, count, PART):
        part = np.ascontiguousarray(data[start : start + PART])
        linked = part[:, :vector_at].copy().view(np.uint32)
        used = linked[:, 0] & 0xFFFF  # the upper half marks what was deleted
        there = np.arange(links)[None, :] < used[:, None]
        if used.max() > links or (linked[:, 1:][there] >= count).any():
            return "a link leads nowhere"
        vectors = part[:, vector_at:label_at].copy().view(np.float32).astype(np.float64)
        lengths = (vectors**2).sum(1)
        if not (np.abs(lengths - 1) < 0.01)[lengths != 0].all():
            return "a vector is none"
    return ""


def _wrong_links(file: Path, count: int, above: int) -> str:
    """The links of the levels above: for each element their size in bytes, then the links."""
    data = file.read_bytes()
    place = 0
    step = LINK * (above + 1)
    for _ in range(count):
        size = int.from_bytes(data[place : place + LINK], "little")
        place += LINK + size
        if size % step or place > len(data):
            return "the links of a level do not fit"
    return "" if place == len(data) else "the links of a level do not fit"

"""Files that are small on the disk and grow when they are read, made on the spot."""

from __future__ import annotations

import gzip
import os
import socket
import zipfile
from collections.abc import Iterable
from pathlib import Path

PREFIX = "http://schemas.openxmlformats.org"
TYPES = f"""<Types xmlns="{PREFIX}/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/xl/workbook.xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"""
LINK = f"""<Relationships xmlns="{PREFIX}/package/2006/relationships"><Relationship Id="rId1"
 Type="{PREFIX}/officeDocument/2006/relationships/{{kind}}" Target="{{target}}"/></Relationships>"""
BOOK = f"""<workbook xmlns="{PREFIX}/spreadsheetml/2006/main"
 xmlns:r="{PREFIX}/officeDocument/2006/relationships">
<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"""
BEGINS = f'<worksheet xmlns="{PREFIX}/spreadsheetml/2006/main">'
ENDS = "</sheetData></worksheet>"
MEGABYTE = "a" * 1_000_000


def workbook(path: Path, sheet: Iterable[str]) -> Path:
    """A workbook whose only sheet has that XML."""
    parts = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": LINK.format(kind="officeDocument", target="xl/workbook.xml"),
        "xl/workbook.xml": BOOK,
        "xl/_rels/workbook.xml.rels": LINK.format(kind="worksheet", target="worksheets/sheet1.xml"),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for text in sheet:
                part.write(text.encode())
    return path


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def far_cell(path: Path) -> Path:
    """A1 and the last cell that a sheet can have."""
    rows = [f'<row r="1">{cell("A1", "x")}</row>', '<row r="2"><c r="A2"><v>7</v></c></row>']
    rows.append(f'<row r="1048576">{cell("XFD1048576", "y")}</row>')
    size = '<dimension ref="A1:XFD1048576"/>'
    return workbook(path, [BEGINS, size, "<sheetData>", *rows, ENDS])


def swelling_cell(path: Path, megabytes: int) -> Path:
    """One cell that unpacks to so much text."""
    first = '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>'
    last = "</t></is></c></row>"
    return workbook(path, [BEGINS, first, *[MEGABYTE] * megabytes, last, ENDS])


def nested_entities(path: Path) -> Path:
    """A cell of ten to the eleventh "ha"."""
    entities = [f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 12)]
    kind = ['<!DOCTYPE x [<!ENTITY a0 "ha">', *entities, "]>"]
    row = f'<sheetData><row r="1">{cell("A1", "&a11;")}</row>'
    return workbook(path, ['<?xml version="1.0"?>', *kind, BEGINS, row, ENDS])


def long_line(path: Path, megabytes: int) -> Path:
    """A CSV file whose second line is that long."""
    with path.open("w") as file:
        file.write("a,b\n")
        file.writelines([MEGABYTE] * megabytes)
    return path


def empty_gigabyte(path: Path) -> Path:
    """A file of a gigabyte of zeros that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(1_000_000_000)
    return path


def repeated_text(path: Path, rows: int) -> Path:
    """A Parquet file in which one text of a megabyte is every row's."""
    import pyarrow
    import pyarrow.parquet

    same = pyarrow.array([0] * rows, "int32")
    column = pyarrow.DictionaryArray.from_arrays(same, pyarrow.array([MEGABYTE]))
    pyarrow.parquet.write_table(pyarrow.table({"a": column}), path, row_group_size=rows)
    return path


def wrong_footer(path: Path) -> Path:
    """A Parquet file that says its footer is two gigabytes long."""
    path.write_bytes(b"PAR1" + b"\xff" * 200 + b"\xff\xff\xff\x7fPAR1")
    return path


def zipped_line(path: Path) -> Path:
    """A gzip file of a line of 100 MB."""
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.writelines([MEGABYTE] * 100)
    return path


def nested(path: Path, opening: str) -> Path:
    """JSON that opens a hundred thousand times and never closes."""
    path.write_text(opening * 100_000)
    return path


def odd_entries(folder: Path, ending: str) -> list[str]:
    """Fill the folder with what is no regular file of it; returns the names."""
    os.mkfifo(folder / f"pipe{ending}")
    (folder / f"device{ending}").symlink_to("/dev/zero")
    (folder / f"out{ending}").symlink_to("/etc/passwd")
    (folder / f"loop{ending}").symlink_to(folder / f"loop{ending}")
    (folder / f"gone{ending}").symlink_to(folder / "nothing")
    (folder / f"up{ending}").symlink_to(folder.parent)
    before = Path.cwd()
    os.chdir(folder)  # a socket's whole path may have 107 bytes only
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"socket{ending}")
    finally:
        os.chdir(before)
    return [f"{name}{ending}" for name in ("device", "gone", "loop", "out", "pipe", "socket", "up")]

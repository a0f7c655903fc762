"""CSV, TSV, XLSX and Parquet files -> one DuckDB file in the workspace, a table for each.

The DuckDB file is made again when one of the files changes. What was left out of a large table or
of a folder is kept beside it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.databases.sources import FILES, DataSource, source_folder
from agents.databases.table_reader import MOST_CELLS, Taken
from workbench.errors import InvalidInput, NotFound, Stopped
from workbench.files import locked, read_json, write_json, writing
from workbench.folders import files_in
from workbench.limited_child import Child, ChildLost, ChildTooBig, ChildTooSlow
from workbench.messages import Message, pack, say
from workbench.settings import Settings

if TYPE_CHECKING:
    import pandas

READER = "agents.databases.table_reader"
MEMORY = 700_000_000  # bytes of data that reading one file may hold
MOST_IN_MEMORY = 10_000_000  # cells of a table that is handed over whole


def made_tables(source: DataSource, settings: Settings) -> Path:
    """The DuckDB file of a source made of files, up to date. Raises NotFound or InvalidInput."""
    folder = source_folder(settings, source)
    made = folder / "tables.duckdb"
    stamp_file = folder / "tables.json"
    told: list[Message] = []
    files = table_files(source, told)
    stamp = [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    with locked(made):
        if not made.exists() or _kept(stamp_file).get("stamp") != stamp:
            with writing(made) as part:
                told += _make(part, files, settings)
            write_json(stamp_file, {"stamp": stamp, "left_out": [pack(one) for one in told]})
    return made


def left_out(source: DataSource, settings: Settings) -> list[Any]:
    """What its made tables lack of its files, as packed messages; nothing of another source."""
    kept = _kept(source_folder(settings, source) / "tables.json")
    return list(kept.get("left_out", []))


def read_table(file: Path, settings: Settings, name: str = "") -> pandas.DataFrame:
    """One table of a file: the named sheet, else the first one. Raises InvalidInput or Stopped.

    The cells of a text file stay text, so that whoever reads them decides by the whole column.
    """
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "table.duckdb"
        [tables] = _read(target, [file], settings, as_text=True, most_cells=MOST_IN_MEMORY)
        wanted = [table for table in tables if name in ("", table.label, table.name)]
        if not wanted:
            raise InvalidInput(
                say("{file} has no table {name}.", file=file.name, name=name),
                "Leave the name out for its first table.",
            )
        if wanted[0].left_out:
            raise InvalidInput(wanted[0].left_out[0], "Choose fewer rows or columns.")
        with duckdb.connect(str(target), read_only=True) as connection:
            return connection.table(wanted[0].name).to_arrow_table().to_pandas()


def table_files(source: DataSource, told: list[Message] | None = None) -> list[Path]:
    """The files that the source's tables are made of. Raises NotFound where none is left.

    `told` gets a sentence for each entry of a folder that is left out.
    """
    path = Path(source.file)

    def tell(entry: Path, what: Message) -> None:
        if told is not None and entry.suffix.lower() in FILES:
            told.append(say("{name} is left out: {what}.", name=entry.name, what=what))

    files = files_in(path, tell) if path.is_dir() else [path]
    files = [file for file in files if file.suffix.lower() in FILES and file.is_file()]
    if not files:
        raise NotFound(
            say("{path} is gone, or holds no table any more.", path=path),
            say("Remove it: workbench data remove {name} --yes", name=source.name),
        )
    return files


def _kept(path: Path) -> dict[str, Any]:
    try:
        kept = read_json(path, {})
    except ValueError:  # damaged: the tables are made again
        return {}
    return kept if isinstance(kept, dict) else {}


def _make(target: Path, files: Sequence[Path], settings: Settings) -> list[Message]:
    """What was left out of the files whose tables are in `target` now."""
    told: list[Message] = []
    for tables in _read(target, files, settings):
        for table in tables:
            told += table.left_out
    return told


def _read(
    target: Path,
    files: Sequence[Path],
    settings: Settings,
    as_text: bool = False,
    most_cells: int = MOST_CELLS,
) -> list[list[Taken]]:
    """The tables of each file, which are in the DuckDB file `target` now.

    Raises InvalidInput for a file that cannot be read within its limits, or Stopped.
    """
    child = Child(READER, MEMORY)
    found: list[list[Taken]] = []
    try:
        for file in files:
            request = {
                "target": str(target),
                "file": str(file),
                "known": [table.name for tables in found for table in tables],
                "as_text": as_text,
                "most_cells": most_cells,
            }
            answer = _ask(child, request, file, settings.file_seconds)
            found.append([Taken(**table) for table in answer["tables"]])
    finally:
        child.kill()
    return found


def _ask(child: Child, request: dict[str, Any], file: Path, seconds: float) -> dict[str, Any]:
    try:
        answer = child.ask(request, seconds)
    except ChildTooSlow as error:
        raise Stopped(
            say("Reading {name} took longer than {seconds:g} s.", name=file.name, seconds=seconds),
            "Split the file, or raise WORKBENCH_FILE_SECONDS.",
        ) from error
    except ChildTooBig as error:
        raise InvalidInput(
            say("{name} needs more memory than one file may use.", name=file.name),
            "Split it into smaller files, or save it as Parquet.",
        ) from error
    except ChildLost as error:
        raise InvalidInput(
            say("{name} crashed its reader: it is damaged.", name=file.name),
            "Open it in its own program and save it again.",
        ) from error
    if "problem" in answer:
        raise InvalidInput(answer["problem"], answer["fix"])
    return answer

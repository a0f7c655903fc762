"""A CSV, TSV, XLSX or Parquet file -> tables of a DuckDB file, in a child process with limits.

A small file may unpack to any size. So time, memory and the size of what is written are bounded,
and of a large table the first rows and columns are taken; what was left out is told.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agents.databases.csv_text import as_utf8
from agents.databases.sheet_rows import Sheet, sheets_of
from agents.databases.sheet_table import STAGED, columns_of, stage
from workbench.errors import WorkbenchError
from workbench.limited_child import Answer, serve
from workbench.messages import Message, say

MOST_COLUMNS = 1_000  # of a table
MOST_CELLS = 50_000_000  # of a table
LARGEST_FILE = 4_000_000_000  # bytes of one file that is written
DUCKDB_MEMORY = "350MB"  # within that of the child
SPILLED = "2GB"
LONGEST = 300  # characters of a library's own message


@dataclass(frozen=True)
class Taken:
    """A table as it was made, and how many columns its file has; `cut` says that it has more rows.

    `label` is what the file calls it: its sheet's title, or its own name.
    """

    label: str
    name: str
    rows: int
    columns: int
    all_columns: int
    cut: bool

    @property
    def left_out(self) -> list[Message]:
        """A sentence for each part of the table that was not taken."""
        sentences = []
        if self.columns < self.all_columns:
            sentences.append(
                say(
                    "{table}: only the first {columns:,} of {all:,} columns were taken.",
                    table=self.name,
                    columns=self.columns,
                    all=self.all_columns,
                )
            )
        if self.cut:
            sentences.append(
                say(
                    "{table}: only the first {rows:,} rows were taken.",
                    table=self.name,
                    rows=self.rows,
                )
            )
        return sentences


def read_into(
    target: Path,
    file: Path,
    known: Sequence[str] = (),
    as_text: bool = False,
    most_cells: int = MOST_CELLS,
) -> list[Taken]:
    """Make tables of the DuckDB file `target`, none of them named as one of `known`.

    With `as_text` the cells of a CSV file stay text, so that whoever reads them decides by the
    whole column. Raises what the libraries raise for a damaged file.
    """
    import duckdb

    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": DUCKDB_MEMORY,
            "threads": 2,
            "temp_directory": folder,
            "max_temp_directory_size": SPILLED,
        }
        with duckdb.connect(str(target), config=config) as connection:
            making = _Making(connection, {name.casefold() for name in known}, most_cells)
            return list(making.tables_of(file, Path(folder), as_text))


class _Making:
    """A DuckDB file that grows by a table at a time."""

    def __init__(self, connection: Any, known: set[str], most_cells: int) -> None:
        self._connection = connection
        self._known = known
        self._most_cells = most_cells

    def tables_of(self, file: Path, folder: Path, as_text: bool) -> Iterator[Taken]:
        ending = file.suffix.lower()
        if ending == ".xlsx":
            for sheet in sheets_of(file):
                yield self._from_sheet(sheet)
        elif ending == ".parquet":
            yield self._from_file(file.stem, "read_parquet(?)", file)
        else:
            reading = f"read_csv(?, all_varchar = {as_text})"
            yield self._from_file(file.stem, reading, as_utf8(file, folder))

    def _from_file(self, label: str, reading: str, file: Path) -> Taken:
        """`reading` is a table function of DuckDB for the file."""
        place = [str(file)]
        describe = f"DESCRIBE SELECT * FROM {reading}"  # noqa: S608
        described = self._connection.execute(describe, place)
        names = [row[0] for row in described.fetchall()]
        kept = names[:MOST_COLUMNS]
        columns = ", ".join(_quoted(name) for name in kept)
        most = self._most_cells // max(1, len(kept))
        select = f"SELECT {columns} FROM {reading} LIMIT {most + 1}"  # noqa: S608
        name, rows = self._create(label, select, place)
        if rows > most:
            self._connection.execute(f"DELETE FROM {_quoted(name)} WHERE rowid >= {most}")  # noqa: S608
        cut = rows > most
        return self._noted(Taken(label, name, min(rows, most), len(kept), len(names), cut))

    def _from_sheet(self, sheet: Sheet) -> Taken:
        staged = stage(self._connection, sheet, MOST_COLUMNS, self._most_cells)
        columns = columns_of(self._connection, sheet, staged)
        select = f"SELECT {columns} FROM {STAGED}"  # noqa: S608
        name, rows = self._create(sheet.title, select, [])
        self._connection.execute(f"DROP TABLE {STAGED}")
        width = len(staged.kinds)
        return self._noted(Taken(sheet.title, name, rows, width, staged.wide, staged.cut))

    def _create(self, label: str, select: str, parameters: list[str]) -> tuple[str, int]:
        """The new table's name and how many rows it has."""
        name = _free_name(label, self._known)
        quoted = _quoted(name)
        self._connection.execute(f"CREATE TABLE {quoted} AS {select}", parameters)
        counted = self._connection.execute(f"SELECT count(*) FROM {quoted}")  # noqa: S608
        return name, counted.fetchone()[0]

    def _noted(self, table: Taken) -> Taken:
        """The table with what was left out as its comment, which every reader of a schema sees."""
        if table.left_out:
            comment = " ".join(table.left_out).replace("'", "''")
            self._connection.execute(f"COMMENT ON TABLE {_quoted(table.name)} IS '{comment}'")
        return table


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _free_name(label: str, known: set[str]) -> str:
    """A table name of letters, digits and underscores that no table has yet; it is taken then."""
    base = re.sub(r"\W+", "_", label).strip("_") or "table"
    if base[0].isdigit():
        base = f"t_{base}"
    name = base
    number = 2
    while name.casefold() in {*known, STAGED}:
        name = f"{base}_{number}"
        number += 1
    known.add(name.casefold())
    return name


def _answer(request: Answer) -> Answer:
    """What the child answers: the tables, or the problem with its fix."""
    file = Path(request["file"])
    try:
        made = read_into(
            Path(request["target"]),
            file,
            request["known"],
            request["as_text"],
            request["most_cells"],
        )
    except WorkbenchError as error:
        return {"problem": error.problem, "fix": error.fix}
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 – the border of a child whose parsers meet hostile files
        return _unreadable(file, error)
    return {"tables": [asdict(table) for table in made]}


def _unreadable(file: Path, error: Exception) -> Answer:
    if type(error).__name__ == "OutOfMemoryException":  # DuckDB's own
        raise MemoryError from error
    reason = " ".join(str(error).splitlines()[:2]) or type(error).__name__
    return {
        "problem": say(
            "{name} cannot be read as a table: {error}", name=file.name, error=reason[:LONGEST]
        ),
        "fix": say("Save it again, then refresh the source."),
    }


def _limit_files() -> None:
    """No file that this process writes grows beyond the limit; Python makes an error of it."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    except (ImportError, ValueError, OSError):  # Windows has no such limit
        pass


if __name__ == "__main__":
    _limit_files()
    serve(_answer)

"""CSV, TSV, XLSX and Parquet files -> one DuckDB file in the workspace, a table for each.

The DuckDB file is made again when one of the files changes.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.databases.sources import FILES, DataSource, source_folder
from workbench.errors import InvalidInput, NotFound
from workbench.files import locked, read_json, write_json, writing
from workbench.messages import say
from workbench.settings import Settings

if TYPE_CHECKING:
    import pandas

COMMON = 0.9  # share of common characters from which text counts as Chinese


def made_tables(source: DataSource, settings: Settings) -> Path:
    """The DuckDB file of a source made of files, up to date. Raises NotFound or InvalidInput."""
    folder = source_folder(settings, source)
    made = folder / "tables.duckdb"
    stamp_file = folder / "tables.json"
    files = table_files(source)
    stamp = [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    with locked(made):
        if not made.exists() or _stamp(stamp_file) != stamp:
            with writing(made) as part:
                _make(part, files)
            write_json(stamp_file, stamp)
    return made


def read_table(file: Path, name: str = "") -> pandas.DataFrame:
    """One table of a file: the named sheet, else the first one. Raises InvalidInput.

    The cells of a text file stay text, so that whoever reads them decides by the whole column.
    """
    import duckdb

    with duckdb.connect() as connection:
        for label, rows in _tables(file, connection, as_text=True):
            if not name or label == name:
                return rows.to_pandas() if hasattr(rows, "to_pandas") else rows
    raise InvalidInput(
        say("{file} has no table {name}.", file=file.name, name=name),
        "Leave the name out for its first table.",
    )


def _stamp(path: Path) -> Any:
    try:
        return read_json(path)
    except ValueError:  # damaged: the tables are made again
        return None


def table_files(source: DataSource) -> list[Path]:
    """The files that the source's tables are made of. Raises NotFound where none is left."""
    path = Path(source.file)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    files = [file for file in files if file.suffix.lower() in FILES and file.is_file()]
    if not files:
        raise NotFound(
            say("{path} is gone, or holds no table any more.", path=path),
            say("Remove it: workbench data remove {name} --yes", name=source.name),
        )
    return files


def _make(target: Path, files: list[Path]) -> None:
    import duckdb

    taken: set[str] = set()
    with duckdb.connect(str(target)) as connection:
        for file in files:
            for label, frame in _tables(file, connection):
                name = _free_name(label, taken)
                connection.register("incoming", frame)
                # `name` is letters, digits and underscores only
                connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM incoming')  # noqa: S608
                connection.unregister("incoming")


def _tables(file: Path, connection: Any, as_text: bool = False) -> Iterator[tuple[str, Any]]:
    """(name, rows) of each table in a file."""
    import duckdb

    ending = file.suffix.lower()
    try:
        if ending == ".xlsx":
            yield from _sheets(file)
        elif ending == ".parquet":
            yield file.stem, connection.read_parquet(str(file)).to_arrow_table()
        else:
            yield file.stem, _csv(file, connection, as_text)
    except (duckdb.Error, ValueError, KeyError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidInput(
            say("{name} cannot be read as a table: {error}", name=file.name, error=reason),
            "Save it again, then refresh the source.",
        ) from error


def _csv(file: Path, connection: Any, as_text: bool) -> Any:
    """DuckDB reads UTF-8; text in another encoding, such as GB18030, is rewritten first."""
    import duckdb

    try:
        return connection.read_csv(str(file), all_varchar=as_text).to_arrow_table()
    except (duckdb.InvalidInputException, duckdb.ConversionException, UnicodeDecodeError):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "utf8.csv"
            copy.write_text(_decode(file.read_bytes()), "utf-8")
            return connection.read_csv(str(copy), all_varchar=as_text).to_arrow_table()


def _decode(data: bytes) -> str:
    """Bytes that are not UTF-8 as text.

    A table is too short to guess the encoding from, so common Chinese characters decide first:
    GB18030 keeps them in the rows that begin with the bytes A1 to D7.
    """
    from rag.loaders.text import decode

    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return decode(data)
    strange = [character for character in text if not character.isascii()]
    common = sum(b"\xa1" <= character.encode("gb18030")[:1] <= b"\xd7" for character in strange)
    return text if common >= COMMON * len(strange) else decode(data)


def _sheets(file: Path) -> Iterator[tuple[str, Any]]:
    import pandas

    sheets = pandas.read_excel(file, sheet_name=None)
    for title, frame in sheets.items():
        if frame.empty and not len(frame.columns):
            continue
        frame.columns = [str(column) for column in frame.columns]
        for column in frame.select_dtypes(object).columns:
            frame[column] = _one_kind(frame[column])
        yield (file.stem if len(sheets) == 1 else str(title)), frame


def _one_kind(values: Any) -> Any:
    """A column of a sheet; numbers and words mixed become text, as DuckDB wants one type."""
    import pandas

    kinds = {type(value) for value in values.dropna()}
    if len(kinds) <= 1:
        return values
    return values.map(lambda value: value if pandas.isna(value) else str(value))


def _free_name(label: str, taken: set[str]) -> str:
    """A table name of letters, digits and underscores that no table has yet."""
    base = re.sub(r"\W+", "_", label).strip("_") or "table"
    if base[0].isdigit():
        base = f"t_{base}"
    name = base
    number = 2
    while name.casefold() in taken:
        name = f"{base}_{number}"
        number += 1
    taken.add(name.casefold())
    return name

"""CSV, TSV, XLSX and Parquet files -> one DuckDB file in the workspace, a table each, made anew when a file changes."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agents.databases.sources import FILES, Source, read_json, source_folder, write_json
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings


def made_tables(source: Source, settings: Settings) -> Path:
    """The DuckDB file of a source made of files, up to date. Raises NotFound or InvalidInput."""
    folder = source_folder(settings, source)
    made = folder / "tables.duckdb"
    files = _files(source)
    stamp = [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    if not made.exists() or read_json(folder / "tables.json") != stamp:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as part:
            _make(Path(part) / "tables.duckdb", files)
            (Path(part) / "tables.duckdb").replace(made)
        write_json(folder / "tables.json", stamp)
    return made


def _files(source: Source) -> list[Path]:
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
                connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM incoming')  # noqa: S608 – `name` is \w only
                connection.unregister("incoming")


def _tables(file: Path, connection: Any) -> Iterator[tuple[str, Any]]:
    """(name, rows) of each table in a file."""
    import duckdb

    ending = file.suffix.lower()
    try:
        if ending == ".xlsx":
            yield from _sheets(file)
        elif ending == ".parquet":
            yield file.stem, connection.read_parquet(str(file)).to_arrow_table()
        else:
            yield file.stem, _csv(file, connection)
    except (duckdb.Error, ValueError, KeyError, OSError) as error:
        raise InvalidInput(
            say(
                "{name} cannot be read as a table: {error}",
                name=file.name,
                error=str(error).splitlines()[0],
            ),
            "Save it again, then refresh the source.",
        ) from error


def _csv(file: Path, connection: Any) -> Any:
    """DuckDB reads UTF-8; text in another encoding, such as GB18030, is rewritten first."""
    import duckdb

    try:
        return connection.read_csv(str(file)).to_arrow_table()
    except (duckdb.InvalidInputException, duckdb.ConversionException, UnicodeDecodeError):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "utf8.csv"
            copy.write_text(_decode(file.read_bytes()), "utf-8")
            return connection.read_csv(str(copy)).to_arrow_table()


def _decode(data: bytes) -> str:
    """Bytes that are not UTF-8 as text. A table is too short to guess from, so common Chinese characters decide first."""
    from rag.loaders.text import decode

    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return decode(data)
    strange = [character for character in text if not character.isascii()]
    common = sum(b"\xa1" <= character.encode("gb18030")[:1] <= b"\xd7" for character in strange)
    return text if common >= 0.9 * len(strange) else decode(data)


def _sheets(file: Path) -> Iterator[tuple[str, Any]]:
    import pandas

    sheets = pandas.read_excel(file, sheet_name=None)
    for title, frame in sheets.items():
        if frame.empty and not len(frame.columns):
            continue
        frame.columns = [str(column) for column in frame.columns]
        for column in frame.select_dtypes(object).columns:
            kinds = {type(value) for value in frame[column].dropna()}
            if len(kinds) > 1:  # a column of numbers and words is text
                frame[column] = frame[column].map(
                    lambda value: value if pandas.isna(value) else str(value)
                )
        yield (file.stem if len(sheets) == 1 else str(title)), frame


def _free_name(label: str, taken: set[str]) -> str:
    """A table name of letters, digits and underscores that is not taken yet."""
    base = re.sub(r"\W+", "_", label).strip("_") or "table"
    base = f"t_{base}" if base[0].isdigit() else base
    name, number = base, 2
    while name.casefold() in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name.casefold())
    return name

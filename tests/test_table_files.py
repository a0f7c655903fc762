"""Table files: cells keep their types, large ones are cut and told, and a bomb takes no memory."""

from __future__ import annotations

import datetime
import json
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import openpyxl
import psutil
import pytest
from click.testing import CliRunner
from hostile_files import (
    empty_gigabyte,
    far_cell,
    long_line,
    nested,
    nested_entities,
    odd_entries,
    repeated_text,
    swelling_cell,
    wrong_footer,
    zipped_line,
)

from agents.databases import csv_text, files
from agents.databases.files import left_out, made_tables, read_table
from agents.databases.introspect import load_schema
from agents.databases.sources import DataSource, find_source
from agents.databases.table_reader import read_into
from finetune.data import unpacking
from finetune.data.dataset import load_examples
from workbench.cli import workbench
from workbench.errors import InvalidInput, Stopped, WorkbenchError
from workbench.messages import unpack
from workbench.settings import Settings

MEMORY = 400_000_000  # bytes of data that the reader may hold in these tests
PARENT = 60_000_000  # bytes that this process may grow meanwhile


@contextmanager
def memory_watched() -> Iterator[list[int]]:
    """The most bytes that a child held, and by which this process grew, at the end."""
    me = psutil.Process()
    before = me.memory_info().rss
    peaks = [0, 0]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            peaks[1] = max(peaks[1], me.memory_info().rss - before)
            for child in me.children(recursive=True):
                try:
                    peaks[0] = max(peaks[0], child.memory_info().rss)
                except psutil.Error:  # it has ended meanwhile
                    continue

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield peaks
    finally:
        ended.set()
        watching.join()


BOMBS: dict[str, tuple[Callable[[Path], Path], str]] = {
    # file -> how it is made, what is said of it
    "far.xlsx": (far_cell, ""),
    "swelling.xlsx": (lambda path: swelling_cell(path, 500), "needs more memory"),
    "huge.xlsx": (lambda path: swelling_cell(path, 1_100), "unpacks to"),
    "entities.xlsx": (nested_entities, "cannot be read"),
    "line.csv": (lambda path: long_line(path, 30), "line.csv"),
    "zeros.csv": (empty_gigabyte, "needs more memory"),
    "rows.parquet": (lambda path: repeated_text(path, 20_000), "needs more memory"),
    "footer.parquet": (wrong_footer, "cannot be read"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_swells_is_told_and_takes_no_memory(
    name: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, problem = BOMBS[name]
    source = DataSource("bomb", "duckdb", file=str(make(tmp_path / name)))
    monkeypatch.setattr(files, "MEMORY", MEMORY)
    quick = settings.model_copy(update={"file_seconds": 20.0})
    begun = time.monotonic()
    with memory_watched() as peaks:
        try:
            made_tables(source, quick)
            said = ""
        except WorkbenchError as error:
            said = error.problem
            assert error.fix
    assert problem in said if problem else said == ""
    if name == "far.xlsx":
        told = [unpack(one) for one in left_out(source, settings)]
        assert told == ["far: only the first 1 of 16,384 columns were taken."]
    in_child, here = peaks
    assert in_child < MEMORY + 150_000_000  # code and files that are only looked into
    assert here < PARENT
    assert time.monotonic() - begun < 25
    home = settings.home / "data" / "bomb"
    assert not list(home.glob("*.part")) and not list(home.glob("tmp*"))


DATA_SETS: dict[str, tuple[Callable[[Path], Path], str]] = {
    # the same for a file to train on, which the command itself reads
    "far.xlsx": (far_cell, "unknown columns"),
    "swelling.xlsx": (lambda path: swelling_cell(path, 60), "unpacks to more than 50 MB"),
    "entities.xlsx": (nested_entities, "damaged"),
    "rows.parquet": (lambda path: repeated_text(path, 2_000), "unpacks to more than 50 MB"),
    "footer.parquet": (wrong_footer, "damaged"),
    "rows.jsonl.gz": (zipped_line, "unpacks to more than 50 MB"),
    "list.json": (lambda path: nested(path, "["), "nested too deeply"),
    "lines.jsonl": (lambda path: nested(path, '{"a":'), "nested too deeply"),
}


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_data_set_that_swells_is_told_and_takes_little_memory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, problem = DATA_SETS[name]
    path = make(tmp_path / name)
    monkeypatch.setattr(unpacking, "MOST", 50_000_000)
    monkeypatch.setattr(unpacking, "BATCH", 10)
    with memory_watched() as peaks:
        loaded = load_examples([path])
    assert problem in loaded.problems[-1].problem + loaded.problems[0].problem
    assert not loaded.examples and peaks[1] < 200_000_000


def test_reading_ends_with_its_time(settings: Settings, tmp_path: Path) -> None:
    path = repeated_text(tmp_path / "rows.parquet", 200_000)
    hurried = settings.model_copy(update={"file_seconds": 0.5})
    with pytest.raises(Stopped, match=r"rows\.parquet took longer than 0\.5 s"):
        made_tables(DataSource("slow", "duckdb", file=str(path)), hurried)


def test_cells_of_a_sheet_keep_their_types(settings: Settings, tmp_path: Path) -> None:
    day = datetime.datetime(2026, 1, 2, 3, 4)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([None, "", None])
    sheet.append(["n", "price", "day", "code", "typed", "mixed", "n", "yes", None, "N"])
    sheet.append([1, 2.5, day, "007", "12", 1, "a", True, "x", None])
    sheet.append([])
    sheet.append([2, 3, day, "010", "1.5", "b", "#N/A", False, None, None])
    book.save(tmp_path / "t.xlsx")
    made = tmp_path / "t.duckdb"
    [table] = read_into(made, tmp_path / "t.xlsx")
    with duckdb.connect(str(made), read_only=True) as connection:
        types = connection.execute("DESCRIBE t").fetchall()
        rows = connection.execute("SELECT * FROM t").fetchall()
    assert [(name, kind) for name, kind, *_ in types] == [
        ("n", "BIGINT"),
        ("price", "DOUBLE"),
        ("day", "TIMESTAMP"),
        ("code", "VARCHAR"),
        ("typed", "DOUBLE"),
        ("mixed", "VARCHAR"),
        ("n.1", "VARCHAR"),
        ("yes", "BOOLEAN"),
        ("Unnamed: 8", "VARCHAR"),
        ("N.2", "VARCHAR"),
    ]
    assert rows == [
        (1, 2.5, day, "007", 12.0, "1", "a", True, "x", None),
        (2, 3.0, day, "010", 1.5, "b", None, False, None, None),
    ]
    assert (table.rows, table.left_out) == (2, [])


def test_a_large_table_is_cut_and_its_note_says_so(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text("a,b\n" + "1,2\n" * 50)
    (tmp_path / "wide.csv").write_text(
        ",".join(f"c{n}" for n in range(1_200)) + "\n" + ",".join(["1"] * 1_200) + "\n"
    )
    book = openpyxl.Workbook()
    for number in range(50):
        book.active.append([number, "x"])
    book.save(tmp_path / "sheet.xlsx")
    made = tmp_path / "made.duckdb"
    for name, limit in (("long.csv", 40), ("sheet.xlsx", 40), ("wide.csv", 10_000)):
        read_into(made, tmp_path / name, most_cells=limit)
    with duckdb.connect(str(made), read_only=True) as connection:
        notes = connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall()
        counts = [
            connection.execute(f"SELECT count(*) FROM {name}").fetchall() for name, _ in notes
        ]
    assert dict(notes) == {
        "long": "long: only the first 20 rows were taken.",
        "sheet": "sheet: only the first 20 rows were taken.",
        "wide": "wide: only the first 1,000 of 1,200 columns were taken.",
    }
    assert sorted(counts) == [[(1,)], [(20,)], [(20,)]]


def test_what_was_left_out_is_said_where_a_source_is_added(
    settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    far_cell(folder / "far.xlsx")
    odd = odd_entries(folder, ".csv")
    done = CliRunner().invoke(workbench, ["data", "add", "tables", str(folder), "--json"])
    told = json.loads(done.stdout.splitlines()[-1])["told"]
    assert [sentence.split()[0] for sentence in told] == [*odd, "far:"]
    assert "out.csv is left out: a link that leads out of the folder." in told
    schema = load_schema(find_source(settings, "tables"), settings)
    assert schema.tables[0].comment == "far: only the first 1 of 16,384 columns were taken."
    assert schema.sentences() == told
    (folder / "far.xlsx").unlink()
    (folder / "small.csv").write_text("a,b\n1,2\n")
    plain = CliRunner().invoke(workbench, ["data", "add", "small", str(folder)])
    assert "pipe.csv is left out: a pipe." in plain.output


@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_what_is_no_file_is_no_table(kind: str, settings: Settings, tmp_path: Path) -> None:
    odd_entries(tmp_path, ".csv")
    done = CliRunner().invoke(workbench, ["data", "add", "odd", str(tmp_path / f"{kind}.csv")])
    assert done.exit_code == 1 and "neither a file nor a folder" in done.output


def test_a_table_that_is_handed_over_whole_is_never_a_part(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "long.csv").write_text("day,n\n" + "2026-01-02,1\n" * 50)
    assert list(read_table(tmp_path / "long.csv", settings)["n"]) == ["1"] * 50
    monkeypatch.setattr(files, "MOST_IN_MEMORY", 10)
    with pytest.raises(InvalidInput, match="only the first 5 rows"):
        read_table(tmp_path / "long.csv", settings)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_a_large_csv_that_a_spreadsheet_saved_is_read_a_piece_at_a_time(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import rag.loaders.text  # noqa: F401 – what it takes is none of the file's

    monkeypatch.setattr(csv_text, "CHUNK", 1 << 16)
    line = "2025-01-02,山野茶铺,12.5\n"
    file = tmp_path / "a.csv"
    file.write_text("day,account,likes\n" + line * 100_000, encoding)
    tracemalloc.start()
    read = csv_text.as_utf8(file, tmp_path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    with read.open(encoding="utf-8") as text:
        assert next(text) == "day,account,likes\n" and next(text) == line
    assert most < file.stat().st_size / 2

"""A full disk or a forbidden folder: one clear sentence, and what a file held stays."""

from __future__ import annotations

import errno
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.disk import disk_error
from workbench.errors import Unwritable
from workbench.files import locked, write_text, writing

LIMITED = """
import resource, sys
from pathlib import Path
from workbench.errors import Unwritable
from workbench.files import writing
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
import numpy as np, safetensors.numpy as safe, sqlite3
from tokenizers import Tokenizer, models
from workbench.sqlite_file import transaction
home = Path(sys.argv[1])
large = np.zeros(1_000_000, np.uint8)
words = {f"word{number}": number for number in range(20_000)}
def fill(path):
    with transaction(path) as database:
        database.execute("create table a (b)")
        database.execute("insert into a values (zeroblob(1000000))")
WAYS = {
    "bytes": lambda path: path.write_bytes(large.tobytes()),
    "numpy": lambda path: np.save(path.open("wb"), large),
    "safetensors": lambda path: safe.save_file({"a": large}, path),
    "tokenizers": lambda path: Tokenizer(models.WordLevel(words, "word0")).save(str(path)),
}
for name, way in WAYS.items():
    target = home / name
    target.write_text("old")
    try:
        with writing(target) as part:
            way(part)
    except Unwritable as error:
        assert error.fix, name
    else:
        raise SystemExit(f"{name} was written")
    assert target.read_text() == "old", name
try:
    fill(home / "a.db")
except Unwritable as error:
    pass
else:
    raise SystemExit("the database was written")
left = sorted(path.name for path in home.iterdir() if path.name.endswith(".part"))
assert left == [], left
"""


def test_libraries_that_write_too_much_leave_the_old_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 100_000, "only the child is limited"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_forbidden_write_is_one_sentence(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fails(*_: object, **__: object) -> None:
        raise OSError(number, "told by the system", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", fails)
        with pytest.raises(Unwritable) as caught:
            write_text(path, "new")
        patch.setattr(Path, "mkdir", fails)
        with pytest.raises(Unwritable), locked(path):
            pass
    assert str(path) in caught.value.problem and "WORKBENCH_HOME" in caught.value.fix
    assert path.read_text("utf-8") == "old"


def test_another_error_passes_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(KeyError), writing(tmp_path / "a"):
        raise KeyError("a")
    assert disk_error(ValueError("a number is missing"), tmp_path) is None

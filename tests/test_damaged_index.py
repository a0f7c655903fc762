"""Chroma's files overwritten, cut, emptied or gone: the next question mends them by itself."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rag.chroma import close_client
from rag.passages import Document, Locator, Passage
from rag.store import create_collection
from workbench.settings import load_settings

WAYS = ("garbage", "gone", "half", "empty")
LARGE = ("chroma.sqlite3", "data_level0.bin")  # the others end in the same checks
PASSAGES = 1200  # more than Chroma keeps in its log, so that it writes its own files
ASK = """
import json, sys
import numpy as np
from workbench.settings import load_settings
from rag.store import open_collection
for home in sys.argv[1:]:
    vector = np.zeros(8, np.float32)
    vector[3] = 1
    found = open_collection(load_settings(home=home), "many").nearest(vector[None], 3)[0]
    print(json.dumps([home, list(found)]), flush=True)
"""


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one collection of random vectors."""
    home = tmp_path_factory.mktemp("damaged") / "whole"
    settings = load_settings(home=home)
    collection = create_collection(settings, "many", "none", 8)
    passages = [
        Passage(f"p{number}", f"text {number}", "a.txt", number, Locator())
        for number in range(PASSAGES)
    ]
    document = Document("a.txt", "0", 1, 1, "indexed", passages=PASSAGES)
    vectors = np.random.default_rng(0).normal(size=(PASSAGES, 8)).astype(np.float32)
    with collection.writing():
        collection.replace([document], passages, vectors)
    close_client(settings)
    return home


def test_every_damaged_file_of_chroma_is_mended_by_the_next_question(
    indexed: Path, tmp_path: Path
) -> None:
    files = [
        file.relative_to(indexed) for file in (indexed / "chroma").rglob("*") if file.is_file()
    ]
    assert {file.name for file in files} >= {"chroma.sqlite3", "header.bin", "data_level0.bin"}
    homes = [indexed]
    for file in files:
        for way in WAYS if file.name in LARGE else WAYS[:2]:
            home = tmp_path / f"{way}-{file.name}"
            shutil.copytree(indexed, home)
            _damage(home / file, way)
            homes.append(home)
    command = [sys.executable, "-c", ASK, *map(str, homes)]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    answers = dict(json.loads(line) for line in done.stdout.splitlines())
    assert len(answers) == len(homes) == 1 + 2 * len(files) + 2 * len(LARGE)
    right = answers[str(indexed)]
    assert len(right) == 3
    assert {home for home, found in answers.items() if found != right} == set()


def _damage(file: Path, way: str) -> None:
    content = file.read_bytes()
    if way == "gone":
        file.unlink()
    elif way == "garbage":
        file.write_bytes(random.Random(1).randbytes(max(100, len(content))))
    else:
        file.write_bytes(content[: len(content) // 2] if way == "half" else b"")

"""The Knowledge page: what it says about a score is how the score was computed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest

from rag.ingest import ingest
from rag.loaders.image import INSTALL
from rag.passages import Document
from rag.removal import put_back, take_out
from rag.retriever import retrieve
from rag.store import open_collection
from rag.ui import files
from workbench.files import write_json
from workbench.settings import Settings
from workbench.ui.translation import in_chinese

__all__ = ["page"]
NO_OCR = "Reading pictures needs OCR, which is not installed."
NUMBER = r"(\d\.\d+)"


@pytest.fixture
def harbour(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("quay", "lamp", "keeper"):
        text = f"The {name} of Oosterwal was built in 1903. It is painted every spring."
        (folder / f"{name}.txt").write_text(text, "utf-8")
    ingest([folder], "harbour", settings)
    return settings


def test_the_explained_formula_gives_the_shown_score(
    harbour: Settings, page: Callable[..., AppTest]
) -> None:
    app = page("rag/ui/knowledge.py")
    drawn(app.text_input(key="search").set_value("When was the quay built?").run())
    captions = "\n".join(caption.value for caption in app.caption)
    formula = re.search(rf"Fused = {NUMBER} × meaning \+ {NUMBER} × words", captions)
    assert formula and "stretched" not in captions
    dense_share, word_share = map(float, formula.groups())
    hits = re.findall(rf"fused {NUMBER} · meaning {NUMBER} · words {NUMBER}", captions)
    assert len(hits) == 3
    for fused, meaning, words in (map(float, hit) for hit in hits):
        assert fused == pytest.approx(dense_share * meaning + word_share * words, abs=0.01)


def test_a_stored_problem_with_values_is_said_in_chinese(
    settings: Settings, tmp_path: Path
) -> None:
    """It passes a child process and the catalogue: both must keep the template."""
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7 and then nothing")
    ingest([path], "mixed", settings)
    [document] = open_collection(settings, "mixed").documents()
    assert document.problem.startswith("The PDF is damaged (")
    assert in_chinese(document.problem).startswith("PDF 已损坏（")


@pytest.fixture
def three(settings: Settings, tmp_path: Path) -> Settings:
    """Collections `anchor`, `buoy` and `cable`, of one file each."""
    for name in ("anchor", "buoy", "cable"):
        path = tmp_path / f"{name}.txt"
        path.write_text(f"The {name} of Oosterwal is painted every spring.", "utf-8")
        ingest([path], name, settings)
    return settings


def test_the_chat_asks_the_collection_that_the_page_shows(
    three: Settings, page: Callable[..., AppTest]
) -> None:
    app = page("rag/ui/knowledge.py")
    drawn(app.selectbox(key="shown_collection").set_value("buoy").run())
    assert app.session_state["choices"]["collection"] == "buoy"
    drawn(app.checkbox(key="sure-buoy").check().run())
    drawn(app.button(key="delete").click().run())
    assert app.selectbox(key="shown_collection").value == "cable"
    assert app.session_state["choices"]["collection"] == "cable"
    assert app.button(key="delete").disabled and not app.checkbox(key="sure-cable").value


def test_what_is_being_read_is_selected_before_it_is_there(
    three: Settings, page: Callable[..., AppTest]
) -> None:
    app = page("rag/ui/knowledge.py")
    app.session_state["wished_selections"] = {"shown_collection": "dinghy"}
    # a job that is about to begin
    command = ["rag", "ingest", "nowhere", "--collection", "dinghy"]
    job = {"title": "Reading", "command": command, "started": time.time()}
    write_json(three.folder("jobs", "20260101-000000-0000") / "job.json", job)
    drawn(app.run())
    assert app.selectbox(key="shown_collection").value == "dinghy"
    assert "dinghy is being made" in texts(app)


def test_a_document_is_removed_and_put_back_as_it_was(harbour: Settings) -> None:
    collection = open_collection(harbour, "harbour")
    before = collection.documents()
    ids = [passage.id for passage in collection.passages()]
    _, vectors = collection.passages_and_vectors(ids)
    removed = take_out(collection, [before[0].source])
    assert len(collection.documents()) == 2 and len(removed.documents) == 1
    assert put_back(collection, removed)
    assert collection.documents() == before
    assert [passage.id for passage in collection.passages()] == ids
    assert (collection.passages_and_vectors(ids)[1] == vectors).all()
    assert retrieve("When was the keeper built?", collection, harbour, k=1)


def test_a_missing_program_is_offered_as_a_command_to_copy(
    settings: Settings, page: Callable[..., AppTest], tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(b"")
    ingest([path], "pictures", settings)
    collection = open_collection(settings, "pictures")
    [document] = collection.documents()
    no_ocr = replace(document, state="failed", problem=NO_OCR, fix=INSTALL)
    with collection.writing():
        collection.replace([no_ocr], [], np.zeros((0, collection.dimension), np.float32))
    app = page("rag/ui/knowledge.py", "zh")
    assert "apt install tesseract-ocr" in app.code[0].value
    assert "尚未安装" in texts(app)


def test_the_words_of_the_table_are_said_once_for_all_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(files, "both", lambda english, chinese: said.append(english) or english)
    many = [Document(f"a/{number}.md", "", number, 0, "indexed") for number in range(500)]
    table = files._table(many)
    assert len(said) < 10
    assert table["File"][:2] == ["0.md", "1.md"]
    assert table["Size (KB)"][:2] == [0.0, 0.1]

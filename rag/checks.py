"""The checks of `workbench doctor` for retrieval: its libraries, embedder, index and OCR."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from rag.packaged import PACKAGES, is_installed
from workbench.settings import Settings
from workbench.start.finding import Finding, ask_server, find_libraries


def check_retrieval(settings: Settings) -> Iterator[Finding]:
    """What reading files and searching them needs."""
    yield from find_libraries("chromadb", "openvino")
    yield from find_libraries("sentence-transformers", extra="local")
    yield _embedder(settings.embedder)
    yield _chroma(settings.chroma_url)
    yield _ocr()


def _embedder(name: str) -> Finding:
    if name in PACKAGES:
        if is_installed(name):
            return Finding("Embedder", "ok", f"{name} (packaged)")
        return Finding("Embedder", "broken", f"{name} (packaged)", "Run: make setup")
    if name.startswith((".", "/", "~")):
        if (Path(name).expanduser() / "config.json").exists():
            return Finding("Embedder", "ok", name)
        return Finding("Embedder", "broken", name, "Correct WORKBENCH_EMBEDDER.")
    return Finding("Embedder", "ok", f"{name} (loaded from its hub or server on first use)")


def _chroma(url: str) -> Finding:
    if not url:
        return Finding("Chroma", "ok", "embedded, in the workspace")
    if ask_server(f"{url.rstrip('/')}/api/v2/heartbeat") is None:
        fix = "Start it (chroma run), or unset WORKBENCH_CHROMA_URL."
        return Finding("Chroma", "broken", url, fix)
    return Finding("Chroma", "ok", url)


def _ocr() -> Finding:
    if shutil.which("tesseract") and find_spec("pytesseract"):
        return Finding("OCR", "ok", "reads pictures and scans")
    fix = "Install tesseract-ocr and tesseract-ocr-chi-sim, and the extra: pip install -e '.[ocr]'"
    return Finding("OCR", "missing", "not installed", fix)

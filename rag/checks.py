"""The checks of `workbench doctor` for retrieval: its libraries, embedder, index and OCR."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from rag.embeddings import find_compiled, runs_on_cuda
from rag.openvino_embedder import read_facts
from workbench.models.packaged_embedders import E5, HUB_NAME, MINILM, PACKAGES, is_installed
from workbench.settings import Settings
from workbench.start.finding import Finding, ask_server, find_libraries

DEFAULT = Settings.model_fields["embedder"].default


def check_retrieval(settings: Settings) -> Iterator[Finding]:
    """What reading files and searching them needs."""
    yield from find_libraries("chromadb", "openvino")
    yield from find_libraries("sentence-transformers", extra="local")
    yield _embedder(settings)
    yield _chroma(settings.chroma_url)
    yield _ocr()


def _embedder(settings: Settings) -> Finding:
    """Which embedder new collections get, why, and how it runs here."""
    name = settings.embedder
    why = "chosen in the settings" if name != DEFAULT else "the default; reads about 100 languages"
    if name == MINILM and not is_installed(name):
        return Finding("Embedder", "broken", f"{name} (packaged)", "Run: make setup")
    folder = Path(name).expanduser()
    if name.startswith((".", "/", "~")) and not (folder / "config.json").exists():
        return Finding("Embedder", "broken", name, "Correct WORKBENCH_EMBEDDER.")
    return Finding("Embedder", "ok", f"{name} ({_origin(name)}; {why}) {_way(settings)}")


def _origin(name: str) -> str:
    if name in PACKAGES and is_installed(name):
        return "packaged"
    if name == E5:
        return f"no build of {PACKAGES[E5]} here: {HUB_NAME} from its hub"
    if name.startswith((".", "/", "~")):
        return "a folder"
    return "from its hub or server"


def _way(settings: Settings) -> str:
    """How its vectors are computed on this machine."""
    if settings.embedder.startswith("ollama:"):
        return "by Ollama"
    if runs_on_cuda():
        return "by torch on CUDA, as an NVIDIA driver is installed"
    compiled = find_compiled(settings.embedder, settings.cache_folder("embedders"))
    if compiled is None:
        return "made ready for this machine on its first use"
    form = read_facts(compiled).weights
    if not form:
        return "by torch, as OpenVINO gives other vectors"
    return f"by OpenVINO: weights in {form}, computed in {_precision()}, vectors equal to torch's"


def _precision() -> str:
    """What the processor computes in where OpenVINO may choose."""
    import openvino

    skills = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in skills else "f32"


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

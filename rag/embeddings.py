"""Embedder name -> texts to unit vectors, by sentence-transformers, OpenVINO or Ollama.

On a CPU the OpenVINO form of a model serves, provided its vectors equal those of torch.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from rag.asked_together import AskedTogether
from rag.e5_graph import compile_packed
from rag.openvino_embedder import (
    FACTS,
    OpenVinoEmbedder,
    compile_model,
    read_facts,
)
from rag.sentence_models import (
    DEFAULT_TOKENS,
    Embedder,
    Role,
    load_sentence_transformer,
    model_folder,
    prompts_of,
)
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.files import made_once
from workbench.messages import say
from workbench.models.packaged_embedders import (
    E5_SHA256,
    PACKAGES,
    is_packed,
    packaged_folder,
    packed_file,
)
from workbench.settings import Settings

OLLAMA_TOKENS = 2048  # Ollama's API does not say; it truncates longer texts by itself


@dataclass(frozen=True)
class Folders:
    """Where models lie: downloads in the workspace, what is made of them in the machine's cache."""

    downloads: Path
    cache: Path


def load_embedder(name: str, settings: Settings) -> Embedder:
    """The embedder of that name, loaded once per process.

    Names: multilingual-e5-small and all-MiniLM-L6-v2 (packaged), a folder, a hub name,
    modelscope:NAME, ollama:NAME. Raises NotFound or Unavailable.
    """
    cache = settings.cache_folder("embedders")
    # what a package carries is the same for every workspace, so one in memory serves all of them
    downloads = cache if name in PACKAGES else settings.home / "embedders"
    host = settings.ollama_host if name.startswith("ollama:") else ""
    return _load(name, Folders(downloads, cache), host)


@lru_cache(maxsize=4)
def _load(name: str, folders: Folders, ollama_host: str) -> Embedder:
    if name.startswith("ollama:"):
        return OllamaEmbedder(name, ollama_host)
    if runs_on_cuda():
        return TorchEmbedder(name, _folder(name, folders))
    compiled = _compiled(name, folders)
    if read_facts(compiled).weights:
        return OpenVinoEmbedder(name, compiled)
    return TorchEmbedder(name, _folder(name, folders))


def _compiled(name: str, folders: Folders) -> Path:
    """The folder of the model's OpenVINO form, made on its first use on this machine."""
    if is_packed(name):
        compiled = _compiled_folder(name, E5_SHA256, folders.cache)
        made_once(compiled, lambda folder: compile_packed(packed_file(), folder))
    else:
        source = _folder(name, folders)
        compiled = _compiled_folder(name, _weights_stamp(Path(source)), folders.cache)
        made_once(compiled, lambda folder: compile_model(source, folder))
    return compiled


def is_new_here(name: str, settings: Settings) -> bool:
    """Whether loading it takes long, as its OpenVINO form is made first."""
    if name.startswith("ollama:") or runs_on_cuda():
        return False
    return find_compiled(name, settings.cache_folder("embedders")) is None


def find_compiled(name: str, cache: Path) -> Path | None:
    """The newest OpenVINO form of that model; None before its first use."""
    found = cache.glob(f"{_short(name)}-openvino-*/{FACTS}")
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return newest.parent if newest else None


def _folder(name: str, folders: Folders) -> str:
    if name in PACKAGES:
        return packaged_folder(name, folders.cache)
    return model_folder(name, folders.downloads)


@lru_cache(maxsize=64)
def embed_question(question: str, embedder: Embedder) -> np.ndarray:
    """float32 (dimension,): kept, for one question is asked of several things at a time."""
    return _asked_together(embedder).embed(question)


@lru_cache(maxsize=4)
def _asked_together(embedder: Embedder) -> AskedTogether:
    return AskedTogether(embedder)


def check_dimension(vectors: np.ndarray, dimension: int) -> None:
    """Raises InvalidInput where an embedder has changed its dimension under the same name."""
    if vectors.shape[1] == dimension:
        return
    raise InvalidInput(
        say(
            "The embedder now gives {found} dimensions; the collection has {dimension}.",
            found=vectors.shape[1],
            dimension=dimension,
        ),
        "Re-index the collection: workbench rag reindex COLLECTION --embedder NAME",
    )


class TorchEmbedder:
    """sentence-transformers itself: on a GPU, and where OpenVINO gives other vectors."""

    def __init__(self, name: str, folder: str) -> None:
        self._model = load_sentence_transformer(folder)
        self._prompts = prompts_of(self._model, folder)
        self.name = name
        self.dimension = int(self._model.get_embedding_dimension())
        self.max_tokens = int(self._model.max_seq_length or DEFAULT_TOKENS)

    def embed(self, texts: Sequence[str], role: Role = "document") -> np.ndarray:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        vectors = self._model.encode(
            list(texts),
            prompt=self._prompts[role] or None,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return vectors.astype(np.float32)


class OllamaEmbedder:
    """An embedding model of an Ollama server. One request at the start finds its dimension."""

    def __init__(self, name: str, host: str) -> None:
        import ollama

        self.name = name
        self.max_tokens = OLLAMA_TOKENS
        self._host = host
        self._client = ollama.Client(host)  # a new one takes 15 ms of a processor
        self.dimension = 0
        self.dimension = self.embed(["dimension"]).shape[1]

    def embed(self, texts: Sequence[str], role: Role = "document") -> np.ndarray:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        vectors = self._ask(list(texts))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, 1e-12)

    def _ask(self, texts: list[str]) -> np.ndarray:
        import httpx
        import ollama

        model = self.name.removeprefix("ollama:")
        try:
            answer = self._client.embed(model, texts, truncate=True)
        except ollama.ResponseError as error:
            raise NotFound(
                say("Ollama cannot embed with {model}: {error}", model=model, error=error.error),
                say("Run: ollama pull {model}", model=model),
            ) from error
        except (ConnectionError, httpx.HTTPError) as error:
            raise Unavailable(
                say("Ollama does not answer at {host}.", host=self._host),
                "Start it with: ollama serve",
            ) from error
        return np.asarray(answer.embeddings, np.float32)


def runs_on_cuda() -> bool:
    """Whether torch and an NVIDIA driver are installed. Importing torch to ask takes seconds."""
    return find_spec("torch") is not None and shutil.which("nvidia-smi") is not None


def _compiled_folder(name: str, weights: str, cache: Path) -> Path:
    """Where the OpenVINO form of these very weights belongs."""
    fingerprint = hashlib.sha256(f"{name}|{weights}".encode()).hexdigest()[:12]
    return cache / f"{_short(name)}-openvino-{fingerprint}"


def _short(name: str) -> str:
    return Path(name.replace(":", "-")).name


def _weights_stamp(folder: Path) -> str:
    """Changes when the weights in a local folder are replaced; empty for a hub name."""
    stamps: list[str] = []
    for file in folder.glob("*.safetensors"):
        status = file.stat()
        stamps.append(f"{file.name}:{status.st_size}:{status.st_mtime_ns}")
    return ",".join(stamps)

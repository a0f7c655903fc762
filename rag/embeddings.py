"""Embedder name -> texts to unit vectors, by sentence-transformers, OpenVINO or Ollama.

On a CPU the OpenVINO form of a model serves, provided its vectors equal those of torch.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from rag.openvino_embedder import OpenVinoEmbedder, compile_embedder, gives_same_vectors
from rag.packaged import E5, PACKAGES, packaged_folder, packed_form
from rag.sentence_models import (
    Embedder,
    Role,
    load_sentence_transformer,
    model_folder,
    prompts_of,
)
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.messages import say
from workbench.settings import Settings

DEFAULT_TOKENS = 512  # where a model does not say how much it reads
OLLAMA_TOKENS = 2048  # Ollama's API does not say; it truncates longer texts by itself


def load_embedder(name: str, settings: Settings) -> Embedder:
    """The embedder of that name, loaded once per process.

    Names: multilingual-e5-small and all-MiniLM-L6-v2 (packaged), a folder, a hub name,
    modelscope:NAME, ollama:NAME. Raises NotFound or Unavailable.
    """
    downloads, cache = settings.folder("embedders"), settings.cache_folder("embedders")
    return _load(name, downloads, cache, settings.ollama_host)


@lru_cache(maxsize=4)
def _load(name: str, downloads: Path, cache: Path, ollama_host: str) -> Embedder:
    if name.startswith("ollama:"):
        return OllamaEmbedder(name, ollama_host)
    packed = packed_form(cache) if name == E5 and not _has_cuda() else None
    if packed:
        return OpenVinoEmbedder(name, packed)
    packaged = name in PACKAGES
    folder = packaged_folder(name, cache) if packaged else model_folder(name, downloads)
    if _has_cuda():
        return TorchEmbedder(name, folder)
    compiled = _compiled_folder(name, folder, cache)
    compile_embedder(folder, compiled)
    if gives_same_vectors(compiled):
        return OpenVinoEmbedder(name, compiled)
    return TorchEmbedder(name, folder)


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
        self.name = name
        self.max_tokens = OLLAMA_TOKENS
        self._host = host
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
            answer = ollama.Client(self._host).embed(model, texts, truncate=True)
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


def _has_cuda() -> bool:
    """Whether an NVIDIA driver is installed. Importing torch to ask would take seconds."""
    return shutil.which("nvidia-smi") is not None


def _compiled_folder(name: str, folder: str, cache: Path) -> Path:
    """Where the OpenVINO form of these very weights belongs."""
    key = f"{name}|{_weights_stamp(Path(folder))}"
    fingerprint = hashlib.sha256(key.encode()).hexdigest()[:12]
    short = Path(name.replace(":", "-")).name
    return cache / f"{short}-{fingerprint}"


def _weights_stamp(folder: Path) -> str:
    """Changes when the weights in a local folder are replaced; empty for a hub name."""
    stamps: list[str] = []
    for file in folder.glob("*.safetensors"):
        status = file.stat()
        stamps.append(f"{file.name}:{status.st_size}:{status.st_mtime_ns}")
    return ",".join(stamps)

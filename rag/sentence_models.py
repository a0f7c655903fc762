"""Name of an embedding model -> its folder, and the SentenceTransformer loaded from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from workbench.errors import NotFound, Unavailable
from workbench.extras import check_extra, quiet_transformers
from workbench.messages import say
from workbench.models.hubs import MODELSCOPE, hub_snapshot, snapshot
from workbench.models.packed_e5 import E5_PROMPTS

DEFAULT_TOKENS = 512  # where a model does not say how much it reads
Role = Literal["document", "query"]
# their folders on the hub do not say which words they were trained with
E5_NAMES = re.compile(r"\be5-(small|base|large)(-v2)?/?$")


class Embedder(Protocol):
    """Texts -> vectors. The model reads `max_tokens` tokens of a text and ignores the rest."""

    name: str
    dimension: int
    max_tokens: int

    def embed(self, texts: Sequence[str], role: Role = "document") -> np.ndarray:
        """float32 (len(texts), dimension), each row of unit length."""
        ...

    def __hash__(self) -> int: ...


def model_folder(name: str, downloads: Path) -> str:
    """The local folder of that model, or its hub name unchanged.

    ModelScope's models are downloaded to `downloads`. Raises NotFound for a folder without a model.
    """
    if name.startswith(MODELSCOPE):
        return str(snapshot(name, downloads))
    if name.startswith((".", "/", "~")) or Path(name).is_dir():
        return _local_folder(name)
    return name


def load_sentence_transformer(folder: str, **options: Any) -> Any:
    """The SentenceTransformer of that folder or hub name. Raises NotFound or Unavailable."""
    check_extra("local", ["sentence_transformers"], "An embedder by name")
    # asked once here: without a hub the library asks for each file six times, in more than a minute
    files = folder if Path(folder).is_dir() else str(hub_snapshot(folder))
    quiet_transformers()
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            files,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},  # a pickle could run code
            **options,
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise Unavailable(
            say("The embedder {folder} cannot be loaded: {error}", folder=folder, error=reason),
            "Download the model again, or use another one.",
        ) from error


def prompts_of(model: Any, source: str) -> dict[Role, str]:
    """Role -> the words the model expects before a text, such as "query: " for E5.

    `source` is the folder or hub name that it was loaded from.
    """
    prompts = getattr(model, "prompts", None) or {}
    query = prompts.get("query") or ""
    document = prompts.get("document") or prompts.get("passage") or ""
    if not query and not document and E5_NAMES.search(source):
        return dict(E5_PROMPTS)
    return {"query": query, "document": document}


def _local_folder(name: str) -> str:
    folder = Path(name).expanduser().absolute()
    if not (folder / "config.json").exists():
        raise NotFound(
            say("{name} is not a model's folder: it has no config.json.", name=name),
            "Give the folder that contains config.json.",
        )
    return str(folder)

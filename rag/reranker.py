"""Optional cross-encoder by name: question and candidates read together -> candidates in a better order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rag.embeddings import model_folder
from rag.passages import Hit
from workbench.errors import InvalidInput, Unavailable
from workbench.messages import say
from workbench.settings import Settings

READ = 30  # candidates a cross-encoder reads; each costs about as much as embedding a passage


def rerank(question: str, hits: Sequence[Hit], settings: Settings) -> list[Hit]:
    """The hits ordered by the cross-encoder `settings.reranker`, which may be a folder, a hub name or modelscope:NAME.

    `score` becomes the model's own relevance in [0, 1]; both legs' scores stay. Raises NotFound or Unavailable.
    """
    if not hits:
        return []
    model = _load(settings.reranker, settings.folder("rerankers"))
    read = model.predict([(question, hit.passage.text) for hit in hits], show_progress_bar=False)
    scores = np.asarray(read, np.float64)
    order = sorted(range(len(hits)), key=lambda row: (-scores[row], hits[row].passage.id))
    return [replace(hits[row], score=float(scores[row])) for row in order]


@lru_cache(maxsize=2)
def _load(name: str, cache: Path) -> Any:
    from sentence_transformers import CrossEncoder
    from torch.nn import Sigmoid

    try:
        model = CrossEncoder(
            model_folder(name, cache),
            trust_remote_code=False,
            activation_fn=Sigmoid(),
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise Unavailable(
            say(
                "The reranker {name} cannot be loaded: {error}",
                name=name,
                error=str(error).splitlines()[0],
            ),
            "Give a folder, a hub name or modelscope:NAME of a cross-encoder, or leave WORKBENCH_RERANKER empty.",
        ) from error
    if model.num_labels != 1:
        raise InvalidInput(
            say(
                "{name} sorts texts into {num_labels} classes; it gives no relevance.",
                name=name,
                num_labels=model.num_labels,
            ),
            "Name a cross-encoder with one output, made for reranking.",
        )
    return model

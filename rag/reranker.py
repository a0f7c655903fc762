"""Optional cross-encoder by name: question and candidates read together -> candidates reordered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rag.passages import Hit
from rag.sentence_models import model_folder
from workbench.errors import InvalidInput, Unavailable
from workbench.extras import check_extra, quiet_transformers
from workbench.messages import say
from workbench.settings import Settings

READ = 30  # candidates a cross-encoder reads; each costs about as much as embedding a passage


def rerank(question: str, hits: Sequence[Hit], settings: Settings) -> list[Hit]:
    """The hits in the order of the cross-encoder `settings.reranker`, best first.

    The setting may be a folder, a hub name or modelscope:NAME. `score` becomes the model's own
    relevance in [0, 1]; the scores of both legs stay. Raises NotFound, InvalidInput, Unavailable.
    """
    if not hits:
        return []
    model = _load(settings.reranker, settings.folder("rerankers"))
    pairs = [(question, hit.passage.text) for hit in hits]
    scores = np.asarray(model.predict(pairs, show_progress_bar=False), np.float64)
    reordered = [replace(hit, score=float(score)) for hit, score in zip(hits, scores, strict=True)]
    return sorted(reordered, key=lambda hit: (-hit.score, hit.passage.id))


@lru_cache(maxsize=2)
def _load(name: str, cache: Path) -> Any:
    check_extra("local", ["sentence_transformers"], "A reranker")
    quiet_transformers()
    from sentence_transformers import CrossEncoder
    from torch.nn import Sigmoid

    try:
        model = CrossEncoder(
            model_folder(name, cache),
            trust_remote_code=False,
            activation_fn=Sigmoid(),
            model_kwargs={"use_safetensors": True},  # a pickle could run code
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise Unavailable(
            say("The reranker {name} cannot be loaded: {error}", name=name, error=reason),
            "Give a folder, a hub name or modelscope:NAME of a cross-encoder, "
            "or leave WORKBENCH_RERANKER empty.",
        ) from error
    if model.num_labels != 1:
        raise InvalidInput(
            say(
                "The reranker {name} sorts texts into {classes} classes and gives no relevance.",
                name=name,
                classes=model.num_labels,
            ),
            "Name a cross-encoder with one output, made for reranking.",
        )
    return model

"""Questions -> what each asks, as a vector without what all questions of its language share.

The vectors of questions lie close together, because they are questions and in one language. So the
mean of everyday questions is taken from each, and what is left is told apart three times as well
(benchmarks/leakage.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag.embeddings import Embedder
from rag.everyday import everyday
from workbench.language import language_of

SAME = 0.74  # cosine from which two questions ask the same; chosen by benchmarks/leakage.py --tune


def embed_asked(questions: Sequence[str], embedder: Embedder) -> np.ndarray:
    """float32 (questions, dimension), of unit length."""
    vectors = embedder.embed(list(questions), "query")
    usual = {
        language: known.mean(axis=0) for language, known in everyday(embedder).questions.items()
    }
    if not len(vectors):
        return vectors
    centred = vectors - np.stack([usual[language_of(text)] for text in questions])
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.maximum(lengths, 1e-12)

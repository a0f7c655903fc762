"""Questions of several threads -> one call of the embedder, and a vector for each.

While a call is made, the next questions gather; whoever has the turn then takes them all. So a
question that is alone waits for nothing, and of many each takes a part of the time it would alone.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np

from rag.sentence_models import Embedder

MOST = 16  # questions of one call: more would keep those that come meanwhile waiting

Asked = tuple[str, "Future[np.ndarray]"]


class AskedTogether:
    """The questions that wait for one embedder."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._lock = threading.Lock()  # of the list
        self._turn = threading.Lock()  # to call the embedder
        self._waiting: list[Asked] = []

    def embed(self, question: str) -> np.ndarray:
        """float32 (dimension,), of unit length. Raises what the embedder raises for it alone."""
        vector: Future[np.ndarray] = Future()
        with self._lock:
            self._waiting.append((question, vector))
        while not vector.done():
            with self._turn:
                if not vector.done():
                    self._embed(self._take())
        return vector.result()

    def _take(self) -> Sequence[Asked]:
        with self._lock:
            taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        return taken

    def _embed(self, together: Sequence[Asked]) -> None:
        try:
            found = self._embedder.embed([question for question, _ in together], "query")
        except Exception as error:  # noqa: BLE001 – whose question it is gets it
            self._embed_apart(together, error)
            return
        for (_, vector), row in zip(together, found, strict=True):
            vector.set_result(row)

    def _embed_apart(self, together: Sequence[Asked], error: Exception) -> None:
        """One question may have failed them all: each is asked alone."""
        if len(together) == 1:
            together[0][1].set_exception(error)
            return
        for asked in together:
            self._embed([asked])

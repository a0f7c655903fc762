"""Questions -> groups that ask the same, by letters at once and by meaning as soon as it is known.

A page does not wait for vectors: a thread makes them, and the next drawing has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from threading import Lock, Thread, main_thread

import numpy as np

from agents.loop.duplicates import group
from agents.loop.meaning import embed_asked
from agents.nearness import embedder_of
from workbench.settings import Settings

AT_ONCE = 64  # questions of one call of the embedder

_vectors: dict[tuple[str, str], np.ndarray] = {}  # (embedder and server, question) -> its vector
_working = Lock()


def group_now(questions: tuple[str, ...], settings: Settings) -> list[int]:
    """Groups by what is known now; what is missing is made in the meantime."""
    name = _name(settings)
    known = all((name, question) in _vectors for question in questions)
    if not known and not _working.locked():
        Thread(target=_learn, args=(questions, settings), daemon=False).start()
    return _grouped(questions, name, known)


def group_surely(questions: Sequence[str], settings: Settings) -> list[int]:
    """Groups by letters and meaning; waits for the vectors."""
    _learn(questions, settings)
    name = _name(settings)
    known = all((name, question) in _vectors for question in questions)
    return _grouped(tuple(questions), name, known)


def _name(settings: Settings) -> str:
    """The embedder with its server: a name of Ollama is another model on another one."""
    return f"{settings.embedder} {settings.ollama_host}"


@lru_cache(maxsize=4)
def _grouped(questions: tuple[str, ...], embedder: str, known: bool) -> list[int]:
    if not known or not questions:
        return group(questions)
    return group(questions, np.stack([_vectors[embedder, question] for question in questions]))


def _learn(questions: Sequence[str], settings: Settings) -> None:
    """Make the vectors that are missing, where an embedder is in reach.

    A process that ends waits for the batch in work: torn out of native code, it would abort.
    """
    with _working:
        embedder = embedder_of(settings)
        name = _name(settings)
        missing = [text for text in dict.fromkeys(questions) if (name, text) not in _vectors]
        if embedder is None:
            return
        for begin in range(0, len(missing), AT_ONCE):
            if not main_thread().is_alive():
                return
            texts = missing[begin : begin + AT_ONCE]
            for text, vector in zip(texts, embed_asked(texts, embedder), strict=True):
                _vectors[name, text] = vector

"""Questions of several threads share a call of the embedder, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from retrieval_fakes import NoiseEmbedder

from rag.asked_together import MOST, AskedTogether
from workbench.errors import Unavailable

QUESTIONS = [f"How many days of leave has person {number}?" for number in range(20)]


class HeldEmbedder(NoiseEmbedder):
    """Waits in its first call until the test wants it; fails where "bad" is asked."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.called = threading.Event()
        self.goes_on = threading.Event()

    def embed(self, texts: Sequence[str], role: str = "document") -> np.ndarray:
        self.calls.append(list(texts))
        self.called.set()
        assert self.goes_on.wait(5) and role == "query"
        if "bad" in texts:
            raise Unavailable("It does not answer.", "Ask again.")
        return super().embed(texts, role)


def ask_while_the_first_is_embedded(
    embedder: HeldEmbedder, questions: Sequence[str]
) -> list[Future[np.ndarray]]:
    together = AskedTogether(embedder)
    with ThreadPoolExecutor(len(questions) + 1) as pool:
        first = pool.submit(together.embed, "first")
        assert embedder.called.wait(5)
        others = [pool.submit(together.embed, question) for question in questions]
        while len(together._waiting) < len(questions):
            assert not first.done()
        embedder.goes_on.set()
    return [first, *others]


def test_questions_gather_while_one_is_embedded() -> None:
    embedder = HeldEmbedder()
    found = ask_while_the_first_is_embedded(embedder, QUESTIONS)
    assert [len(call) for call in embedder.calls] == [1, MOST, len(QUESTIONS) - MOST]
    expected = NoiseEmbedder().embed(["first", *QUESTIONS])
    assert np.array_equal([future.result() for future in found], expected)


def test_a_question_that_cannot_be_embedded_fails_alone() -> None:
    embedder = HeldEmbedder()
    questions = [*QUESTIONS[:3], "bad", *QUESTIONS[3:6]]
    found = ask_while_the_first_is_embedded(embedder, questions)[1:]
    for question, future in zip(questions, found, strict=True):
        if question == "bad":
            assert isinstance(future.exception(), Unavailable)
            continue
        assert np.array_equal(future.result(), NoiseEmbedder().embed([question])[0])

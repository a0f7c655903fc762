"""A loaded transformers model and a prompt -> new tokens as the model makes them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from workbench.errors import Unavailable
from workbench.messages import say


def generate_tokens(model: Any, prompt: Any, options: dict[str, Any]) -> Iterator[int]:
    """Token ids, one at a time, from a thread of its own; closing the iterator stops the model.

    Raises Unavailable where the model fails.
    """
    import torch
    from transformers import StoppingCriteriaList

    tokens = _Tokens()

    def generate() -> None:
        with torch.inference_mode():
            model.generate(
                **prompt.to(model.device),
                **options,
                streamer=tokens,
                stopping_criteria=StoppingCriteriaList([tokens]),
            )

    with ThreadPoolExecutor(1, "generate") as pool:
        future = pool.submit(generate)
        future.add_done_callback(lambda _: tokens.queue.put(None))
        try:
            while (token := tokens.queue.get()) is not None:
                yield token
        finally:
            tokens.stopped.set()
        try:
            future.result()
        except RuntimeError as error:
            raise _failed(error) from error


class _Tokens:
    """The streamer and the stopping rule of one `generate`: new tokens go to a queue."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[int | None] = SimpleQueue()
        self.stopped = threading.Event()
        self._prompt = True

    def put(self, tokens: Any) -> None:
        if self._prompt:  # transformers gives the prompt first
            self._prompt = False
            return
        for token in tokens.flatten().tolist():
            self.queue.put(token)

    def end(self) -> None:
        """Nothing: the queue ends when `generate` has returned, so a failure ends it too."""

    def __call__(self, input_ids: Any, scores: Any, **options: Any) -> Any:
        import torch

        return torch.full((input_ids.shape[0],), self.stopped.is_set(), device=input_ids.device)


def _failed(error: RuntimeError) -> Unavailable:
    if "out of memory" in str(error).lower():
        return Unavailable(
            "The model ran out of memory.",
            "Lower WORKBENCH_CONTEXT_TOKENS, or choose a smaller model.",
        )
    return Unavailable(
        say("The model failed: {error}", error=error),
        "Choose another model, or check its folder.",
    )

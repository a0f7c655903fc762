"""A model in OpenVINO's form -> tokens as it makes them, several answers side by side.

    engine = load_engine(form)                    # compiled once; the last used stays in memory
    for token in engine.generate(prompt, order):  # None while the prompt is read
        ...

The engine works in steps: each reads a part of a prompt or makes one token for every answer that
goes on. Whoever waits for an answer takes the next step, so closing the iterator stops the work.
"""

from __future__ import annotations

import gc
import itertools
import logging
import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import Unavailable
from workbench.messages import say

# Tokens of a prompt that one step reads: a Stop is obeyed between two steps.
STEP = 128
# 32 bits throughout: with fewer, greedy answers differ from those of transformers.
EXACT = {
    "INFERENCE_PRECISION_HINT": "f32",
    "KV_CACHE_PRECISION": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """How an answer is made: its longest length, the tokens that end it, and the sampling."""

    tokens: int
    ends: Sequence[int]
    temperature: float = 0.0
    top_p: float = 1.0


class Engine:
    """One compiled model. Each step has the lock."""

    def __init__(self, pipeline: Any) -> None:
        """`pipeline` is GenAI's ContinuousBatchingPipeline."""
        self._pipeline = pipeline
        self._lock = threading.Lock()
        self._numbers = itertools.count()

    @classmethod
    def of(cls, folder: Path) -> Engine:
        """Compile the model in that folder. Raises Unavailable."""
        import openvino_genai as genai

        scheduler = genai.SchedulerConfig()
        scheduler.max_num_batched_tokens = STEP
        try:
            return cls(genai.ContinuousBatchingPipeline(str(folder), scheduler, "CPU", EXACT))
        except RuntimeError as error:
            raise Unavailable(
                say("OpenVINO cannot run the model: {error}", error=error),
                say("Delete the folder {folder}; it is made again.", folder=folder),
            ) from error

    def generate(self, prompt: Any, order: Order) -> Iterator[int | None]:
        """New tokens; None for each step in which only a part of the prompt was read.

        `prompt` is an array of token ids, 1 x n. Raises Unavailable where memory is short.
        """
        from openvino_genai import GenerationStatus

        answer = self._begin(prompt, order)
        try:
            while True:
                if answer.can_read():
                    for output in answer.read().values():
                        yield from output.generated_ids
                elif answer.get_status() == GenerationStatus.RUNNING:
                    self._step(answer)
                    if not answer.can_read():
                        yield None
                else:
                    break
        finally:
            self._end(answer)
        if answer.get_status() == GenerationStatus.IGNORED:
            raise Unavailable(
                "The model ran out of memory.",
                "Lower WORKBENCH_CONTEXT_TOKENS, or choose a smaller model.",
            )

    def _begin(self, prompt: Any, order: Order) -> Any:
        import numpy as np
        from openvino import Tensor

        ids = Tensor(np.asarray(prompt, dtype=np.int64))
        with self._lock:
            return self._pipeline.add_request(next(self._numbers), ids, _configuration(order))

    def _step(self, answer: Any) -> None:
        """One step, if none of another answer has brought a token for this one meanwhile."""
        with self._lock:
            if not answer.can_read():
                self._pipeline.step()

    def _end(self, answer: Any) -> None:
        """Let go of an answer that was left before its end, with the memory it has."""
        from openvino_genai import GenerationStatus

        with self._lock:
            if answer.get_status() == GenerationStatus.RUNNING:
                answer.cancel()
                self._pipeline.step()


def _configuration(order: Order) -> Any:
    from openvino_genai import GenerationConfig

    options = GenerationConfig()
    options.max_new_tokens = order.tokens
    ends = order.ends or [0]  # it wants one, also where it is to pay no heed to it
    options.eos_token_id = ends[0]
    options.stop_token_ids = set(ends)
    options.ignore_eos = not order.ends
    if order.temperature > 0:
        options.do_sample = True
        options.temperature = order.temperature
        options.top_p = order.top_p
        options.rng_seed = secrets.randbits(32)  # else every answer to a question is the same
    return options


_loaded: dict[Path, Engine] = {}
_loading = threading.Lock()


def load_engine(folder: Path) -> Engine:
    """The engine of that folder. Only the last one used stays in memory; takes seconds else."""
    with _loading:
        if folder not in _loaded:
            for other in list(_loaded):
                log.info("Unloaded %s to make room for another model.", other.name)
                del _loaded[other]
            gc.collect()
            _loaded[folder] = Engine.of(folder)
        return _loaded[folder]

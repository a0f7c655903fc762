"""Exceptions of torch and PEFT in a training -> errors that name the setting to change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from finetune.run.config import RunConfig
from workbench.errors import InvalidInput, Unavailable
from workbench.messages import Message, say

NO_MEMORY = ("out of memory", "can't allocate memory")


@contextmanager
def maps_training_errors(config: RunConfig) -> Iterator[None]:
    """Raises Unavailable where memory ran out and InvalidInput for layers that the base lacks."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not _is_out_of_memory(error):
            raise
        raise Unavailable(
            say(
                "The training ran out of memory with batch {batch} and up to {length} tokens.",
                batch=config.training.batch,
                length=config.data.max_length,
            ),
            _smaller(config),
        ) from error
    except ValueError as error:
        text = str(error)
        if "target modules" not in text.lower() and "lm_head" not in text:
            raise
        raise InvalidInput(
            say("The adapter does not fit the base: {error}", error=text.splitlines()[0]),
            'Set lora.targets = "all-linear", or names of layers that the base has; '
            "lm_head goes into modules_to_save.",
        ) from error


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return any(words in text for words in NO_MEMORY)


def _smaller(config: RunConfig) -> Message:
    """The settings that save memory, the one with the least loss first."""
    batch = config.training.batch
    if batch > 1:
        lower = say(
            "Lower training.batch from {batch} to {half} (and double training.accumulation).",
            batch=batch,
            half=batch // 2,
        )
    else:
        lower = say("Lower data.max_length from {length}.", length=config.data.max_length)
    if config.training.gradient_checkpointing:
        return lower
    return say("{lower} Or set training.gradient_checkpointing = true.", lower=lower)

"""A run's settings and a number of processes -> the same steps on that many processes."""

from __future__ import annotations

from finetune.run.config import RunConfig, Training
from workbench.errors import InvalidInput
from workbench.messages import say


def share_rows(config: RunConfig, processes: int) -> RunConfig:
    """The settings for so many processes in all, with the rows of a step as the run file has them.

    The steps, their rows and the order of the rows stay the same, so a training can go on with
    another number of processes. No process gets a larger batch than the run file says. Raises
    InvalidInput where the rows of a step cannot be shared evenly.
    """
    training = config.training
    if processes == training.processes:
        return config
    rows, rest = divmod(training.rows_a_step, processes)
    if rest:
        raise _uneven(training, processes)
    batch = _largest_divisor(rows, training.batch)
    shared = {"processes": processes, "batch": batch, "accumulation": rows // batch}
    return config.model_copy(update={"training": training.model_copy(update=shared)})


def _largest_divisor(number: int, most: int) -> int:
    """The largest divisor of the number that is at most `most`."""
    divisors = [size for size in range(1, min(number, most) + 1) if number % size == 0]
    return divisors[-1]


def _uneven(training: Training, processes: int) -> InvalidInput:
    rows = training.rows_a_step
    fitting = [str(count) for count in range(1, rows + 1) if rows % count == 0]
    return InvalidInput(
        say(
            "{processes} processes cannot share the {rows} rows of a step evenly.",
            processes=processes,
            rows=rows,
        ),
        say(
            "Take {fitting} processes, or change training.batch: a step has batch x accumulation "
            "x processes rows.",
            fitting=", ".join(fitting),
        ),
    )

"""Each step of a training -> metrics, progress and samples; Stop and a loss of NaN end it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from transformers import TrainerCallback

from finetune.data.examples import Example, LeftOut
from finetune.evaluate.generation import generate_answers, prompt_ids
from finetune.parallel import holds_all_weights, row_of
from finetune.run.config import RunConfig
from finetune.run.metrics import append_metrics
from finetune.run.runs import Run
from finetune.train.order import PLAN, TRAINING, Order
from finetune.train.processes import any_of, is_first
from finetune.train.speed import Meter, meter_of
from finetune.weights import read_weights
from workbench.errors import InvalidInput, Unavailable
from workbench.messages import say
from workbench.progress import Pace

SAMPLE_TOKENS = 64
# what the trainer logs -> its name in metrics.jsonl
KEPT = {name: name for name in ("loss", "eval_loss", "learning_rate", "grad_norm")}


def callbacks(
    order: Order,
    tokenizer: Any,
    kept: Mapping[str, str] | None = None,
    prompts: Sequence[Prompt] | None = None,
) -> list[Any]:
    """Progress and Stop in each process; samples and TensorBoard in the first alone.

    `kept` are names that only this task's trainer logs, and their names in metrics.jsonl;
    `prompts` are what is sampled at each checkpoint, without them questions of the data.
    """
    found: list[Any] = [Reporter(order, KEPT | dict(kept or {}))]
    if not is_first():
        return found
    if prompts is None:
        prompts = questions(order, tokenizer)
    if holds_all_weights(order.config):  # the first alone cannot answer with its part of them
        found.append(Sampler(order.run, prompts, tokenizer, order.report))
    if "tensorboard" in order.config.saving.report_to:
        from torch.utils.tensorboard import SummaryWriter
        from transformers.integrations import TensorBoardCallback

        writer = SummaryWriter(str(order.run.folder / "tensorboard"))
        found.append(TensorBoardCallback(writer))
    return found


def asked(order: Order) -> list[Example]:
    """The dialogues whose last question is asked at each checkpoint: with answers that are good."""
    found: list[Example] = []
    for row in order.held_out or order.taught:
        if len(found) == order.config.saving.samples:
            break
        with suppress(LeftOut):
            found.append(row.to_example())
    return found


@dataclass(frozen=True)
class Prompt:
    """What the model goes on from at each checkpoint, its tokens, and what should follow."""

    text: str
    ids: list[int]
    reference: str


def questions(order: Order, tokenizer: Any) -> list[Prompt]:
    """The last questions of the first dialogues that are held out, or taught."""
    return [
        Prompt(example.questions[-1], prompt_ids(example, tokenizer), example.answer)
        for example in asked(order)
    ]


class Reporter(TrainerCallback):
    """Writes metrics.jsonl, reports progress, and stops the training when asked to."""

    def __init__(self, order: Order, kept: Mapping[str, str] = KEPT) -> None:
        self.order = order
        self.arguments: Any = None
        self.kept = kept
        self.began = 0.0
        self.first_step = 0
        self.pace = Pace()
        self.stopping = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self.arguments = args
        self.began = time.monotonic()
        self.first_step = state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self.stopping = any_of(self.order.stopped())
        if self.stopping:
            control.should_save = True
            control.should_training_stop = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if self.stopping:  # on_step_end has it saved, and nobody waits for a measurement
            control.should_evaluate = False
            control.should_save = False

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **more: Any
    ) -> None:
        logs = logs or {}
        if "train_runtime" in logs:  # the trainer's summary at the end
            return
        row = {"step": state.global_step, "epoch": round(state.epoch or 0, 4)}
        for logged, name in self.kept.items():
            if logged in logs:
                row[name] = logs[logged]
        due = self._is_due(state, row)
        if due and "loss" in row:
            row |= self.meter.read(logs.get("num_tokens", 0))
        if is_first():
            append_metrics(self.order.run.metrics, row)
        _refuse_divergence(row)
        if due:
            self._report(state, row)

    def _is_due(self, state: Any, row: dict[str, Any]) -> bool:
        """The last step and every measurement are reported, the other steps now and then."""
        ends = state.global_step >= state.max_steps
        return self.pace.is_due(last=ends or "eval_loss" in row)

    @cached_property
    def meter(self) -> Meter:
        """Made when the first step is logged."""
        half = self.arguments.bf16 or self.arguments.fp16
        return meter_of(self.order.config, read_weights(self.order.base), half)

    def _report(self, state: Any, row: dict[str, Any]) -> None:
        """One progress line. `done` of `of` in `seconds` is what every long command reports."""
        seconds = time.monotonic() - self.began
        steps = state.global_step - self.first_step
        left = 0.0
        if steps:
            left = seconds / steps * (state.max_steps - state.global_step)
        event = {
            "event": "progress",
            "stage": TRAINING,
            **PLAN.place(TRAINING),
            "steps": state.max_steps,
            "done": state.global_step,
            "of": state.max_steps,
            **row,
            "seconds": round(seconds, 1),
            "left": round(left, 1),
        }
        self.order.report(event)


class Sharing(TrainerCallback):
    """Ends a training whose processes would not share the work as the run file says."""

    def __init__(self, trainer: Any, config: RunConfig) -> None:
        self.trainer = trainer
        self.row = row_of(config)

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if self.row is None:
            return
        model = self.trainer.model_wrapped
        kinds = [kind.__name__ for kind in type(model).__mro__]
        if self.row.wraps not in kinds:
            raise Unavailable(
                say(
                    "The model is a {found}, and parallel = {name!r} makes it a {wanted}.",
                    found=kinds[0],
                    name=self.row.name,
                    wanted=self.row.wraps,
                ),
                'Set parallel = "ddp" under [training].',
            )


class Sampler(TrainerCallback):
    """Answers a few questions at each checkpoint, so that one sees what the model says by now."""

    def __init__(
        self,
        run: Run,
        prompts: Sequence[Prompt],
        tokenizer: Any,
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self.run = run
        self.prompts = prompts
        self.tokenizer = tokenizer
        self.report = report

    def on_save(self, args: Any, state: Any, control: Any, model: Any = None, **more: Any) -> None:
        if not self.prompts:
            return
        training = model.training
        model.eval()
        ids = [prompt.ids for prompt in self.prompts]
        answers = dict(generate_answers(model, self.tokenizer, ids, SAMPLE_TOKENS))
        model.train(training)
        for number, prompt in enumerate(self.prompts):
            row = {
                "step": state.global_step,
                "question": prompt.text,
                "answer": answers[number],
            }
            append_metrics(self.run.folder / "samples.jsonl", row | {"reference": prompt.reference})
            self.report({"event": "sample", **row})


def _refuse_divergence(row: dict[str, Any]) -> None:
    """Raises InvalidInput for a loss that is not a number."""
    loss = row.get("loss", 0.0)
    if math.isfinite(loss):
        return
    raise InvalidInput(
        say(
            "The loss is {loss} at step {global_step}: the training has diverged.",
            loss=loss,
            global_step=row["step"],
        ),
        "Lower training.learning_rate or training.clip, raise training.warmup, or set precision to "
        "bf16 or fp32; the last checkpoint is kept.",
    )
